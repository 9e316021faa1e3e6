// A trouble as verdicts see it: counts and shares by cause, the endpoints in it and beside it, what happened shortly
// before, and the names and times to speak of. Read only; made anew for each verdict.
import type { CauseId } from "../failure/causes.ts";
import { span } from "../failure/words.ts";
import { formatTime } from "../std/strftime.ts";
import type { Ms } from "../std/units.ts";
import { type Kind, kindOf } from "./kinds.ts";
import type { Mark, MarkKind, UpstreamSetting } from "./model.ts";
import { type EndpointSeen, type Figures, portPart, type Surroundings } from "./surroundings.ts";
import { type Cluster, clusterOf, Tally } from "./tally.ts";
import type { CauseSeen, Trouble } from "./trouble.ts";

/** An instant as a person at the machine reads it. */
export type TimeOf = (at: Ms) => string;

/** "12:01:33", in the time of the machine. */
export const localTime: TimeOf = (at) => formatTime("%H:%M:%S", at, "local");

/** An endpoint with failures. */
export interface Part {
  readonly label: string;
  /** "app-2 (10.0.0.7:3000)", or the label where that says it. */
  readonly name: string;
  readonly host: string;
  /** Where it is dialled: "10.0.0.7:3000", "unix:/run/app.sock". */
  readonly address: string;
  /** null = a Unix socket, or not known. */
  readonly port: string | null;
  readonly failures: number;
  readonly firstAt: Ms;
  readonly lastAt: Ms;
  readonly causes: ReadonlyMap<CauseId, number>;
  readonly seen: EndpointSeen;
  /** Since its first failure here, and in the ten minutes before. */
  readonly during: Figures;
  readonly before: Figures;
  /** When it was seen to refuse connections near its failures, by an event; null = it was not. */
  readonly goneAt: Ms | null;
  /** Times that it went away and came back since shortly before. */
  readonly outages: readonly { readonly goneAt: Ms; readonly backAt: Ms | null }[];
}

/** An endpoint of the upstream without failures. */
export interface Other {
  readonly label: string;
  readonly name: string;
  readonly host: string;
  readonly healthy: boolean;
  readonly asked: boolean;
  readonly backup: boolean;
  readonly seen: EndpointSeen;
}

const EXPLAINS: ReadonlySet<Kind> = new Set(["away", "tls", "name"]);
const LATE: readonly CauseId[] = ["response-timeout", "connect-timeout", "response-body-timeout"];
const WELL_MS: Ms = 15_000;
const BEFORE_MS: Ms = 600_000;
const SHORTLY_MS: Ms = 300_000;

/** See the top of the file. */
export class Facts {
  readonly trouble: Trouble;
  readonly around: Surroundings;
  readonly now: Ms;
  readonly timeOf: TimeOf;
  readonly upstream: string;
  readonly setting: UpstreamSetting | null;
  readonly parts: readonly Part[];
  readonly others: readonly Other[];
  /** Failures, without those that only follow: who found no endpoint, or left, while something else was wrong. */
  readonly total: number;

  constructor(trouble: Trouble, around: Surroundings, now: Ms, timeOf: TimeOf) {
    this.trouble = trouble;
    this.around = around;
    this.now = now;
    this.timeOf = timeOf;
    this.upstream = trouble.upstream;
    this.setting = around.upstream(trouble.upstream);
    this.parts = this.#findParts();
    this.others = this.#findOthers();
    this.total = Math.max(1, explaining(trouble));
  }

  get firstAt(): Ms {
    return this.trouble.firstAt;
  }

  /** It is closed, or everybody in it has answered well for a while: then it is told in the past. */
  get over(): boolean {
    const { closedAt, lastAt } = this.trouble;
    if (closedAt !== null) return true;
    if (this.now - lastAt < WELL_MS || this.parts.length === 0) return false;
    return this.parts.every(({ seen }) => seen.awayAt === null && (seen.lastAnsweredAt ?? 0) > lastAt + WELL_MS / 2);
  }

  cause(id: CauseId): CauseSeen | undefined {
    return this.trouble.causes.get(id);
  }

  /** Failures with these causes. */
  n(...causes: readonly CauseId[]): number {
    return causes.reduce((sum, id) => sum + (this.trouble.causes.get(id)?.failures ?? 0), 0);
  }

  has(...causes: readonly CauseId[]): boolean {
    return causes.some((id) => this.trouble.causes.has(id));
  }

  /** Their share of all failures. */
  share(...causes: readonly CauseId[]): number {
    return this.n(...causes) / this.total;
  }

  /** Their share of all failures, those that only follow included. */
  shareOfAll(...causes: readonly CauseId[]): number {
    return this.n(...causes) / Math.max(1, this.trouble.counts.failures);
  }

  /** The first failure with one of these causes; null = there is none. */
  firstOf(...causes: readonly CauseId[]): Ms | null {
    const instants = causes.flatMap((id) => this.trouble.causes.get(id)?.firstAt ?? []);
    return instants.length === 0 ? null : Math.min(...instants);
  }

  /** Values of some causes together. */
  merged(
    key:
      | "paths"
      | "methods"
      | "clients"
      | "errnos"
      | "deadlines"
      | "details"
      | "codes"
      | "closedBy"
      | "notRetried"
      | "proxyStatus"
      | "statuses",
    ...causes: readonly CauseId[]
  ): Tally {
    const all = new Tally();
    const ids = causes.length === 0 ? [...this.trouble.causes.keys()] : causes;
    for (const id of ids)
      for (const [name, count] of this.trouble.causes.get(id)?.[key].counts ?? []) all.add(name, count);
    return all;
  }

  spans(key: "waitedMs" | "idleMs" | "ageMs" | "bytes", ...causes: readonly CauseId[]): number[] {
    return causes.flatMap((id) => this.trouble.causes.get(id)?.[key].values ?? []).sort((a, b) => a - b);
  }

  cluster(key: "waitedMs" | "idleMs" | "ageMs", ...causes: readonly CauseId[]): Cluster | null {
    return clusterOf(this.spans(key, ...causes));
  }

  /** The path that most failures of some causes are on, and its share. */
  topPath(...causes: readonly CauseId[]): { path: string; share: number; count: number; distinct: number } {
    const paths = this.merged("paths", ...causes);
    const [path = "", count = 0] = paths.top(1)[0] ?? [];
    return { path, count, share: count / Math.max(1, paths.total), distinct: paths.counts.size };
  }

  /** The last mark of these kinds from `beforeMs` before the first failure until two seconds after it. */
  markBefore(kinds: readonly MarkKind[], beforeMs: Ms = SHORTLY_MS, firstAt: Ms = this.firstAt): Mark | null {
    return this.around.lastMark(kinds, firstAt - beforeMs, firstAt + 2_000, this.upstream);
  }

  /** Endpoints that are out of use now. */
  get away(): readonly Part[] {
    return this.parts.filter(({ seen }) => seen.awayAt !== null);
  }

  get healthy(): readonly Other[] {
    return this.others.filter(({ healthy }) => healthy);
  }

  /** Whether every endpoint that is in use has failures. */
  get all(): boolean {
    return (
      this.parts.length > 0 &&
      this.others.every(({ healthy, asked }) => !healthy && !asked) &&
      this.others.every(({ seen }) => seen.awayAt !== null || this.parts.length >= 2)
    );
  }

  /** Hosts of endpoints with failures. */
  get hosts(): readonly string[] {
    return [...new Set(this.parts.map(({ host }) => host))];
  }

  /** "app-1 healthy", "the other 4 endpoints healthy", "" where nothing is known. */
  get othersText(): string {
    const { healthy } = this;
    if (healthy.length === 0) return "";
    if (healthy.length > 3) return `the other ${healthy.length} endpoints healthy`;
    return `${listed(healthy.map(({ name }) => name))} healthy`;
  }

  /** "; no endpoint of app is left, requests wait", where that is so now; "" = some are left. */
  get noneLeft(): string {
    const outage = this.over ? null : this.around.outageOf(this.upstream);
    if (outage === null) return "";
    return `; no endpoint of ${this.upstream} is left, requests ${/are held/.test(outage.text) ? "wait" : "fail"}`;
  }

  /** Whether endpoints that are away, or nobody left to ask, explain why clients left. */
  get unanswered(): boolean {
    const { kinds } = this.trouble;
    if (kinds.has("room") || this.around.outageOf(this.upstream) !== null) return true;
    if (this.parts.some(({ seen }) => seen.awayAt !== null)) return true;
    const reasons = [...this.trouble.causes].filter(([cause]) => EXPLAINS.has(kindOf(cause)));
    return reasons.reduce((sum, [, { failures }]) => sum + failures, 0) >= 0.1 * this.trouble.counts.failures;
  }

  /** Names of the endpoints with failures. */
  get names(): string {
    const names = this.parts.map(({ name }) => name);
    if (names.length > 3) return `${names.length} endpoints of ${this.upstream}`;
    return names.length === 0 ? `upstream ${this.upstream}` : listed(names);
  }

  /** When it began: what ran into a deadline had waited for it. */
  get beganAt(): Ms {
    const late = LATE.filter((cause) => (this.cause(cause)?.firstAt ?? 0) === this.firstAt);
    const [waited = 0] = this.spans("waitedMs", ...late);
    return this.firstAt - Math.min(waited, 120_000);
  }

  /** "since 12:01:33", or "from 12:01:33 to 12:04:00" once it is over. */
  get since(): string {
    const firstAt = this.beganAt;
    // An endpoint that was away is asked by nobody: it was out until it came back.
    const backs = this.parts.map(({ outages }) => outages.at(-1)?.backAt ?? 0);
    const lastAt = Math.max(this.trouble.lastAt, ...backs);
    if (!this.over) return `since ${this.timeOf(firstAt)}`;
    return lastAt - firstAt < 1_000
      ? `at ${this.timeOf(firstAt)}`
      : `from ${this.timeOf(firstAt)} to ${this.timeOf(lastAt)}`;
  }

  /** What became of the requests: "12 errors shown, 40 saved". */
  get outcome(): string {
    const { shown, cut, passed, clientLeft } = this.trouble.counts;
    const saved = this.trouble.savedCount;
    const parts = [
      shown > 0 ? `${count(shown, "error")} shown` : "",
      cut > 0 ? `${count(cut, "response")} cut off` : "",
      passed > 0 ? `${count(passed, "error")} of its own passed on` : "",
      saved > 0 ? `${count(saved, "request")} saved` : "",
      clientLeft > 0 ? `${count(clientLeft, "client")} left` : "",
    ].filter((part) => part !== "");
    return parts.join(", ");
  }

  nameOf(label: string): string {
    return nameOf(label, this.around.addressOf(this.upstream, label));
  }

  /** Latency of the endpoints with failures rose: mean to the response head, before and since. */
  get slowed(): { readonly fromMs: Ms; readonly toMs: Ms } | null {
    let [was, wasOf, is, isOf] = [0, 0, 0, 0];
    for (const { seen } of this.parts) {
      const before = seen.figures(this.firstAt - BEFORE_MS, this.firstAt - 60_001);
      const near = seen.figures(this.firstAt - 30_000, this.trouble.lastAt);
      was += before.meanMs * before.answered;
      wasOf += before.answered;
      is += near.meanMs * near.answered;
      isOf += near.answered;
    }
    if (wasOf < 20 || isOf < 10) return null;
    const [fromMs, toMs] = [was / wasOf, is / isOf];
    return toMs >= Math.max(3 * fromMs, fromMs + 100) ? { fromMs, toMs } : null;
  }

  #findParts(): Part[] {
    const parts: Part[] = [];
    for (const [label, part] of this.trouble.endpoints) {
      if (label === "") continue;
      const upstream = this.#upstreamOf(label);
      const seen = this.around.seen(upstream, label);
      const host = this.around.hostOf(upstream, label);
      const address = this.around.addressOf(upstream, label);
      parts.push({
        label,
        name: nameOf(label, address),
        host,
        address,
        port: address.startsWith("unix:") ? null : portPart(address),
        failures: part.failures,
        firstAt: part.firstAt,
        lastAt: part.lastAt,
        causes: part.causes,
        seen,
        during: seen.figures(...this.#whileIt(part.firstAt, part.lastAt)),
        before: seen.figures(part.firstAt - BEFORE_MS, part.firstAt - 5_001),
        goneAt: goneNear(seen, part.firstAt, part.lastAt),
        outages: outagesOf(seen, this.firstAt - SHORTLY_MS),
      });
    }
    return parts.sort((a, b) => b.failures - a.failures || (a.label < b.label ? -1 : 1));
  }

  /** Without the five seconds in which it began, and without what came after it was over. */
  #whileIt(firstAt: Ms, lastAt: Ms): [from: Ms, to: Ms] {
    const to = Math.min(this.now, lastAt);
    return [to - firstAt > 10_000 ? firstAt + 5_000 : firstAt, to];
  }

  #upstreamOf(label: string): string {
    for (const upstream of this.trouble.upstreams) {
      if (this.around.endpoints.has(`${upstream}\n${label}`)) return upstream;
    }
    return this.upstream;
  }

  #findOthers(): Other[] {
    const failing = new Set(this.parts.map(({ label }) => label));
    const down = new Map(this.setting?.endpoints.map((one) => [one.label, one]) ?? []);
    return this.around
      .members(this.upstream)
      .filter(({ label }) => label !== "" && !failing.has(label) && down.get(label)?.down !== true)
      .map((seen) => {
        const { answered, failed } = seen.figures(this.firstAt, this.now);
        const host = this.around.hostOf(this.upstream, seen.label);
        const healthy = answered > 0 && failed <= 0.05 * (answered + failed) && seen.awayAt === null;
        const backup = down.get(seen.label)?.backup ?? false;
        return { label: seen.label, name: this.nameOf(seen.label), host, healthy, asked: answered > 0, backup, seen };
      });
  }
}

/** The first event near failures that says that nothing listened. */
function goneNear(seen: EndpointSeen, firstAt: Ms, lastAt: Ms): Ms | null {
  // What was over before the failures began has not made them.
  const back = seen.events.findLast(
    ({ at, kind }) => at <= firstAt && (kind === "endpoint-back" || kind === "health-up"),
  );
  const gone = seen.events.find(
    ({ at, kind, cause }) =>
      at >= Math.max(firstAt - 30_000, back?.at ?? 0) &&
      at <= lastAt + 15_000 &&
      (kind === "endpoint-gone" || kind === "health-down") &&
      (cause === "connect-refused" || cause === "socket-missing"),
  );
  return gone?.at ?? null;
}

function explaining(trouble: Trouble): number {
  let explains = 0;
  for (const [cause, { failures }] of trouble.causes) {
    const kind = kindOf(cause);
    if (kind !== "room" && kind !== "left") explains += failures;
  }
  return explains > 0 ? explains : trouble.counts.failures;
}

/** Gone and back, in order; repeated states are one. */
function outagesOf(seen: EndpointSeen, fromAt: Ms): { goneAt: Ms; backAt: Ms | null }[] {
  const outages: { goneAt: Ms; backAt: Ms | null }[] = [];
  for (const { at, kind } of seen.events) {
    if (at < fromAt) continue;
    const last = outages.at(-1);
    const isOpen = last !== undefined && last.backAt === null;
    if ((kind === "endpoint-gone" || kind === "health-down") && !isOpen) outages.push({ goneAt: at, backAt: null });
    // A health check may see it later than requests do.
    if ((kind === "endpoint-back" || kind === "health-up") && isOpen) last.backAt = at;
  }
  return outages;
}

/** A name says its address as well; "app" beside "app:80" says enough. */
function nameOf(label: string, address: string): string {
  return address === "" || address.startsWith(label) || label.includes(address) ? label : `${label} (${address})`;
}

/** "1 error", "1,200 errors". */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return number === 1 ? `1 ${noun}` : `${number.toLocaleString("en-US")} ${plural}`;
}

/** "both", "all 3". */
export const all = (number: number): string => (number === 2 ? "both" : `all ${number}`);

/** "a, b and c". */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? "";
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** A share in words: "83 %", "all". */
export const percent = (share: number): string =>
  share >= 0.995 ? "all" : `${Math.max(1, Math.round(share * 100))} %`;

/** A share of something: "83 % of them", "all of them". */
export const shareOf = (share: number, of: string): string =>
  share >= 0.995 && of === "requests" ? "all requests" : `${percent(share)} of ${of}`;

/** How long after a mark the failures began: "4 s after the reload". */
export function afterMark(mark: Mark, at: Ms): string {
  const what = MARK_WORDS[mark.kind] ?? mark.kind;
  return at - mark.at < 1_000 ? `at the time of the ${what}` : `${span(at - mark.at)} after the ${what}`;
}

const MARK_WORDS: { readonly [kind in MarkKind]?: string } = {
  reload: "reload",
  deploy: "deploy",
  upgrade: "upgrade",
  started: "start of the gateway",
  action: "action from the console",
  "addresses-changed": "change of addresses",
};
