// The same request again, at an endpoint of choice, beside how it went then. Only methods without effects are sent; the
// reason why one is not stands beside the button, not only in a title.
import { useState } from "preact/hooks";
import type { StoredFailure } from "../../../store/model.ts";
import type { ReplayResult, ReplaySide } from "../../model.ts";
import { api } from "../api.ts";
import { size, span } from "../format.ts";
import { useNowPart } from "../live.ts";
import { useAdmin } from "../session.ts";
import { say } from "../toasts.tsx";
import { ActionButton } from "../ui/button.tsx";
import { ErrorNote, Note } from "../ui/notes.tsx";
import { Head } from "./failure-view.tsx";
import { Choice } from "./filter-bar.tsx";

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Why this one cannot be sent again; "" = it can, as far as the page knows. */
export function replayBlocked({ method, upstream }: Pick<StoredFailure, "method" | "upstream">): string {
  if (!SAFE.has(method)) return `${method} may change something: only GET, HEAD and OPTIONS are sent again`;
  if (upstream === "") return "It failed before an upstream was chosen: there is nowhere to send it";
  return "";
}

export function Replay({ failure }: { readonly failure: StoredFailure }) {
  const { id, upstream, endpoint } = failure;
  const [where, setWhere] = useState("");
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<ReplayResult | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const admin = useAdmin();
  const labels = useNowPart((now) =>
    (now?.upstreams.find(({ name }) => name === upstream)?.endpoints ?? []).map(({ label }) => label).join("\n"),
  );
  const others = labels.split("\n").filter((label) => label !== "" && label !== endpoint);
  const blocked = replayBlocked(failure);
  const send = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      const answer = await api.replay(id, where === "" ? {} : { endpoint: `${upstream} ${where}` });
      setResult(answer);
      say(answer.refused ?? answer.verdict);
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    } finally {
      setBusy(false);
    }
  };
  const why = blocked || (admin ? "" : "You may look at this console, not change anything");
  return (
    <section class="replay" aria-label="Send it again">
      <h4>Send it again</h4>
      <div class="replay-form">
        {blocked === "" && (
          <Choice
            label="Endpoint"
            value={where}
            all={endpoint === "" ? "an endpoint of the upstream" : `where it failed: ${endpoint}`}
            options={others.map((label) => [label, label])}
            onChange={setWhere}
          />
        )}
        <ActionButton blocked={blocked} busy={busy} onClick={() => void send()}>
          {busy ? "Sending…" : "Replay"}
        </ActionButton>
        {why !== "" && <span class="soft">{why}.</span>}
      </div>
      {error && <ErrorNote error={error} again={() => void send()} />}
      {result && <Outcome result={result} />}
    </section>
  );
}

function Outcome({ result }: { readonly result: ReplayResult }) {
  const { refused, then, now, differences, verdict, endpoint, request } = result;
  if (refused !== null) {
    return (
      <Note tone="warn">
        <p>It was not sent: {refused}</p>
      </Note>
    );
  }
  const well = now !== null && now.cause === null;
  return (
    <div class="replay-result" role="status">
      <Note tone={well ? "good" : "bad"}>
        <p>{verdict}</p>
      </Note>
      {now && <Sides then={then} now={now} endpoint={endpoint} />}
      {differences.length > 0 && (
        <>
          <h5>What is different</h5>
          <ul>
            {differences.map((difference) => (
              <li key={difference}>{difference}</li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>What was sent and received</summary>
        <Head title={`Sent to ${endpoint}`} first={`${request.method} ${request.target}`} fields={request.head} />
        {now?.head && <Head title="Received" first={String(now.status)} fields={now.head} />}
      </details>
    </div>
  );
}

interface SidesProps {
  readonly then: ReplaySide;
  readonly now: ReplaySide;
  readonly endpoint: string;
}

function Sides({ then, now, endpoint }: SidesProps) {
  const rows: readonly (readonly [string, (side: ReplaySide) => string])[] = [
    ["Status", ({ status }) => (status > 0 ? String(status) : "none")],
    ["Cause", ({ cause }) => cause ?? "none"],
    ["Took", ({ durationMs }) => span(durationMs)],
    ["Body", ({ bytes }) => size(bytes)],
    ["In words", ({ sentence }) => sentence],
  ];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: the frame of a table that scrolls
    <div class="table-box" role="region" tabIndex={0} aria-label="Then and now">
      <table>
        <caption class="unseen">Then and now</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">Then</th>
            <th scope="col">Now, at {endpoint}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([title, value]) => {
            const [before, after] = [value(then), value(now)];
            return (
              <tr key={title} class={before === after ? "" : "differs"}>
                <th scope="row">{title}</th>
                <td>{before}</td>
                <td>{after}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
