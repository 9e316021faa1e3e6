// What the made-up API answers, by path.
import type { Incident, Mark } from "../../../incidents/model.ts";
import type { SeriesKind } from "../../../observe/report.ts";
import type { DemoAction, DemoState, DemoWhat, EndpointAction, ReplayResult } from "../../model.ts";
import { configView, diagnosis, timeoutsView } from "./answers.ts";
import { explained } from "./explained.ts";
import { incidentRow, type MadeIncidents, makeIncidents } from "./incidents.ts";
import { marksOf, pathsOf, pointsOf, tailEntry } from "./traffic.ts";
import { type Member, makeWorld, nowOf, type World } from "./world.ts";

type Send = (event: string, data: unknown) => void;

export class ApiProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Api {
  readonly world: World;
  answer(method: string, path: string, query: URLSearchParams, body: Record<string, unknown>): Promise<unknown>;
  /** Sends "now" at once and every `everyMs`, other events as they happen. Returns how to stop. */
  live(send: Send, everyMs: number): () => void;
  tail(send: Send, everyMs: number): () => void;
  /** Every action that was taken, for tests. */
  readonly actions: EndpointAction[];
  close(): void;
}

const DOCTOR_MS = 400;
const NOTICED_MS = 1200;

export function makeApi(words: readonly string[]): Api {
  const large = words.includes("large");
  const demo = words.includes("demo");
  const calm = words.includes("calm");
  const world = makeWorld({ large, demo, calm }, Date.now());
  const openStories = calm || demo ? 0 : large ? 12 : 2;
  const incidents = makeIncidents({ count: large ? 10_000 : demo ? 0 : 24, openStories }, Date.now());
  const listeners = new Set<Send>();
  const timers = new Set<NodeJS.Timeout>();
  const marks: Mark[] = [];
  const actions: EndpointAction[] = [];
  const tell: Send = (event, data) => {
    for (const send of listeners) send(event, data);
  };
  const mark = (kind: Mark["kind"], text: string, by: string): Mark => {
    const made: Mark = {
      id: `m${Date.now()}`,
      gateway: "g-shop-eu",
      at: Date.now(),
      kind,
      text,
      level: "info",
      upstream: "",
      endpoint: "",
      by,
    };
    marks.push(made);
    tell("mark", made);
    return made;
  };
  let changed = true;

  const act = (action: EndpointAction): { ok: boolean; said: string } => {
    actions.push(action);
    const one = find(world, action.upstream, action.endpoint);
    if (!one) throw new ApiProblem(404, `There is no endpoint "${action.endpoint}"`);
    const said = applied(one, action);
    mark("action", said, "127.0.0.1");
    tell("now", nowOf(world, incidents, Date.now()));
    return { ok: true, said };
  };

  const answers: Readonly<Record<string, (query: URLSearchParams, body: Record<string, unknown>) => unknown>> = {
    "GET /now": () => nowOf(world, incidents, Date.now()),
    "GET /incidents": (query) => pageOf(incidents, query),
    "GET /failures": (query) => ({ items: incidents.failures(query.get("incident")), next: null, total: null }),
    "GET /marks": (query) => marksOf(Number(query.get("from")), Number(query.get("to")), Date.now(), marks),
    "POST /marks": (_query, body) => mark("deploy", `deploy: ${String(body["text"])}`, "127.0.0.1"),
    "GET /points": (query) =>
      pointsOf(
        world,
        (query.get("kind") ?? "all") as SeriesKind,
        query.getAll("name"),
        Number(query.get("from")),
        Number(query.get("to")),
        Number(query.get("points") ?? 120),
      ),
    "GET /paths": () => pathsOf(),
    "POST /actions": (_query, body) => act(body as unknown as EndpointAction),
    "GET /config": () => configView(changed, Date.now()),
    "POST /reload": () => {
      changed = false;
      mark("reload", "reload: goodgate.yaml taken on (1 value changed)", "127.0.0.1");
      return { ok: true, said: "goodgate.yaml was taken on: 1 value changed" };
    },
    "GET /timeouts": (query) => timeoutsView(query.get("upstream") ?? ""),
    "POST /doctor": (_query, body) =>
      later(() => diagnosis(String(body["upstream"] ?? ""), String(body["path"] ?? "")), DOCTOR_MS),
    "POST /explain": (_query, body) => explained(String(body["text"])),
    "GET /gateways": () => gatewayList(large || demo),
    "GET /audit": () => [],
    "GET /store": () => ({
      kind: "sqlite",
      where: "goodgate.db",
      ok: true,
      problem: null,
      bytes: 41_000_000,
      queued: 0,
      written: 18_231,
      dropped: 0,
      oldestAt: Date.now() - 8e8,
    }),
    "GET /demo": () => demoState(world),
    "POST /demo": (_query, body) => {
      demoDo(world, incidents, body as unknown as DemoAction, tell, timers);
      tell("now", nowOf(world, incidents, Date.now()));
      return demoState(world);
    },
  };

  return {
    world,
    actions,
    async answer(method, path, query, body) {
      const own = answers[`${method} ${path}`];
      if (own) return own(query, body);
      const [, kind, id = "", verb] = path.split("/").map(decodeURIComponent);
      if (kind === "incidents") return incidents.find(id) ?? missing("incident", id);
      if (kind === "failures" && verb === "replay") return replayed(id);
      if (kind === "failures") return incidents.failures(null).find((one) => one.id === id) ?? missing("failure", id);
      return missing("call", path);
    },
    live(send, everyMs) {
      listeners.add(send);
      const say = (): void => send("now", nowOf(world, incidents, Date.now()));
      say();
      const timer = setInterval(say, everyMs);
      timers.add(timer);
      return () => {
        clearInterval(timer);
        timers.delete(timer);
        listeners.delete(send);
      };
    },
    tail(send, everyMs) {
      const timer = setInterval(() => {
        const entries = Array.from({ length: 8 }, () => tailEntry(world, Date.now()));
        send("entries", { entries, left: large ? 120 : 0 });
      }, everyMs);
      timers.add(timer);
      return () => {
        clearInterval(timer);
        timers.delete(timer);
      };
    },
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

function missing(what: string, id: string): never {
  throw new ApiProblem(404, `There is no ${what} "${id}"`);
}

const later = <T>(make: () => T, ms: number): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(make()), ms));

const find = ({ upstreams, names }: World, upstream: string, endpoint: string): Member | undefined =>
  upstreams[names.indexOf(upstream)]?.find(({ label }) => label === endpoint);

function applied(one: Member, action: EndpointAction): string {
  const at = Date.now();
  if (action.do === "check") return `${one.label}: checked, it accepts connections`;
  if (action.do === "weight") {
    one.weight = action.weight;
    return `${one.label}: weight ${action.weight}`;
  }
  if (action.do === "drain") Object.assign(one, { state: "draining", why: "somebody drains it", since: at });
  if (action.do === "disable") Object.assign(one, { state: "disabled", why: "somebody took it out", since: at });
  if (action.do === "enable") Object.assign(one, { state: "ok", why: "", since: at, weight: one.configuredWeight });
  return `${one.label}: ${one.state}`;
}

function pageOf(incidents: MadeIncidents, query: URLSearchParams): object {
  const [limit, before] = [Number(query.get("limit") ?? 50), Number(query.get("before") ?? 0)];
  const text = (query.get("text") ?? query.get("q") ?? "").toLowerCase();
  const severities = (query.get("severity") ?? "").split(",").filter(Boolean);
  const [from, to] = [Number(query.get("from") ?? 0), Number(query.get("to") ?? Number.MAX_SAFE_INTEGER)];
  const fits = (one: Incident): boolean =>
    (query.get("state") === null || (one.closedAt === null) === (query.get("state") === "open")) &&
    (severities.length === 0 || severities.includes(one.severity)) &&
    (query.get("upstream") === null || one.upstream === query.get("upstream")) &&
    (query.get("endpoint") === null || (query.get("endpoint") ?? "") in one.endpoints) &&
    (query.get("cause") === null || one.cause === query.get("cause")) &&
    one.openedAt < to &&
    (one.closedAt ?? Date.now()) >= from &&
    (text === "" || one.verdict.sentence.toLowerCase().includes(text));
  const all = incidents.rows().filter(fits);
  const items = all.slice(before, before + limit).map(incidentRow);
  return { items, next: before + limit < all.length ? String(before + limit) : null, total: all.length };
}

function gatewayList(one: boolean): object[] {
  const base = { host: "edge", version: "0.1.0", startedAt: Date.now() - 3e8, seenAt: Date.now() };
  const list = [{ id: "g-shop-eu", name: "edge-1", ...base }];
  return one ? list : [...list, { id: "g-shop-us", name: "edge-2", ...base }];
}

function replayed(id: string): ReplayResult {
  return {
    ok: true,
    refused: null,
    endpoint: "shop app-2 (10.0.0.7:3000)",
    request: { method: "GET", target: "/cart", head: [["host", "shop.example"]] },
    // biome-ignore lint/suspicious/noThenProperty: the word of the contract
    then: { status: 502, cause: "connect-refused", sentence: `as kept in ${id}`, durationMs: 2, head: null, bytes: 0 },
    now: {
      status: 200,
      cause: null,
      sentence: "",
      durationMs: 14,
      head: [["content-type", "text/html"]],
      bytes: 8_120,
    },
    differences: ["it answers 200 now, after 14 ms"],
    verdict: "It works now.",
  };
}

const DOING: Readonly<Record<DemoWhat, Partial<Member>>> = {
  crash: { state: "gone", why: "connect() was refused (ECONNREFUSED)" },
  restart: { state: "ok", why: "", slowMs: 18, failing: 0 },
  slow: { slowMs: 2400 },
  freeze: { state: "ejected", why: "3 requests got no answer within 5 s" },
  error: { failing: 0.4 },
  reset: { state: "ejected", why: "it resets connections" },
  heal: { state: "ok", why: "", slowMs: 18, failing: 0 },
};

function demoDo(
  world: World,
  incidents: MadeIncidents,
  action: DemoAction,
  tell: Send,
  timers: Set<NodeJS.Timeout>,
): void {
  if ("visitors" in action) {
    world.visitors = action.visitors;
    return;
  }
  const one = world.upstreams[0]?.find(({ label }) => label.startsWith(action.shop));
  if (!one) throw new ApiProblem(404, `There is no shop "${action.shop}"`);
  Object.assign(one, DOING[action.do], { since: Date.now() });
  const heals = action.do === "heal" || action.do === "restart";
  const timer = setTimeout(() => {
    timers.delete(timer);
    if (heals) for (const closed of incidents.close(one.label, Date.now())) tell("incident", incidentRow(closed));
    else tell("incident", incidentRow(incidents.open("shop", one.label, "saved", Date.now())));
    tell("now", nowOf(world, incidents, Date.now()));
  }, NOTICED_MS);
  timers.add(timer);
}

function demoState({ upstreams, visitors }: World): DemoState {
  const shops = (upstreams[0] ?? []).map(({ label, state, slowMs, failing }) => ({
    name: label.split(" ")[0] ?? "",
    endpoint: label,
    state,
    doing:
      state === "gone"
        ? ("crash" as const)
        : state === "ejected"
          ? ("freeze" as const)
          : slowMs > 100
            ? ("slow" as const)
            : failing > 0
              ? ("error" as const)
              : ("fine" as const),
  }));
  return { shops, visitors, shopUrl: "http://127.0.0.1:8080/" };
}
