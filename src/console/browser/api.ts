// The console's API as functions, typed by console/model.ts. A refusal (application/problem+json) becomes an ApiError
// whose message may be shown; 401 makes the shell ask for a token.
import type { Incident, Mark } from "../../incidents/model.ts";
import type { TailEntry, TailFilter } from "../../observe/report.ts";
import type {
  AuditEntry,
  FailureQuery,
  GatewayInfo,
  IncidentQuery,
  Page,
  PathFigures,
  PointsAnswer,
  PointsQuery,
  Range,
  StoredFailure,
  StoreState,
} from "../../store/model.ts";
import type {
  ActionResult,
  ConfigView,
  DemoAction,
  DemoState,
  EndpointAction,
  IncidentRow,
  Now,
  ReplayRequest,
  ReplayResult,
  SessionView,
  TimeoutsView,
} from "../model.ts";
import { createStore } from "./store.ts";

/** What the console refused, or could not do. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** 0 = it was not reached. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const BASE = "/api/v1";

/** True once an answer said that nobody is known here: the shell shows the login. */
export const loggedOut = createStore(false);

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;

/** "?a=1&b=2" of what is there; lists as "a,b"; "" where nothing is. */
export function queryOf(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    const text = Array.isArray(value) ? value.join(",") : String(value);
    if (text !== "") params.set(name, text);
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal | null): Promise<T> {
  const text = await ask(method, path, "application/json", body, signal);
  return (text === "" ? null : JSON.parse(text)) as T;
}

async function ask(
  method: string,
  path: string,
  accept: string,
  body: unknown,
  signal?: AbortSignal | null,
): Promise<string> {
  const headers: Record<string, string> = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      signal: signal ?? null,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The gateway's console cannot be reached. Is the gateway running?", 0);
  }
  if (response.status === 401) loggedOut.set(true);
  const text = await response.text();
  if (!response.ok) throw new ApiError(refusal(text, response), response.status);
  return text;
}

function refusal(text: string, response: Response): string {
  try {
    const problem = JSON.parse(text) as { title?: string; detail?: string };
    const said = problem.detail ?? problem.title;
    if (said) return said;
  } catch {
    // Not JSON: the text itself says it, where it is short enough to be a sentence.
    if (text !== "" && text.length < 300) return text.trim();
  }
  return `The console answered ${response.status} ${response.statusText}`.trim();
}

const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>("GET", path, undefined, signal);
const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> => call<T>("POST", path, body, signal);
const text = (path: string, signal?: AbortSignal): Promise<string> =>
  ask("GET", path, "text/markdown, text/plain", undefined, signal);
const part = (id: string): string => encodeURIComponent(id);

const span = (range: Range | undefined): Query =>
  range ? { from: Math.round(range.from), to: Math.round(range.to) } : {};

function incidentQuery({ range, severities, ...rest }: IncidentQuery): string {
  return queryOf({ ...rest, severity: severities, ...span(range) });
}

function failureQuery({ range, ...rest }: FailureQuery): string {
  return queryOf({ ...rest, ...span(range) });
}

/** Address of the live tail (server-sent events "entries": { entries: TailEntry[], left: number }). */
export const tailAddress = (filter: TailFilter): string => `${BASE}/tail${queryOf({ ...filter })}`;
/** Address of the live events ("now", "incident", "mark"). */
export const LIVE_ADDRESS = `${BASE}/live`;

/** What /api/v1/tail sends in each event. */
export interface TailPart {
  readonly entries: readonly TailEntry[];
  /** How many were left out since the last. */
  readonly left: number;
}

export const api = {
  session: () => get<SessionView>("/session"),
  login: (token: string) => post<SessionView>("/session", { token }),
  logout: () => call<null>("DELETE", "/session"),
  now: (signal?: AbortSignal) => get<Now>("/now", signal),
  incidents: (query: IncidentQuery, signal?: AbortSignal) =>
    get<Page<IncidentRow>>(`/incidents${incidentQuery(query)}`, signal),
  incident: (id: string, signal?: AbortSignal) => get<Incident>(`/incidents/${part(id)}`, signal),
  /** One incident as Markdown. */
  incidentMarkdown: (id: string, signal?: AbortSignal) => text(`/incidents/${part(id)}.md`, signal),
  failures: (query: FailureQuery, signal?: AbortSignal) =>
    get<Page<StoredFailure>>(`/failures${failureQuery(query)}`, signal),
  failure: (id: string, signal?: AbortSignal) => get<StoredFailure>(`/failures/${part(id)}`, signal),
  replay: (failure: string, request: ReplayRequest) => post<ReplayResult>(`/failures/${part(failure)}/replay`, request),
  marks: (range: Range, signal?: AbortSignal) => get<readonly Mark[]>(`/marks${queryOf(span(range))}`, signal),
  addMark: (text: string) => post<Mark>("/marks", { text }),
  points: ({ range, names, ...rest }: PointsQuery, signal?: AbortSignal) =>
    get<PointsAnswer>(`/points${pointsQuery(names, { ...rest, ...span(range) })}`, signal),
  paths: (range: Range, signal?: AbortSignal) =>
    get<{ readonly slow: readonly PathFigures[]; readonly failing: readonly PathFigures[] }>(
      `/paths${queryOf(span(range))}`,
      signal,
    ),
  act: (action: EndpointAction) => post<ActionResult>("/actions", action),
  config: (signal?: AbortSignal) => get<ConfigView>("/config", signal),
  reload: () => post<ActionResult>("/reload", {}),
  timeouts: (upstream: string, signal?: AbortSignal) => get<TimeoutsView>(`/timeouts${queryOf({ upstream })}`, signal),
  doctor: (upstream: string, path: string, signal: AbortSignal) =>
    post<unknown>("/doctor", { ...(upstream === "" ? {} : { upstream }), ...(path === "" ? {} : { path }) }, signal),
  explain: (text: string, signal?: AbortSignal) => post<unknown>("/explain", { text }, signal),
  gateways: (signal?: AbortSignal) => get<readonly GatewayInfo[]>("/gateways", signal),
  audit: (limit: number, signal?: AbortSignal) => get<readonly AuditEntry[]>(`/audit${queryOf({ limit })}`, signal),
  store: (signal?: AbortSignal) => get<StoreState>("/store", signal),
  demo: (signal?: AbortSignal) => get<DemoState>("/demo", signal),
  demoDo: (action: DemoAction) => post<DemoState>("/demo", action),
};

/** Names may hold any character: one parameter each. */
function pointsQuery(names: readonly string[] | undefined, rest: Query): string {
  const params = new URLSearchParams(queryOf(rest));
  for (const name of names ?? []) params.append("name", name);
  return `?${params}`;
}
