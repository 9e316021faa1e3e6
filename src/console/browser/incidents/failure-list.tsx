// The failures of an incident that were kept whole, a page at a time, and the chosen one with its evidence. Under a storm
// a fair choice is kept, which the count says.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Incident } from "../../../incidents/model.ts";
import type { Page, StoredFailure } from "../../../store/model.ts";
import { api } from "../api.ts";
import { count, span } from "../format.ts";
import { setQuery } from "../router.tsx";
import { useAsked } from "../store.ts";
import { Button } from "../ui/button.tsx";
import { Instant } from "../ui/instant.tsx";
import { ErrorNote, Loading, Note } from "../ui/notes.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { FailureView } from "./failure-view.tsx";
import { Redacted } from "./redacted.tsx";

const PAGE_ROWS = 25;

export const OUTCOME_WORDS: Readonly<Record<StoredFailure["outcome"], string>> = {
  shown: "shown",
  cut: "cut short",
  saved: "saved",
  "client-left": "client left",
  passed: "passed on",
};

/** "504 shown", "saved by failover". */
export function outcomeWords({ outcome, savedBy, status }: StoredFailure): string {
  if (outcome === "saved") return savedBy ? `saved by ${savedBy}` : "saved";
  return status > 0 ? `${status} ${OUTCOME_WORDS[outcome]}` : OUTCOME_WORDS[outcome];
}

const open = (id: string | null): void => setQuery({ failure: id }, true);

const COLUMNS: readonly Column<StoredFailure>[] = [
  { id: "at", title: "Time", cell: ({ at }) => <Instant at={at} />, class: "nowrap" },
  {
    id: "request",
    title: "Request",
    cell: ({ id, method, target }) => (
      <a href={`?failure=${encodeURIComponent(id)}`} onClick={(event) => choose(event, id)}>
        <code>
          {method} <Redacted text={target} />
        </code>
      </a>
    ),
  },
  { id: "outcome", title: "Outcome", cell: outcomeWords, class: "nowrap" },
  { id: "cause", title: "Cause", cell: ({ cause }) => <code>{cause}</code> },
  { id: "endpoint", title: "Endpoint", cell: ({ endpoint }) => endpoint || "none" },
  { id: "took", title: "Took", number: true, cell: ({ durationMs }) => span(durationMs) },
  { id: "attempts", title: "Attempts", number: true, cell: ({ attempts }) => attempts.length },
  { id: "client", title: "Client", cell: ({ client }) => client },
];

function choose(event: MouseEvent, id: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  open(id);
}

export interface FailureListProps {
  readonly incident: Incident;
  /** Id of the failure that is looked at; "" = none. */
  readonly chosen: string;
}

export function FailureList({ incident, chosen }: FailureListProps) {
  const pages = useFailures(incident);
  const { items, next, total, error, loading } = pages;
  const there = items.find(({ id }) => id === chosen) ?? null;
  return (
    <section class="card" aria-labelledby="failures">
      <h2 id="failures">
        Failures in it{" "}
        <span class="soft">
          {items.length > 0 &&
            `${count(total ?? items.length)} kept with their evidence of ${count(incident.counts.failures)}`}
        </span>
      </h2>
      {error && <ErrorNote error={error} again={pages.again} />}
      {loading && items.length === 0 && <Loading what="Loading failures" />}
      {!loading && items.length === 0 && !error && (
        <p class="soft">None of them is kept with its evidence: there is room for some, and the oldest go first.</p>
      )}
      {items.length > 0 && (
        <Table
          caption="Failures of this incident, newest first"
          columns={COLUMNS}
          rows={items}
          rowKey={({ id }) => id}
          rowClass={({ id }) => (id === chosen ? "chosen" : "")}
          cards
        />
      )}
      {next !== null && (
        <Button small busy={loading} onClick={pages.older}>
          Older failures
        </Button>
      )}
      {chosen !== "" && <Chosen key={chosen} id={chosen} there={there} incident={incident.id} />}
    </section>
  );
}

interface ChosenProps {
  readonly id: string;
  /** Where the list has it already. */
  readonly there: StoredFailure | null;
  readonly incident: string;
}

/** The failure of the address, which may be on a page that was not asked for. */
function Chosen({ id, there, incident }: ChosenProps) {
  const listed = there !== null;
  const asked = useAsked(async (signal) => (listed ? null : api.failure(id, signal)), [id, listed]);
  const failure = there ?? asked.data;
  const box = useRef<HTMLHeadingElement>(null);
  const found = failure !== null;
  useEffect(() => {
    if (!found) return;
    box.current?.focus({ preventScroll: true });
    box.current?.scrollIntoView({ block: "start", behavior: "smooth" });
  }, [found]);
  return (
    <article class="failure" aria-labelledby="failure-title">
      <div class="failure-head">
        <h3 id="failure-title" ref={box} tabIndex={-1}>
          Failure <code>{id}</code>
        </h3>
        <Button small kind="quiet" onClick={() => open(null)}>
          Close
        </Button>
      </div>
      {!failure && asked.loading && <Loading what="Loading the failure" />}
      {!failure && asked.error && <ErrorNote error={asked.error} again={asked.again} />}
      {failure && failure.incident !== incident && (
        <Note tone="warn">
          <p>
            This failure belongs to{" "}
            <a href={`/incidents/${encodeURIComponent(failure.incident)}?failure=${encodeURIComponent(id)}`}>
              another incident
            </a>
            .
          </p>
        </Note>
      )}
      {failure && <FailureView failure={failure} />}
    </article>
  );
}

interface Failures {
  readonly items: readonly StoredFailure[];
  readonly next: string | null;
  readonly total: number | null;
  readonly error: Error | null;
  readonly loading: boolean;
  older(): void;
  again(): void;
}

/** Newest first; the first page is asked for again while the incident grows, as long as no other was asked for. */
/** Failures from before the incident was one may be kept without its name: those of its cause in its time are meant. */
async function alike(incident: Incident, signal: AbortSignal): Promise<Page<StoredFailure>> {
  const { cause, upstream, openedAt, lastAt, gateway } = incident;
  const range = { from: openedAt, to: lastAt + 1 };
  const where = upstream === "" ? {} : { upstream };
  const { items } = await api.failures({ cause, ...where, range, limit: PAGE_ROWS, gateway }, signal);
  return { items, next: null, total: items.length };
}

function useFailures(incident: Incident): Failures {
  const { id, lastAt, closedAt } = incident;
  const [older, setOlder] = useState<readonly Page<StoredFailure>[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);
  const moment = older.length > 0 ? "" : `${lastAt} ${closedAt}`;
  const first = useRef<Page<StoredFailure> | null>(null);
  const asked = useAsked(
    async (signal) => {
      if (moment === "" && first.current) return first.current;
      const own = await api.failures({ incident: id, limit: PAGE_ROWS, gateway: "all" }, signal);
      return own.items.length > 0 ? own : alike(incident, signal);
    },
    [id, moment],
  );
  first.current = asked.data;
  const pages = asked.data ? [asked.data, ...older] : [];
  const last = pages[pages.length - 1] ?? null;
  const more = (): void => {
    if (!last?.next || busy) return;
    setBusy(true);
    setProblem(null);
    api
      .failures({ incident: id, limit: PAGE_ROWS, before: last.next, gateway: "all" })
      .then(
        (page) => setOlder((before) => [...before, page]),
        (error: unknown) => setProblem(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => setBusy(false));
  };
  const seen = new Set<string>();
  const items = pages.flatMap((page) => page.items).filter((one) => !seen.has(one.id) && seen.add(one.id));
  return {
    items,
    next: last?.next ?? null,
    total: pages[0]?.total ?? null,
    error: problem ?? (asked.data ? null : asked.error),
    loading: asked.loading || busy,
    older: more,
    again: problem ? more : asked.again,
  };
}
