// What the list of incidents is asked for, as it stands in the address: every filter has a name there, so that a view
// can be sent to somebody and the browser's back button takes a filter away again. Unknown values are left out.
import type { Severity } from "../../../incidents/model.ts";
import type { IncidentQuery, Range } from "../../../store/model.ts";
import type { IncidentRow } from "../../model.ts";

export interface IncidentFilters {
  readonly state: "" | "open" | "closed";
  /** Empty = every one. */
  readonly severities: readonly Severity[];
  readonly cause: string;
  readonly upstream: string;
  readonly endpoint: string;
  readonly text: string;
}

export const SEVERITIES: readonly Severity[] = ["outage", "degraded", "saved", "notice"];
export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  outage: "every request of its part failed",
  degraded: "some requests were shown an error",
  saved: "nobody was shown an error",
  notice: "clients' doing, not the gateway's or upstream's",
};

export const NO_FILTERS: IncidentFilters = {
  state: "",
  severities: [],
  cause: "",
  upstream: "",
  endpoint: "",
  text: "",
};
const TEXT_MAX = 200;

export function readFilters(params: URLSearchParams): IncidentFilters {
  const state = params.get("state");
  const wanted = (params.get("severity") ?? "").split(",");
  const text = (name: string): string => (params.get(name) ?? "").slice(0, TEXT_MAX);
  return {
    state: state === "open" || state === "closed" ? state : "",
    severities: SEVERITIES.filter((severity) => wanted.includes(severity)),
    cause: text("cause"),
    upstream: text("upstream"),
    endpoint: text("endpoint"),
    text: text("text"),
  };
}

/** Sets the filters in an address, and takes out those that are not set. */
export function writeFilters(params: URLSearchParams, filters: IncidentFilters): void {
  const { severities, ...texts } = filters;
  for (const [name, value] of Object.entries({ ...texts, severity: severities.join(",") })) {
    if (value === "") params.delete(name);
    else params.set(name, value);
  }
}

export const isFiltered = (filters: IncidentFilters): boolean =>
  Object.values(filters).some((value) => value.length > 0);

/** The question of GET /api/v1/incidents. */
export function incidentQuery(
  filters: IncidentFilters,
  range: Range | null,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
): IncidentQuery {
  const { state, severities, cause, upstream, endpoint, text } = filters;
  return {
    limit,
    ...(state === "" ? {} : { state }),
    ...(severities.length === 0 ? {} : { severities }),
    ...(cause === "" ? {} : { cause }),
    ...(upstream === "" ? {} : { upstream }),
    ...(endpoint === "" ? {} : { endpoint }),
    ...(text === "" ? {} : { text }),
    ...(range ? { range: { from: Math.floor(range.from), to: Math.ceil(range.to) } } : {}),
    ...(before === undefined ? {} : { before }),
  };
}

/** Whether an incident that came by the live events belongs into the list, as far as its row tells. */
export function passes(row: IncidentRow, filters: IncidentFilters, range: Range | null): boolean {
  const { state, severities, cause, upstream, endpoint, text } = filters;
  const has = (whole: string, piece: string): boolean => whole.toLowerCase().includes(piece.toLowerCase());
  if (state !== "" && (row.closedAt === null) !== (state === "open")) return false;
  if (severities.length > 0 && !severities.includes(row.severity)) return false;
  if (cause !== "" && row.cause !== cause) return false;
  if (upstream !== "" && row.upstream !== upstream) return false;
  if (endpoint !== "" && !row.endpoints.includes(endpoint)) return false;
  if (text !== "" && ![row.sentence, row.upstream, row.cause].some((whole) => has(whole, text))) return false;
  return range === null || (row.openedAt < range.to && (row.closedAt ?? range.to) >= range.from);
}
