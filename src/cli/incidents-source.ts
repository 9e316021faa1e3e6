// Where incidents come from: the console of a running gateway, else the store that one has left, which is only read.
import type { IncidentRow, ReplayRequest, ReplayResult } from "../console/model.ts";
import type { Incident } from "../incidents/model.ts";
import type { FailureQuery, IncidentQuery, Page, StoredFailure } from "../store/model.ts";
import { type ConsoleClient, ConsoleProblem } from "./ask-console.ts";

export interface Source {
  /** "http://127.0.0.1:8502", "the store in /var/lib/goodgate". */
  readonly where: string;
  incidents(query: IncidentQuery): Promise<Page<IncidentRow>>;
  incident(id: string): Promise<Incident | null>;
  failures(query: FailureQuery): Promise<Page<StoredFailure>>;
  failure(id: string): Promise<StoredFailure | null>;
  /** null = there is no gateway that could send it. */
  readonly replay: ((id: string, request: ReplayRequest) => Promise<ReplayResult>) | null;
  close(): Promise<void>;
}

/** The incidents that a running gateway tells of. */
export function fromConsole(client: ConsoleClient): Source {
  const orNull = async <T>(asked: Promise<T>): Promise<T | null> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof ConsoleProblem && error.status === 404) return null;
      throw error;
    }
  };
  const rangeOf = ({ range }: { readonly range?: { readonly from: number; readonly to: number } }) => ({
    from: range && Math.floor(range.from),
    to: range && Math.ceil(range.to),
  });
  return {
    where: client.place.url,
    incidents: ({ severities, range, ...rest }) =>
      client.get("/incidents", { ...rest, severity: severities?.join(","), ...rangeOf(range ? { range } : {}) }),
    incident: (id) => orNull(client.get<Incident>(`/incidents/${encodeURIComponent(id)}`)),
    failures: ({ range, ...rest }) => client.get("/failures", { ...rest, ...rangeOf(range ? { range } : {}) }),
    failure: (id) => orNull(client.get<StoredFailure>(`/failures/${encodeURIComponent(id)}`)),
    replay: (id, request) => client.post(`/failures/${encodeURIComponent(id)}/replay`, request),
    close: async () => {},
  };
}

/** The incidents that a folder holds. Rejects, in words, where it holds none. */
export async function fromStore(folder: string): Promise<Source> {
  const { openStoreReadOnly } = await import("../store/read-only.ts");
  const store = await openStoreReadOnly(folder);
  return {
    where: `the store in ${folder}`,
    incidents: async (query) => {
      const { items, ...page } = await store.incidents(query);
      return { ...page, items: items.map(rowOf) };
    },
    incident: (id) => store.incident(id),
    failures: (query) => store.failures(query),
    failure: (id) => store.failure(id),
    replay: null,
    close: () => store.close(),
  };
}

/** An incident as lists have it. */
export function rowOf(incident: Incident): IncidentRow {
  const { id, gateway, openedAt, lastAt, closedAt, severity, cause, upstream, counts, series } = incident;
  const { sentence, short, confidence } = incident.verdict;
  const { held, queued, retried, failedOver } = counts;
  const byMost = Object.entries(incident.endpoints).sort(([, a], [, b]) => b - a);
  return {
    ...{ id, gateway, openedAt, lastAt, closedAt, severity, cause, upstream, sentence, short, confidence, series },
    endpoints: byMost.map(([name]) => name).filter((name) => name !== ""),
    shown: counts.shown + counts.cut,
    saved: held + queued + retried + failedOver,
    failures: counts.failures,
  };
}
