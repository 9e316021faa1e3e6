// What the gateway keeps of what happened: where, how much, how long back, and what is wrong with it.

import type { StoreState } from "../../../store/model.ts";
import { api } from "../api.ts";
import { count, lasting, plural, size } from "../format.ts";
import { gatewayTime } from "../live.ts";
import { useAsked } from "../store.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Instant } from "../ui/instant.tsx";
import { ErrorNote, Loading, Note } from "../ui/notes.tsx";

const KINDS: Readonly<Record<StoreState["kind"], string>> = {
  memory: "In memory: it ends with the process",
  sqlite: "A file (SQLite)",
  postgres: "PostgreSQL",
};

export function Kept() {
  const { data, error, loading, again } = useAsked((signal) => api.store(signal), []);
  if (!data) return error ? <ErrorNote error={error} again={again} /> : <Loading />;
  return (
    <section class="kept" aria-labelledby="kept">
      <div class="kept-head">
        <h2 id="kept">Incidents, failures, figures and marks</h2>
        <Button small onClick={again} busy={loading}>
          Look again
        </Button>
      </div>
      {error && <ErrorNote error={error} again={again} />}
      <Trouble state={data} />
      <Facts state={data} />
    </section>
  );
}

function Trouble({ state: { ok, problem, dropped, queued } }: { readonly state: StoreState }) {
  if (ok && dropped === 0) return null;
  return (
    <Note tone={ok ? "warn" : "bad"}>
      {!ok && (
        <p>
          <b>Nothing is written: {problem ?? "the store does not answer"}.</b> It is tried again by itself;{" "}
          {plural(queued, "line")} wait. Requests go on as before.
        </p>
      )}
      {dropped > 0 && (
        <p>
          {plural(dropped, "line")} {dropped === 1 ? "was" : "were"} dropped since the start, because there was no room
          to wait: what is shown for that time has gaps.
        </p>
      )}
    </Note>
  );
}

function Facts({ state }: { readonly state: StoreState }) {
  const { kind, where, ok, bytes, queued, written, dropped, oldestAt } = state;
  return (
    <dl class="kept-facts card">
      <div>
        <dt>State</dt>
        <dd>
          <Badge tone={ok ? "good" : "bad"} shape={ok ? "disc" : "cross"}>
            {ok ? "writing" : "not writing"}
          </Badge>
        </dd>
      </div>
      <div>
        <dt>Kind</dt>
        <dd>{KINDS[kind]}</dd>
      </div>
      {where !== "" && kind !== "memory" && (
        <div>
          <dt>Where</dt>
          <dd>
            <code>{where}</code>
          </dd>
        </div>
      )}
      <div>
        <dt>Size</dt>
        <dd>{bytes > 0 ? size(bytes) : "not known"}</dd>
      </div>
      <div>
        <dt>Reaches back</dt>
        <dd>
          {oldestAt === null ? (
            "nothing is kept yet"
          ) : (
            <>
              {lasting(gatewayTime() - oldestAt)}, to <Instant at={oldestAt} />
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Lines written</dt>
        <dd>
          {count(written)}, {count(queued)} wait, {count(dropped)} dropped
        </dd>
      </div>
    </dl>
  );
}
