// The paths that are slowest and that fail most, as tables that sort.
import type { PathFigures, Range } from "../../../store/model.ts";
import { api } from "../api.ts";
import { count, span } from "../format.ts";
import { useAsked } from "../store.ts";
import { ErrorNote, Loading } from "../ui/notes.tsx";
import { type Column, Table } from "../ui/table.tsx";

const PATH: Column<PathFigures> = {
  id: "path",
  title: "Path",
  cell: ({ method, path }) => (
    <code>
      {method} {path}
    </code>
  ),
  sort: ({ path }) => path,
};
const HOST: Column<PathFigures> = { id: "host", title: "Host", cell: ({ host }) => host, sort: ({ host }) => host };
const ROUTE: Column<PathFigures> = {
  id: "route",
  title: "Route",
  cell: ({ route }) => route,
  sort: ({ route }) => route,
};
const WORST: Column<PathFigures> = {
  id: "worst",
  title: "Longest",
  number: true,
  cell: ({ worstMs }) => span(worstMs),
  sort: ({ worstMs }) => worstMs,
};
const MEAN: Column<PathFigures> = {
  id: "mean",
  title: "Mean",
  number: true,
  cell: ({ meanMs }) => span(meanMs),
  sort: ({ meanMs }) => meanMs,
};
const counted = (title: string): Column<PathFigures> => ({
  id: "count",
  title,
  number: true,
  cell: (row) => count(row.count),
  sort: (row) => row.count,
});

const SLOW: readonly Column<PathFigures>[] = [PATH, HOST, ROUTE, counted("Slow ones"), MEAN, WORST];
const FAILING: readonly Column<PathFigures>[] = [
  PATH,
  HOST,
  ROUTE,
  counted("Failures"),
  {
    id: "causes",
    title: "Causes",
    cell: ({ causes }) =>
      Object.entries(causes)
        .sort(([, one], [, other]) => other - one)
        .map(([cause, times]) => (
          <span key={cause} class="cause-times">
            <a href={`/incidents?cause=${encodeURIComponent(cause)}`}>{cause}</a> {count(times)}
          </span>
        )),
  },
];

export function Paths({ range }: { readonly range: Range }) {
  const asked = useAsked((signal) => api.paths(range, signal), [range]);
  if (!asked.data) {
    return asked.error ? <ErrorNote error={asked.error} again={asked.again} /> : <Loading what="Loading paths" />;
  }
  const { slow, failing } = asked.data;
  return (
    <div class="paths">
      {asked.error && <ErrorNote error={asked.error} again={asked.again} />}
      <section class="card" aria-labelledby="failing-paths">
        <h2 id="failing-paths">Most failing paths</h2>
        <Table
          caption="Paths with the most failures"
          columns={FAILING}
          rows={failing}
          rowKey={keyOf}
          sortedBy={{ column: "count", down: true }}
          cards
          empty={<p class="soft">No path failed in this time.</p>}
        />
      </section>
      <section class="card" aria-labelledby="slow-paths">
        <h2 id="slow-paths">Slowest paths</h2>
        <p class="hint">
          Of the slowest requests that were kept: how often a path is among them, and how long it took.
        </p>
        <Table
          caption="Paths of the slowest requests"
          columns={SLOW}
          rows={slow}
          rowKey={keyOf}
          sortedBy={{ column: "worst", down: true }}
          cards
          empty={<p class="soft">Nothing slow was kept of this time.</p>}
        />
      </section>
    </div>
  );
}

const keyOf = ({ host, method, path, route }: PathFigures): string => `${method} ${host} ${path} ${route}`;
