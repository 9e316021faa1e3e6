// Traffic: how much, how fast, what failed and what was avoided, for all of it or for one route, upstream or endpoint;
// the paths that are slow or fail; and the requests of this moment, line by line. Everything chosen stands in the
// address. A view that moves on with the clock is asked for again by itself.
import { useMemo } from "preact/hooks";
import type { SeriesKind } from "../../../observe/report.ts";
import type { Range } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";
import { api } from "../api.ts";
import { count, instant, latency, percent, plural } from "../format.ts";
import { Choice } from "../incidents/filter-bar.tsx";
import { useKeys } from "../keys.ts";
import { gatewayTime, useNowPart } from "../live.ts";
import { setQuery, useQuery } from "../router.tsx";
import { useGateway } from "../session.ts";
import { useAsked } from "../store.ts";
import { Empty, ErrorNote, Loading } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { Charts } from "./charts.tsx";
import { Paths } from "./paths.tsx";
import { RangeBar, ZoomKeys, zoomedByKey } from "./range-bar.tsx";
import { KIND_WORDS, namesOf, readScope, type Scope, scopeValues, sideBySide } from "./scope.ts";
import { onGrid, type Totals, totals } from "./series.ts";
import { Tail } from "./tail.tsx";
import { type UsedWindow, useTimeWindow } from "./use-window.ts";
import { TRAFFIC_PRESETS, windowWords, writeWindow, zoomTo } from "./window.ts";

const DEFAULT = "1h";
const POINTS = 360;
const BANDS_MAX = 200;

type View = "charts" | "paths" | "tail";
const VIEWS: readonly { readonly id: View; readonly title: string }[] = [
  { id: "charts", title: "Charts" },
  { id: "paths", title: "Paths" },
  { id: "tail", title: "Live tail" },
];

export function TrafficPage() {
  const [params] = useQuery();
  const view = VIEWS.find(({ id }) => id === params.get("view"))?.id ?? "charts";
  const used = useTimeWindow(TRAFFIC_PRESETS, DEFAULT);
  useKeys({ "+": () => zoom("+", used), "-": () => zoom("-", used) });
  return (
    <Page title="Traffic">
      {view !== "tail" && <RangeBar used={used} presets={TRAFFIC_PRESETS} otherwise={DEFAULT} />}
      <Tabs
        label="Traffic"
        tabs={VIEWS}
        value={view}
        onChange={(id) => setQuery({ view: id === "charts" ? null : id })}
      >
        {view === "charts" && <Figures used={used} scope={readScope(params)} />}
        {view === "paths" && <Paths range={used.range} />}
        {view === "tail" && <Tail />}
      </Tabs>
    </Page>
  );
}

function zoom(key: string, used: UsedWindow): void {
  const to = zoomedByKey(key, used);
  if (to) used.choose(to);
}

interface FiguresProps {
  readonly used: UsedWindow;
  readonly scope: Scope;
}

function Figures({ used, scope }: FiguresProps) {
  const { range } = used;
  const { kind, name } = scope;
  const gateway = useGateway();
  const others = gateway === undefined ? {} : { gateway };
  const points = useAsked(
    async (signal) => {
      const names = name === "" ? {} : { names: [name] };
      const ask = { range, points: POINTS, ...others };
      const [answer, alive] = await Promise.all([
        api.points({ ...ask, kind, ...names }, signal),
        kind === "all" ? undefined : api.points({ ...ask, kind: "all" }, signal),
      ]);
      // With the range and the kind that it answers: the charts never show one under the name of the other.
      return { answer, alive, range, scope };
    },
    [range, kind, name, gateway],
  );
  const marks = useAsked((signal) => api.marks(range, signal), [range]);
  const incidents = useAsked(
    (signal) => api.incidents({ range, limit: BANDS_MAX, ...others }, signal),
    [range, gateway],
  );
  const drawn = points.data;
  const now = drawn ? Math.max(drawn.range.to, 0) : 0;
  const gridded = useMemo(
    () => (drawn ? onGrid(drawn.answer, drawn.range, gatewayTime(), drawn.alive) : null),
    [drawn],
  );
  return (
    <>
      <ScopeChoice scope={scope} />
      {points.error && <ErrorNote error={points.error} again={points.again} />}
      {!gridded && points.loading && <Loading what="Loading figures" />}
      {gridded && drawn && gridded.series.size === 0 && (
        <Empty title="Nothing was counted in this time.">
          <p>Choose a longer span, or another part of the traffic.</p>
        </Empty>
      )}
      {gridded && drawn && gridded.series.size > 0 && (
        <>
          <InWords totals={totals(drawn.answer.points)} used={used} scope={drawn.scope} />
          <IncidentsLink incidents={incidents.data?.items ?? NONE} range={drawn.range} />
          <ZoomKeys used={used} label="Charts of the traffic">
            <Charts
              scope={drawn.scope}
              range={drawn.range}
              gridded={gridded}
              incidents={incidents.data?.items ?? NONE}
              marks={marks.data ?? NONE}
              now={now}
              onZoom={(from, to) => used.choose(zoomTo(from, to))}
            />
          </ZoomKeys>
        </>
      )}
    </>
  );
}

const NONE: readonly never[] = [];

/** What the shaded spans are, as a link to them. */
function IncidentsLink({ incidents, range }: { readonly incidents: readonly IncidentRow[]; readonly range: Range }) {
  if (incidents.length === 0) return null;
  const params = new URLSearchParams();
  writeWindow(params, range, TRAFFIC_PRESETS, "");
  return (
    <p class="hint incidents-link">
      Shaded: <a href={`/incidents?${params}`}>{plural(incidents.length, "incident")} in this time</a>
      {incidents.length >= BANDS_MAX && ", the newest of them"}
    </p>
  );
}

function ScopeChoice({ scope }: { readonly scope: Scope }) {
  const { kind, name } = scope;
  const names = useNowPart((now) => namesOf(now, kind))
    .split("\n")
    .filter(Boolean);
  const choose = (to: Scope): void => setQuery(scopeValues(to), true);
  return (
    <div class="filters scope">
      <Choice
        label="Which traffic"
        value={kind}
        all=""
        options={(Object.keys(KIND_WORDS) as SeriesKind[]).map((one) => [one, KIND_WORDS[one]])}
        onChange={(to) => choose({ kind: to as SeriesKind, name: "" })}
      />
      {kind !== "all" && (
        <Choice
          label={`Which ${kind}`}
          value={name}
          all={`Each ${kind}, side by side`}
          options={names.map((one) => [one, one])}
          onChange={(to) => choose({ kind, name: to })}
        />
      )}
    </div>
  );
}

interface InWordsProps {
  readonly totals: Totals;
  readonly used: UsedWindow;
  readonly scope: Scope;
}

/** The time in one sentence and a few figures. */
function InWords({ totals: sum, used, scope }: InWordsProps) {
  const when = windowWords(used.window, TRAFFIC_PRESETS, (at) => instant(at, gatewayTime()));
  const whole = "lastMs" in used.window ? `In ${when}` : `From ${when}`;
  const attempts = scope.kind === "endpoint";
  const by = Object.entries(sum.savedBy)
    .filter(([, value]) => value > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([name, value]) => `${count(value)} by ${name}`);
  return (
    <div class="traffic-words">
      <p class="traffic-sentence">
        {attempts ? (
          <>
            {whole} <b class="t-bad">{plural(sum.shown, "attempt")}</b> of {count(sum.requests)} failed.
          </>
        ) : (
          <>
            {whole} <b class="t-good">{plural(sum.saved, "gateway error")}</b> {sum.saved === 1 ? "was" : "were"}{" "}
            avoided
            {by.length > 1 ? ` (${by.join(", ")})` : ""}, <b class={sum.shown > 0 ? "t-bad" : ""}>{count(sum.shown)}</b>{" "}
            {sum.shown === 1 ? "was" : "were"} shown.
          </>
        )}
      </p>
      <dl class="traffic-figures">
        <Figure name={attempts ? "attempts" : "requests"} value={count(sum.requests)} />
        <Figure name={attempts ? "failed" : "shown an error"} value={share(sum.shown, sum.requests)} />
        <Figure name="p50" value={latency(sum.p50Ms)} />
        <Figure name="p95" value={latency(sum.p95Ms)} />
        <Figure name="p99" value={latency(sum.p99Ms)} />
      </dl>
      {sideBySide(scope) && <p class="hint">Sums of every {scope.kind}.</p>}
    </div>
  );
}

const share = (part: number, of: number): string => (of === 0 ? "–" : percent(part / of));

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
