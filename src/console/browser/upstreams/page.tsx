// Upstreams and their members: how each stands and why, and what somebody can do to it. Every action says before what it
// does, and its outcome after. `?upstream=` shows one.
import { useState } from "preact/hooks";
import type { EndpointAction, EndpointNow, UpstreamNow } from "../../model.ts";
import { api } from "../api.ts";
import { lasting, latency, perSecond } from "../format.ts";
import { useNow } from "../live.ts";
import { causesOf, stateCounts, troubles, upstreamHref, worstFirst } from "../now/facts.ts";
import type { PageProps } from "../pages.ts";
import { setQuery, useQuery } from "../router.tsx";
import { doing } from "../toasts.tsx";
import { Badge, StateBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Empty, Loading } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { ActionDialog, type AskedAction } from "./actions.tsx";
import { Members } from "./members.tsx";
import { Timeouts } from "./timeouts.tsx";

/** With more endpoints in all, each upstream shows its worst until it is chosen. */
const TOGETHER_MAX = 60;
const WORST = 5;

export function UpstreamsPage(_props: PageProps) {
  const now = useNow();
  const [query] = useQuery();
  const [asked, setAsked] = useState<AskedAction | null>(null);
  const chosen = query.get("upstream") ?? "";
  if (!now) {
    return (
      <Page title="Upstreams">
        <Loading />
      </Page>
    );
  }
  const shown = chosen === "" ? now.upstreams : now.upstreams.filter(({ name }) => name === chosen);
  const total = now.upstreams.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  const act = async (action: EndpointAction): Promise<void> => {
    await doing(() => api.act(action));
  };
  return (
    <Page
      title="Upstreams"
      lead="Groups of endpoints, and what can be done to each while the gateway runs. Actions hold until they are taken back or the gateway is started anew; the file stays as it is."
      actions={now.upstreams.length > 1 && <Chooser names={now.upstreams.map(({ name }) => name)} chosen={chosen} />}
    >
      {now.upstreams.length === 0 && (
        <Empty title="No upstream is configured">The gateway answers everything itself.</Empty>
      )}
      {chosen !== "" && shown.length === 0 && (
        <Empty title={`There is no upstream "${chosen}"`}>
          <Button onClick={() => setQuery({ upstream: null })}>Show all</Button>
        </Empty>
      )}
      {shown.map((upstream) => (
        <UpstreamSection
          key={upstream.name}
          upstream={upstream}
          shown={total > TOGETHER_MAX && chosen === "" ? worstFirst(upstream.endpoints).slice(0, WORST) : null}
          at={now.at}
          onAsk={setAsked}
          onCheck={act}
        />
      ))}
      {asked && <ActionDialog asked={asked} onClose={() => setAsked(null)} />}
    </Page>
  );
}

function Chooser({ names, chosen }: { readonly names: readonly string[]; readonly chosen: string }) {
  return (
    <select
      aria-label="Upstream"
      value={chosen}
      onChange={(event) => setQuery({ upstream: event.currentTarget.value }, true)}
    >
      <option value="">All upstreams</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface SectionProps {
  readonly upstream: UpstreamNow;
  /** Only these of its members; null = all. */
  readonly shown: readonly EndpointNow[] | null;
  readonly at: number;
  readonly onAsk: (asked: AskedAction) => void;
  readonly onCheck: (action: EndpointAction) => Promise<void>;
}

function UpstreamSection({ upstream, shown, at, onAsk, onCheck }: SectionProps) {
  const { name, rates, endpoints, balance, inFlight, held, queued, breaker, awaySince } = upstream;
  const [timers, setTimers] = useState(false);
  const trouble = troubles(upstream, at);
  const causes = causesOf(rates);
  const facts: readonly (readonly [string, string])[] = [
    ["Requests", perSecond(rates.perSecond)],
    ["Errors shown", perSecond(rates.shownPerSecond)],
    ["p50 / p95 / p99", `${latency(rates.p50Ms)} / ${latency(rates.p95Ms)} / ${latency(rates.p99Ms)}`],
    ["In flight", String(inFlight)],
    ["Held / queued", `${held} / ${queued}`],
    ["Breaker", breaker],
    ["Balance", balance],
  ];
  return (
    <section class="upstream" aria-label={`Upstream ${name}`}>
      <div class="upstream-head">
        <h2>{name}</h2>
        {awaySince !== null && (
          <Badge tone="bad" shape="cross">
            away for {lasting(at - awaySince)}
          </Badge>
        )}
        {stateCounts(endpoints).map(({ state, count }) => (
          <span key={state} class="state-count">
            {count} <StateBadge state={state} />
          </span>
        ))}
      </div>
      <dl class="figures-row">
        {facts.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {(causes !== "" || trouble.length > 0) && <p class="t-bad">{[...trouble, causes].filter(Boolean).join(" · ")}</p>}
      <Members upstream={upstream} rows={shown ?? endpoints} at={at} onAsk={onAsk} onCheck={onCheck} />
      {shown && shown.length < endpoints.length && (
        <p class="more-members">
          <a href={upstreamHref(name)}>
            All {endpoints.length} members of {name}
          </a>
          <span class="soft">the worst {shown.length} stand here</span>
        </p>
      )}
      <details class="timers" onToggle={(event) => setTimers(event.currentTarget.open)}>
        <summary>
          Timeouts<span class="unseen"> of {name}</span>, hop by hop
        </summary>
        {timers && <Timeouts upstream={name} />}
      </details>
    </section>
  );
}
