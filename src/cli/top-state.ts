// The state of `goodgate top`: what the gateway told last, and where the eye is. Pure: keys and news in, state out, and
// what is to be done besides.
import type { EndpointAction, EndpointNow, Now, UpstreamNow } from "../console/model.ts";
import type { Ms } from "../std/units.ts";

const SORTS = ["file", "rate", "failures", "p95", "state"] as const;
const PAGE = 10;

export type Sort = (typeof SORTS)[number];

export interface TopState {
  readonly now: Now | null;
  /** Of the last news, by the wall clock. */
  readonly at: Ms;
  /** The upstreams in the order that is shown. */
  readonly upstreams: readonly UpstreamNow[];
  readonly view: "upstreams" | "incidents";
  readonly sort: Sort;
  /** Among the endpoints, or the incidents, as shown. */
  readonly selected: number;
  /** What waits for a yes. */
  readonly confirm: EndpointAction | null;
  /** What came of the last action. */
  readonly message: string;
  /** Why there are no news; "" = they come. */
  readonly problem: string;
}

export const BEGIN: TopState = {
  now: null,
  at: 0,
  upstreams: [],
  view: "upstreams",
  sort: "file",
  selected: 0,
  confirm: null,
  message: "",
  problem: "",
};

/** What a key asks for besides another state. */
export type Deed = "quit" | "suspend" | EndpointAction | null;

/** The gateway has told how it is: what is selected stays selected, wherever it is now. */
export function told(state: TopState, now: Now, at: Ms): TopState {
  return reordered({ ...state, at, problem: "" }, now, state.sort);
}

function reordered(state: TopState, now: Now, sort: Sort): TopState {
  const selected = endpointsOf(state)[state.selected];
  const next = { ...state, now, sort, upstreams: ordered(now.upstreams, sort) };
  if (state.view === "incidents") return { ...next, selected: bounded(state.selected, now.incidents.length) };
  const all = endpointsOf(next);
  const at = all.findIndex(
    ({ upstream, endpoint }) => upstream === selected?.upstream && endpoint.label === selected.endpoint.label,
  );
  return { ...next, selected: at < 0 ? bounded(state.selected, all.length) : at };
}

const bounded = (index: number, count: number): number => Math.max(0, Math.min(index, count - 1));

/** The endpoints as shown, each with its upstream. */
export function endpointsOf({ upstreams }: TopState): { readonly upstream: string; readonly endpoint: EndpointNow }[] {
  return upstreams.flatMap(({ name, endpoints }) => endpoints.map((endpoint) => ({ upstream: name, endpoint })));
}

type Figures = Pick<EndpointNow, "rates"> & { readonly state?: EndpointNow["state"] };

const BY: Readonly<Record<Sort, (one: Figures) => number>> = {
  file: () => 0,
  rate: ({ rates }) => rates.perSecond,
  failures: ({ rates }) => rates.shownPerSecond,
  p95: ({ rates }) => rates.p95Ms ?? -1,
  state: ({ state }) => (state === undefined || state === "ok" ? 0 : 1),
};

/** The greatest first; the order of the file where they are even. */
function ordered(upstreams: readonly UpstreamNow[], sort: Sort): readonly UpstreamNow[] {
  const by = BY[sort];
  const worst = (upstream: UpstreamNow): number =>
    sort === "state" ? Math.max(0, ...upstream.endpoints.map(by)) : by(upstream);
  return upstreams
    .map((upstream) => ({ ...upstream, endpoints: [...upstream.endpoints].sort((a, b) => by(b) - by(a)) }))
    .sort((a, b) => worst(b) - worst(a));
}

/** Keys in what a terminal has sent: several may come at once. */
export function keysIn(text: string): string[] {
  return text.match(/\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|[\s\S]/gu) ?? [];
}

/** A key was pressed. */
export function pressed(state: TopState, key: string): readonly [TopState, Deed] {
  if (key === "\x03" || key === "q" || key === "Q") return [state, "quit"];
  if (key === "\x1a") return [state, "suspend"];
  if (state.confirm) {
    const { confirm } = state;
    if (key === "y" || key === "Y")
      return [{ ...state, confirm: null, message: `${confirm.do} ${confirm.endpoint} …` }, confirm];
    return [{ ...state, confirm: null, message: "nothing was done" }, null];
  }
  switch (key) {
    case "j":
    case "\x1b[B":
    case "\x1bOB":
      return [moved(state, 1), null];
    case "k":
    case "\x1b[A":
    case "\x1bOA":
      return [moved(state, -1), null];
    case "\x1b[6~":
    case " ":
      return [moved(state, PAGE), null];
    case "\x1b[5~":
      return [moved(state, -PAGE), null];
    case "g":
    case "\x1b[H":
      return [moved(state, Number.NEGATIVE_INFINITY), null];
    case "G":
    case "\x1b[F":
      return [moved(state, Number.POSITIVE_INFINITY), null];
    case "i":
    case "u":
      return [{ ...state, view: key === "i" ? "incidents" : "upstreams", selected: 0, message: "" }, null];
    case "s": {
      const sort = SORTS[(SORTS.indexOf(state.sort) + 1) % SORTS.length]!;
      return [state.now ? reordered({ ...state, message: "" }, state.now, sort) : { ...state, sort }, null];
    }
    case "d":
    case "e":
      return [asked(state, key === "d" ? "drain" : "enable"), null];
    default:
      return [state, null];
  }
}

function moved(state: TopState, by: number): TopState {
  const count = state.view === "incidents" ? (state.now?.incidents.length ?? 0) : endpointsOf(state).length;
  return { ...state, selected: bounded(state.selected + by, count), message: "" };
}

function asked(state: TopState, what: "drain" | "enable"): TopState {
  const target = state.view === "upstreams" ? endpointsOf(state)[state.selected] : undefined;
  if (!target) return { ...state, message: "select an endpoint first (u, then the arrows)" };
  return { ...state, confirm: { do: what, upstream: target.upstream, endpoint: target.endpoint.label } };
}
