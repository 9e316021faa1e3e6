// Incidents: what failed and fails, over time and as a list, newest first. The picture and the list show the same time
// and the same filters, which stand in the address. What comes by the live events does not move what is being read.
import { useMemo } from "preact/hooks";
import type { Range } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";
import { api } from "../api.ts";
import { count, lasting, plural } from "../format.ts";
import { useKeys } from "../keys.ts";
import { gatewayTime } from "../live.ts";
import { useQuery } from "../router.tsx";
import { chosenGateway, gateways, useGateway } from "../session.ts";
import { useAsked } from "../store.ts";
import { RangeBar, zoomedByKey } from "../traffic/range-bar.tsx";
import { type UsedWindow, useTimeWindow } from "../traffic/use-window.ts";
import { INCIDENT_PRESETS, movesOn } from "../traffic/window.ts";
import { SeverityBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Instant } from "../ui/instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/notes.tsx";
import { Page } from "../ui/page.tsx";
import { Spark } from "../ui/spark.tsx";
import { chooseFilters, FilterBar } from "./filter-bar.tsx";
import { type IncidentFilters, incidentQuery, isFiltered, NO_FILTERS, passes, readFilters } from "./filters.ts";
import { endOf } from "./timeline.ts";
import { Timeline } from "./timeline-view.tsx";
import { type UsedFeed, useFeed } from "./use-feed.ts";

const DEFAULT = "24h";
const PAGE_ROWS = 50;
const SPARK_BARS = 24;
/** More bars than that are not told apart anyway. */
const DRAWN_MAX = 300;

export function IncidentsPage() {
  const [params] = useQuery();
  const filters = readFilters(params);
  const gateway = useGateway();
  const used = useTimeWindow(INCIDENT_PRESETS, DEFAULT);
  const filterKey = JSON.stringify([filters, gateway ?? ""]);
  const others = gateway === undefined ? {} : { gateway };
  const feed = useFeed({
    key: `${used.key} ${filterKey}`,
    query: (before) => ({ ...incidentQuery(filters, listRange(used), { limit: PAGE_ROWS, before }), ...others }),
    passes: (row) => passes(row, filters, movesOn(used.window) ? null : used.range),
  });
  useKeys({ "+": () => zoom("+", used), "-": () => zoom("-", used) });
  return (
    <Page title="Incidents" lead="Failures that belong together, with what they mean.">
      <RangeBar used={used} presets={INCIDENT_PRESETS} otherwise={DEFAULT} />
      <DrawnTime used={used} filters={filters} others={others} askKey={filterKey} live={feed} />
      <FilterBar filters={filters} />
      <List feed={feed} filters={filters} used={used} />
    </Page>
  );
}

function zoom(key: string, used: UsedWindow): void {
  const to = zoomedByKey(key, used);
  if (to) used.choose(to);
}

/** A list that moves on has no end: what opens in this second is part of it. */
function listRange({ window, range }: UsedWindow): Range {
  return movesOn(window) ? { from: range.from, to: gatewayTime() + 60_000 } : range;
}

interface DrawnTimeProps {
  readonly used: UsedWindow;
  readonly filters: IncidentFilters;
  readonly others: { readonly gateway?: string };
  readonly askKey: string;
  readonly live: UsedFeed;
}

/** The picture: its own question, for more than a page of the list; what the list has learnt since is newer. */
function DrawnTime({ used, filters, others, askKey, live }: DrawnTimeProps) {
  const { range } = used;
  const asked = useAsked(
    (signal) => api.incidents({ ...incidentQuery(filters, range, { limit: DRAWN_MAX }), ...others }, signal),
    [range, askKey],
  );
  const marks = useAsked((signal) => api.marks(range, signal), [range]);
  const { items, waiting } = live.feed;
  const cut = useMemo(() => {
    const rows = asked.data?.items ?? [];
    const last = rows[rows.length - 1];
    if (!asked.data || asked.data.next === null || !last) return null;
    return { drawn: rows.length, total: asked.data.total, oldestAt: last.openedAt };
  }, [asked.data]);
  const drawn = useMemo(() => {
    const byId = new Map((asked.data?.items ?? []).map((row) => [row.id, row]));
    for (const row of [...items, ...waiting]) {
      if (cut === null || row.openedAt >= cut.oldestAt) byId.set(row.id, row);
    }
    return [...byId.values()];
  }, [asked.data, cut, items, waiting]);
  if (asked.error && !asked.data) return null;
  return <Timeline used={used} incidents={drawn} marks={marks.data ?? []} cut={cut} />;
}

interface ListProps {
  readonly feed: UsedFeed;
  readonly filters: IncidentFilters;
  readonly used: UsedWindow;
}

function List({ feed, filters, used }: ListProps) {
  const { items, waiting, next, total } = feed.feed;
  if (feed.error && items.length === 0) return <ErrorNote error={feed.error} again={feed.again} />;
  if (feed.loading && items.length === 0) return <Loading what="Loading incidents" />;
  return (
    <section class="incident-section" aria-label="List of incidents" aria-busy={feed.loading}>
      {waiting.length > 0 && <NewOnes feed={feed} />}
      <p class="list-count" role="status">
        {items.length === 0
          ? ""
          : total !== null && total > items.length
            ? `${count(items.length)} of ${count(total)} incidents`
            : plural(items.length, "incident")}
      </p>
      {items.length === 0 && waiting.length === 0 && <NothingHere filters={filters} />}
      <ol class="incident-list">
        {items.map((row) => (
          <Row key={row.id} row={row} now={closedNow(row, used)} />
        ))}
      </ol>
      {feed.error && <ErrorNote error={feed.error} again={feed.older} />}
      {next !== null && (
        <Button busy={feed.loadingOlder} onClick={feed.older}>
          Older incidents
        </Button>
      )}
    </section>
  );
}

/** Rows of closed incidents never change with the clock: they are not drawn again. */
function closedNow(row: IncidentRow, { range }: UsedWindow): number {
  return row.closedAt === null ? Math.max(range.to, gatewayTime()) : 0;
}

function NewOnes({ feed }: { readonly feed: UsedFeed }) {
  return (
    <div class="new-ones" role="status">
      <Button
        kind="primary"
        small
        onClick={() => {
          feed.takeIn();
          scrollTo({ top: 0 });
        }}
      >
        {plural(feed.feed.waiting.length, "new incident")}: show
      </Button>
    </div>
  );
}

function NothingHere({ filters }: { readonly filters: IncidentFilters }) {
  if (isFiltered(filters)) {
    return (
      <Empty title="No incident passes these filters in this time.">
        <Button onClick={() => chooseFilters(NO_FILTERS)}>Clear filters</Button>
      </Empty>
    );
  }
  return (
    <Empty title="No incidents in this time.">
      <p>Nothing failed that would belong together. Choose a longer span above to look further back.</p>
    </Empty>
  );
}

const gatewayName = (id: string): string => gateways.get().find((one) => one.id === id)?.name ?? id;

/** One moment of failures is a bar at the beginning, not a wall. */
const padded = (values: readonly number[]): readonly number[] =>
  values.length >= SPARK_BARS ? values : [...values, ...new Array<number>(SPARK_BARS - values.length).fill(0)];

interface RowProps {
  readonly row: IncidentRow;
  /** 0 = it does not matter. */
  readonly now: number;
}

/** The same row at the same time is the same drawing: with hundreds of them it counts. */
function Row({ row, now }: RowProps) {
  return useMemo(() => drawRow(row, now), [row, now]);
}

function drawRow(row: IncidentRow, now: number) {
  const open = row.closedAt === null;
  const lasted = lasting(endOf(row, now) - row.openedAt);
  const { series, endpoints } = row;
  return (
    <li class={`incident-row s-${row.severity}${open ? " open" : ""}`}>
      <div class="incident-main">
        <p class="incident-badges">
          <SeverityBadge severity={row.severity} open={open} />
          <span class="confidence">{row.confidence}</span>
          <code>{row.cause}</code>
        </p>
        <h2>
          <a href={`/incidents/${encodeURIComponent(row.id)}`}>{row.sentence}</a>
        </h2>
        <p class="incident-facts">
          <span>
            {open ? "since " : ""}
            <Instant at={row.openedAt} />, {open ? `for ${lasted}` : `lasted ${lasted}`}
          </span>
          <span>
            {row.upstream === "" ? "before an upstream was chosen" : row.upstream}
            {endpoints.length > 0 && `: ${endpoints.slice(0, 3).join(", ")}`}
            {endpoints.length > 3 && ` and ${endpoints.length - 3} more`}
          </span>
          {chosenGateway.get() === "all" && <span>at {gatewayName(row.gateway)}</span>}
        </p>
      </div>
      <div class="incident-figures">
        <Spark
          values={padded(series.shown)}
          second={padded(series.saved)}
          tone="bad"
          secondTone="good"
          width={120}
          height={28}
          label=""
        />
        <p>
          <span class={row.shown > 0 ? "shown some" : "shown"}>
            <b>{count(row.shown)}</b> shown
          </span>{" "}
          <span class="saved">
            <b>{count(row.saved)}</b> saved
          </span>
        </p>
      </div>
    </li>
  );
}
