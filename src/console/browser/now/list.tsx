// The same as the picture for narrow screens: each upstream with what comes to it and its members, worst first; and as a
// table for whoever reads rather than looks.
import { useState } from "preact/hooks";
import type { EndpointNow, Now, UpstreamNow } from "../../model.ts";
import { latency, perSecond } from "../format.ts";
import { StateBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { STATE_LOOK } from "../ui/tone.ts";
import { causesOf, endpointHref, stateCounts, troubles, upstreamHref, worstFirst } from "./facts.ts";
import { MEMBERS_MAX } from "./layout.ts";

export function PathList({ now }: { readonly now: Now }) {
  const own = now.routes.filter(({ upstream }) => upstream === null);
  return (
    <div class="path-list">
      <p class="soft">
        Listens on {now.listeners.map(({ label, tls }) => `${label}${tls ? " (TLS)" : ""}`).join(", ")}
      </p>
      {now.upstreams.map((upstream) => (
        <UpstreamCard key={upstream.name} upstream={upstream} now={now} />
      ))}
      {own.length > 0 && (
        <section class="card">
          <h2>Answered by the gateway</h2>
          {own.map((route) => (
            <p key={route.match}>
              <code>{route.match}</code> {route.action}, {perSecond(route.rates.perSecond)}
            </p>
          ))}
        </section>
      )}
    </div>
  );
}

const WORST = 3;

function UpstreamCard({ upstream, now }: { readonly upstream: UpstreamNow; readonly now: Now }) {
  const [all, setAll] = useState(false);
  const { name, rates, endpoints, inFlight } = upstream;
  const many = endpoints.length > MEMBERS_MAX;
  const shown = many && !all ? worstFirst(endpoints).slice(0, WORST) : endpoints;
  const trouble = troubles(upstream, now.at);
  const causes = causesOf(rates);
  return (
    <section class="card path-card" aria-label={`Upstream ${name}`}>
      <h2>
        <a href={upstreamHref(name)}>{name}</a>
      </h2>
      <p class="soft">
        from{" "}
        {now.routes
          .filter(({ upstream: to }) => to === name)
          .map(({ match }) => match)
          .join(", ")}
      </p>
      <p>
        {perSecond(rates.perSecond)} · p50 {latency(rates.p50Ms)} · p95 {latency(rates.p95Ms)} · {inFlight} in flight
        {rates.shownPerSecond > 0 && <b class="t-bad"> · {perSecond(rates.shownPerSecond)} errors</b>}
      </p>
      {causes !== "" && <p class="t-bad">{causes}</p>}
      {trouble.length > 0 && <p class="t-bad">{trouble.join(" · ")}</p>}
      {many && (
        <p>
          {stateCounts(endpoints)
            .map(({ state, count }) => `${count} ${STATE_LOOK[state].word}`)
            .join(", ")}{" "}
          <Button small onClick={() => setAll(!all)}>
            {all ? "Only the worst" : `All ${endpoints.length}`}
          </Button>
        </p>
      )}
      <ul>
        {shown.map((endpoint) => (
          <li key={endpoint.label}>
            <StateBadge state={endpoint.state} />
            <div>
              <a href={endpointHref(name, endpoint)}>{endpoint.label}</a>
              {endpoint.backup && <span class="soft"> backup</span>}
              <br />
              <span class="soft">
                {perSecond(endpoint.rates.perSecond)} · p95 {latency(endpoint.rates.p95Ms)} · {endpoint.connections}{" "}
                connections
              </span>
              {endpoint.why !== "" && <p>{endpoint.why}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Row extends EndpointNow {
  readonly upstream: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "upstream", title: "Upstream", cell: ({ upstream }) => upstream, sort: ({ upstream }) => upstream },
  { id: "endpoint", title: "Endpoint", cell: ({ label }) => label, sort: ({ label }) => label },
  {
    id: "state",
    title: "State",
    cell: ({ state, why }) => `${STATE_LOOK[state].word}${why === "" ? "" : `: ${why}`}`,
    sort: ({ state }) => STATE_LOOK[state].word,
  },
  {
    id: "rate",
    title: "Requests",
    number: true,
    cell: ({ rates }) => perSecond(rates.perSecond),
    sort: ({ rates }) => rates.perSecond,
  },
  {
    id: "failed",
    title: "Attempts failed",
    number: true,
    cell: ({ rates }) => perSecond(rates.shownPerSecond),
    sort: ({ rates }) => rates.shownPerSecond,
  },
  {
    id: "p95",
    title: "p95",
    number: true,
    cell: ({ rates }) => latency(rates.p95Ms),
    sort: ({ rates }) => rates.p95Ms ?? 0,
  },
];

/** All endpoints with their figures. */
export function PathTable({ now }: { readonly now: Now }) {
  const rows = now.upstreams.flatMap(({ name, endpoints }) =>
    endpoints.map((endpoint): Row => ({ ...endpoint, upstream: name })),
  );
  return (
    <Table
      caption="Endpoints with their state and figures"
      columns={COLUMNS}
      rows={rows}
      rowKey={({ upstream, label }) => `${upstream} ${label}`}
    />
  );
}
