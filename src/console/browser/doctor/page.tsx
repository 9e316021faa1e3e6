// Doctor: asks the upstreams of the configuration as `goodgate doctor` does, and shows where a request fails. It can be
// stopped; one runs at a time (the console says so).
import { useEffect, useRef, useState } from "preact/hooks";
import { api, queryOf } from "../api.ts";
import { useNowPart } from "../live.ts";
import type { PageProps } from "../pages.ts";
import { setQuery, useQuery } from "../router.tsx";
import { say } from "../toasts.tsx";
import { ActionButton, Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { ErrorNote } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { type Diagnosis, readDiagnosis } from "./model.ts";
import { Report } from "./report.tsx";

interface Run {
  readonly startedAt: number;
  readonly stop: AbortController;
}

export function DoctorPage(_props: PageProps) {
  const [query] = useQuery();
  const names = useNowPart((now) => now?.upstreams.map(({ name }) => name).join("\n") ?? "");
  const upstream = query.get("upstream") ?? "";
  const path = query.get("path") ?? "/";
  const [run, setRun] = useState<Run | null>(null);
  const [diagnosis, setDiagnosis] = useState<Diagnosis | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const pathError = path.startsWith("/") ? "" : 'A path begins with "/"';
  useEffect(() => () => run?.stop.abort(), [run]);

  const start = async (): Promise<void> => {
    if (pathError !== "") return;
    const stop = new AbortController();
    setRun({ startedAt: performance.now(), stop });
    setError(null);
    try {
      const found = readDiagnosis(await api.doctor(upstream, path, stop.signal));
      setDiagnosis(found);
      say(`Doctor: ${found.summary}`);
    } catch (problem) {
      if (!stop.signal.aborted) setError(problem instanceof Error ? problem : new Error(String(problem)));
    } finally {
      setRun(null);
    }
  };

  return (
    <Page
      title="Doctor"
      lead="Asks each member directly and through the gateway, layer by layer, and says which hop fails and why. Only what the configuration names is asked."
    >
      <form
        class="card doctor-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!run) void start();
        }}
      >
        <Field label="Upstream">
          <select
            value={upstream}
            onChange={(event: Event) => setQuery({ upstream: (event.currentTarget as HTMLSelectElement).value })}
          >
            <option value="">All upstreams</option>
            {names
              .split("\n")
              .filter(Boolean)
              .map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </select>
        </Field>
        <Field label="Path" {...(pathError ? { error: pathError } : {})}>
          <input
            class="mono"
            data-search
            value={path}
            onInput={(event: InputEvent) => setQuery({ path: (event.currentTarget as HTMLInputElement).value })}
          />
        </Field>
        <div class="doctor-acts">
          <ActionButton kind="primary" type="submit" busy={run !== null} {...(pathError ? { blocked: pathError } : {})}>
            {run ? "Looking…" : "Look"}
          </ActionButton>
          {run && <Button onClick={() => run.stop.abort()}>Stop</Button>}
        </div>
      </form>
      {run && <Progress run={run} />}
      {error && <ErrorNote error={error} again={() => void start()} />}
      {diagnosis && !run && <Report diagnosis={diagnosis} />}
      <p class="soft">
        In a terminal: <code>goodgate doctor URL</code> looks at any site, ours or not, and <code>--log</code>,{" "}
        <code>--config</code> let it read more. A text to explain? <a href={`/explain${queryOf({})}`}>Paste it.</a>
      </p>
    </Page>
  );
}

const EXPECTED_S = 30;

function Progress({ run }: { readonly run: Run }) {
  const [seconds, setSeconds] = useState(0);
  const bar = useRef<HTMLProgressElement>(null);
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds((performance.now() - run.startedAt) / 1000), 250);
    return () => window.clearInterval(timer);
  }, [run]);
  return (
    <p class="progress">
      <progress ref={bar} max={EXPECTED_S} value={Math.min(seconds, EXPECTED_S - 1)} aria-label="Doctor is at work" />
      <span class="soft">
        Names, connections, TLS, HTTP, timers: {Math.floor(seconds)} s, at most about {EXPECTED_S} s
      </span>
    </p>
  );
}
