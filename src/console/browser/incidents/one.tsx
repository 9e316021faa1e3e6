// One incident, in the order in which somebody on call asks: what is it and since when, what to do, why we think so, who
// was hurt, what happened around it, which requests. An open one is asked for again when the live events say that it
// changed. The address of a chosen failure stands in the query, so that it can be sent to somebody.
import { useEffect, useReducer, useRef } from "preact/hooks";
import type { Incident } from "../../../incidents/model.ts";
import { ApiError, api } from "../api.ts";
import { count, lasting, plural } from "../format.ts";
import { gatewayTime, live, onLive } from "../live.ts";
import type { PageProps } from "../pages.ts";
import { useQuery } from "../router.tsx";
import { useAsked } from "../store.ts";
import { SeverityBadge } from "../ui/badge.tsx";
import { Instant } from "../ui/instant.tsx";
import { Empty, ErrorNote, Loading, Note } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { Breakdowns } from "./breakdowns.tsx";
import { CopyLink, CopyMarkdown } from "./copies.tsx";
import { FailureList } from "./failure-list.tsx";
import { FailuresOverTime } from "./failures-chart.tsx";
import { Alternatives, Fixes, Reasons } from "./verdict.tsx";

/** What changes many times a second is asked for this often at most. */
const AGAIN_MS = 2000;

export function IncidentPage({ rest: id }: PageProps) {
  const [params] = useQuery();
  const asked = useAsked((signal) => api.incident(id, signal), [id]);
  useChanges(id, asked.again);
  const incident = asked.data?.id === id ? asked.data : null;
  if (!incident) {
    if (asked.loading) return <Waiting />;
    return <Missing id={id} error={asked.error} again={asked.again} />;
  }
  const { verdict } = incident;
  return (
    <Page title={verdict.short || verdict.sentence} heading={verdict.sentence} actions={<Actions id={id} />}>
      <p class="crumbs">
        <a href="/incidents">Incidents</a> <span aria-hidden="true">›</span> <code>{id}</code>
      </p>
      <Head incident={incident} />
      {asked.error && <ErrorNote error={asked.error} again={asked.again} />}
      <div class="one-columns">
        <div>
          <Fixes incident={incident} />
          <Affected incident={incident} />
          <Alternatives verdict={verdict} />
        </div>
        <div>
          <Reasons verdict={verdict} />
        </div>
      </div>
      <FailuresOverTime incident={incident} />
      <Around incident={incident} />
      <Breakdowns incident={incident} />
      <FailureList incident={incident} chosen={params.get("failure") ?? ""} />
    </Page>
  );
}

/** Asks again when the incident changed, not more often than every AGAIN_MS, and once the stream is back. */
function useChanges(id: string, again: () => void): void {
  const latest = useRef(again);
  latest.current = again;
  useEffect(() => {
    let timer = 0;
    const soon = (): void => {
      if (timer !== 0) return;
      timer = window.setTimeout(() => {
        timer = 0;
        latest.current();
      }, AGAIN_MS);
    };
    const stop = onLive((event) => {
      if (event.event === "incident" && event.incident.id === id) soon();
    });
    let before = live.get().connection;
    const stopWatching = live.subscribe(() => {
      const { connection } = live.get();
      if (connection === "live" && before !== "live" && before !== "connecting") soon();
      before = connection;
    });
    return () => {
      window.clearTimeout(timer);
      stop();
      stopWatching();
    };
  }, [id]);
}

function Waiting() {
  return (
    <Page title="Incident">
      <Loading what="Loading the incident" />
    </Page>
  );
}

interface MissingProps {
  readonly id: string;
  readonly error: Error | null;
  readonly again: () => void;
}

function Missing({ id, error, again }: MissingProps) {
  const unknown = error === null || (error instanceof ApiError && error.status === 404);
  return (
    <Page title="Incident">
      {unknown ? (
        <Empty title="There is no such incident here.">
          <p>
            <code>{id.slice(0, 80)}</code> is not in the store of this gateway: it may have been dropped by age or size,
            or belong to another gateway. <a href="/incidents?last=30d">All incidents of 30 days</a>
          </p>
        </Empty>
      ) : (
        <ErrorNote error={error} again={again} />
      )}
    </Page>
  );
}

function Actions({ id }: { readonly id: string }) {
  return (
    <>
      <CopyMarkdown id={id} />
      <CopyLink path={`/incidents/${encodeURIComponent(id)}`} />
    </>
  );
}

function Head({ incident }: { readonly incident: Incident }) {
  const { openedAt, closedAt, lastAt, severity, verdict, cause, upstream } = incident;
  const open = closedAt === null;
  // Open ones go on: the words follow the live figures, which come each second.
  useSecond(open);
  const now = gatewayTime();
  return (
    <>
      <p class="one-head">
        <SeverityBadge severity={severity} open={open} />
        <span>
          {open ? (
            <>
              open since <Instant at={openedAt} />, for {lasting(now - openedAt)}; last failure{" "}
              <Instant at={lastAt} relative />
            </>
          ) : (
            <>
              <Instant at={openedAt} /> to <Instant at={closedAt} />, lasted {lasting(closedAt - openedAt)}
            </>
          )}
        </span>
        <span>
          <b>{verdict.confidence}</b>
          <span class="soft"> verdict</span>
        </span>
        <span>
          <span class="soft">cause</span> <code>{cause}</code>
        </span>
        {upstream !== "" && (
          <span>
            <span class="soft">upstream</span>{" "}
            <a href={`/upstreams?upstream=${encodeURIComponent(upstream)}`}>{upstream}</a>
          </span>
        )}
        <a href={`/incidents?cause=${encodeURIComponent(cause)}&last=30d`}>others like it</a>
      </p>
      {incident.counts.shown + incident.counts.cut === 0 && severity === "saved" && (
        <Note tone="good">
          <p>Nobody was shown an error: each of these requests was mended on its way.</p>
        </Note>
      )}
    </>
  );
}

/** Draws again each second while something is open. */
function useSecond(on: boolean): void {
  const [, draw] = useReducer((ticks: number) => ticks + 1, 0);
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => draw(null as never), 1000);
    return () => clearInterval(timer);
  }, [on]);
}

/** Who was hurt, and who was spared. */
function Affected({ incident: { counts } }: { readonly incident: Incident }) {
  const figures: readonly (readonly [value: number, words: string, title: string, tone: string])[] = [
    [counts.shown, "shown an error", "Requests that were answered with a gateway error", "bad"],
    [counts.cut, "cut short", "Answers that ended before they were whole", "bad"],
    [counts.passed, "upstream's own errors", "Answers of 500 and more that the upstream gave itself, passed on", "bad"],
    [counts.clientLeft, "left by the client", "The client gave up before there was an answer", "quiet"],
    [counts.held, "saved by a hold", "Requests that waited until the upstream was back", "good"],
    [counts.retried, "saved by a retry", "Tried again on the same endpoint", "good"],
    [counts.failedOver, "saved by another endpoint", "Tried again on another endpoint", "good"],
    [counts.queued, "saved by the queue", "Requests that waited for a free connection", "good"],
  ];
  const there = figures.filter(([value]) => value > 0);
  return (
    <section class="card affected" aria-labelledby="affected">
      <h2 id="affected">Who was affected</h2>
      {there.length > 0 && (
        <dl class="affected-figures">
          {there.map(([value, words, title, tone]) => (
            <div key={words} title={title}>
              <dt>{words}</dt>
              <dd class={`t-${tone}`}>{count(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="soft">
        {plural(counts.failures, "failure")}
        {counts.requests > 0 && ` in ${count(counts.requests)} requests to the upstream meanwhile`}
        {counts.clients > 0 &&
          `; about ${count(counts.clients)} ${counts.clients === 1 ? "client" : "clients"} noticed`}
        .
      </p>
    </section>
  );
}

/** What happened around it, in order. */
function Around({ incident: { timeline } }: { readonly incident: Incident }) {
  if (timeline.length === 0) return null;
  return (
    <section class="card" aria-labelledby="around">
      <h2 id="around">What happened around it</h2>
      <ol class="around">
        {timeline.map(({ at, kind, text }, index) => (
          <li key={index} class={`k-${kind}`}>
            <Instant at={at} /> <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
