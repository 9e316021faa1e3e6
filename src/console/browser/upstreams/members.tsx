// The members of an upstream as a table, with the actions of each.
import { useMemo, useState } from "preact/hooks";
import type { EndpointAction, EndpointNow, UpstreamNow } from "../../model.ts";
import { queryOf } from "../api.ts";
import { lasting, latency, perSecond, span } from "../format.ts";
import { StateBadge } from "../ui/badge.tsx";
import { ActionButton } from "../ui/button.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { STATE_ORDER } from "../ui/tone.ts";
import type { AskedAction } from "./actions.tsx";

interface MembersProps {
  readonly upstream: UpstreamNow;
  /** Those of its members that are shown. */
  readonly rows: readonly EndpointNow[];
  readonly at: number;
  readonly onAsk: (asked: AskedAction) => void;
  readonly onCheck: (action: EndpointAction) => Promise<void>;
}

const TAKEN_OUT: ReadonlySet<string> = new Set(["draining", "disabled"]);

export function Members(props: MembersProps) {
  const { upstream, at } = props;
  // Columns keep their identity while only figures move, so that sorting stays where it is.
  const columns = useMemo(() => columnsOf(props), [upstream, at]);
  return (
    <Table
      caption={`Members of ${upstream.name}`}
      columns={columns}
      rows={props.rows}
      rowKey={({ label }) => label}
      rowHeight={56}
      cards
    />
  );
}

function columnsOf({ upstream, at, onAsk, onCheck }: MembersProps): readonly Column<EndpointNow>[] {
  return [
    {
      id: "endpoint",
      title: "Endpoint",
      class: "member-name",
      cell: ({ label, backup }) => (
        <>
          <b>{label}</b>
          {backup && <span class="soft"> backup</span>}
        </>
      ),
      sort: ({ label }) => label,
    },
    {
      id: "state",
      title: "State",
      class: "member-state",
      cell: (endpoint) => <State endpoint={endpoint} upstream={upstream.name} at={at} />,
      sort: ({ state }) => STATE_ORDER.indexOf(state),
    },
    {
      id: "weight",
      title: "Weight",
      number: true,
      cell: ({ weight, configuredWeight }) => (
        <>
          {weight}
          {weight !== configuredWeight && <span class="soft"> (file: {configuredWeight})</span>}
        </>
      ),
      sort: ({ weight }) => weight,
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
      title: "Failed",
      number: true,
      cell: ({ rates }) =>
        rates.shownPerSecond > 0.005 ? <b class="t-bad">{perSecond(rates.shownPerSecond)}</b> : "0/s",
      sort: ({ rates }) => rates.shownPerSecond,
    },
    {
      id: "p95",
      title: "p50 / p95",
      number: true,
      cell: ({ rates }) => `${latency(rates.p50Ms)} / ${latency(rates.p95Ms)}`,
      sort: ({ rates }) => rates.p95Ms ?? 0,
    },
    {
      id: "connections",
      title: "Active / open",
      number: true,
      cell: ({ active, connections, idle }) => (
        <span title={`${active} requests run; ${connections} connections are open, ${idle} of them idle`}>
          {active} / {connections}
        </span>
      ),
      sort: ({ connections }) => connections,
    },
    {
      id: "keepalive",
      title: "Keep-alive",
      cell: (endpoint) => <KeepAlive endpoint={endpoint} />,
      sort: ({ keepAliveMs }) => keepAliveMs ?? Number.POSITIVE_INFINITY,
    },
    {
      id: "acts",
      title: "Actions",
      quiet: true,
      class: "member-acts",
      cell: (endpoint) => <Acts upstream={upstream} endpoint={endpoint} onAsk={onAsk} onCheck={onCheck} />,
    },
  ];
}

interface StateProps {
  readonly endpoint: EndpointNow;
  readonly upstream: string;
  readonly at: number;
}

function State({ endpoint: { state, why, since, label, rates }, upstream, at }: StateProps) {
  const failing = rates.shownPerSecond > 0.005;
  return (
    <div>
      <StateBadge state={state} />
      {since !== null && state !== "ok" && <span class="soft"> for {lasting(at - since)}</span>}
      {why !== "" && <p class="why">{why}</p>}
      {(failing || state === "gone" || state === "ejected" || state === "unhealthy") && (
        <a class="why" href={`/incidents${queryOf({ upstream, endpoint: label })}`}>
          Its incidents
        </a>
      )}
    </div>
  );
}

function KeepAlive({ endpoint: { keepAliveMs, keepAliveFrom } }: { readonly endpoint: EndpointNow }) {
  if (keepAliveMs === null) return <span class="soft">not known</span>;
  return (
    <span
      title={
        keepAliveFrom === "hint" ? "It says so: Keep-Alive: timeout=…" : "Found from when it closes idle connections"
      }
    >
      {span(keepAliveMs)} <span class="soft">{keepAliveFrom === "hint" ? "as it says" : "from its closes"}</span>
    </span>
  );
}

interface ActsProps {
  readonly upstream: UpstreamNow;
  readonly endpoint: EndpointNow;
  readonly onAsk: (asked: AskedAction) => void;
  readonly onCheck: (action: EndpointAction) => Promise<void>;
}

function Acts({ upstream, endpoint, onAsk, onCheck }: ActsProps) {
  const [checking, setChecking] = useState(false);
  const { label, state, weight, configuredWeight } = endpoint;
  const out = TAKEN_OUT.has(state) || state === "ejected" || weight !== configuredWeight;
  const ask = (what: AskedAction["do"]) => (): void => onAsk({ do: what, upstream, endpoint });
  const check = (): void => {
    setChecking(true);
    void onCheck({ do: "check", upstream: upstream.name, endpoint: label }).then(() => setChecking(false));
  };
  return (
    <div class="acts">
      {out && (
        <ActionButton small label={`Enable ${label}`} onClick={ask("enable")}>
          Enable
        </ActionButton>
      )}
      {!TAKEN_OUT.has(state) && (
        <ActionButton small label={`Drain ${label}`} onClick={ask("drain")}>
          Drain
        </ActionButton>
      )}
      {state !== "disabled" && (
        <ActionButton small label={`Disable ${label}`} onClick={ask("disable")}>
          Disable
        </ActionButton>
      )}
      <ActionButton small label={`Weight of ${label}`} onClick={ask("weight")}>
        Weight
      </ActionButton>
      <ActionButton small busy={checking} label={`Check ${label} now`} onClick={check}>
        Check
      </ActionButton>
    </div>
  );
}
