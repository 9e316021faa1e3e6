// The timers of the way to an upstream, hop by hop, with those that do not fit. A bar shows how long each is beside the
// others (by its logarithm: 5 ms and 10 min stand on one scale).
import type { TimeoutsView } from "../../model.ts";
import { api } from "../api.ts";
import { span } from "../format.ts";
import { useAsked } from "../store.ts";
import { Empty, ErrorNote, Loading, Note } from "../ui/notes.tsx";

export function Timeouts({ upstream }: { readonly upstream: string }) {
  const { data, error, again } = useAsked((signal) => api.timeouts(upstream, signal), [upstream]);
  if (error) return <ErrorNote error={error} again={again} />;
  if (!data) return <Loading />;
  return <Chain view={data} />;
}

const EMPTY_HOP =
  "An endpoint's own timers show in its Keep-Alive field, or in when it closes idle connections: after some requests they stand here.";

function Chain({ view: { hops, inversions } }: { readonly view: TimeoutsView }) {
  const longest = Math.max(1, ...hops.flatMap(({ timers }) => timers.map(({ ms }) => ms ?? 0)));
  if (hops.length === 0) return <Empty title="No timers are known" />;
  return (
    <div class="chain-of-timers">
      {inversions.map(({ text, fix }) => (
        <Note key={text} tone="warn">
          <p>{text}</p>
          <p>
            <b>Do this:</b> {fix}
          </p>
        </Note>
      ))}
      {inversions.length === 0 && (
        <Note tone="good">
          <p>
            {hops.some(({ timers }) => timers.length === 0)
              ? "As far as they are known, each inner timer ends before the one around it."
              : "Each inner timer ends before the one around it."}
          </p>
        </Note>
      )}
      <ol class="timer-hops">
        {hops.map(({ name, timers }) => (
          <li key={name}>
            <h3>{name}</h3>
            {timers.length === 0 && <p class="soft">Nothing is known yet. {EMPTY_HOP}</p>}
            <dl>
              {timers.map((timer) => (
                <div key={timer.name}>
                  <dt>{timer.name}</dt>
                  <dd>
                    <span class="timer-value">{timer.ms === null ? "unknown" : span(timer.ms)}</span>
                    <span class="timer-bar" aria-hidden="true">
                      <i
                        style={{
                          width: `${timer.ms === null ? 0 : Math.max(2, (Math.log1p(timer.ms) / Math.log1p(longest)) * 100)}%`,
                        }}
                      />
                    </span>
                    <span class="soft">{timer.from}</span>
                  </dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ol>
    </div>
  );
}
