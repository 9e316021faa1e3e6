// The lines of a story as reports: second by second what several processes would have told.
import { CAUSES, type CauseId, isCauseId } from "../failure/causes.ts";
import type { Evidence } from "../failure/failure.ts";
import type { Counts, EndpointTally, FailureGroup, KeptFailure, Report, SeenEvent } from "../observe/report.ts";
import { parseDuration } from "../std/units.ts";
import type { UpstreamEvent } from "../upstream/events.ts";
import type { Mark, MarkKind, Setting } from "./model.ts";
import { type Line, type RawUpstream, type Story, upstreamSetting } from "./story.fixture.ts";

/** The next value of a list, gone round. */
class Round {
  #at = 0;
  readonly #values: string[] = [];

  constructor(list: string) {
    for (const entry of list.split(",")) {
      const weighted = /^(.*):(\d+)$/.exec(entry);
      const times = weighted === null ? 1 : Number(weighted[2]);
      for (let n = 0; n < times; n++) this.#values.push(weighted === null ? entry : weighted[1]!);
    }
  }

  next(): string {
    const at = this.#at++;
    return this.#values[at % this.#values.length]!.replace("{n}", String(at));
  }

  counts(times: number): Counts {
    const counts: Record<string, number> = {};
    for (let n = 0; n < times; n++) {
      const value = this.next();
      counts[value] = (counts[value] ?? 0) + 1;
    }
    return counts;
  }

  spans(times: number): number[] {
    return Array.from({ length: times }, () => {
      const value = this.next();
      return parseDuration(value) ?? Number(value);
    });
  }
}

/** What is told second by second. */
export interface Told {
  readonly at: number;
  readonly report: Report;
  readonly marks: readonly Mark[];
  readonly settings: readonly Setting[];
}

interface Second {
  groups: FailureGroup[];
  failures: KeptFailure[];
  endpoints: EndpointTally[];
  events: SeenEvent[];
  marks: Mark[];
  settings: Setting[];
}

/** The lines as reports. */
export function tell(story: Story): Told[] {
  const seconds = new Map<number, Second>();
  const second = (at: number): Second => {
    const key = Math.ceil((at + 1) / 1000) * 1000;
    let known = seconds.get(key);
    if (known === undefined) {
      known = { groups: [], failures: [], endpoints: [], events: [], marks: [], settings: [] };
      seconds.set(key, known);
    }
    return known;
  };
  let setting = story.setting;
  for (const line of story.lines) {
    if (line.what === "traffic") traffic(line, second);
    else if (line.what === "fail") failures(line, second, story.file);
    else if (line.what === "event") second(line.at).events.push({ at: line.at, event: eventOf(line) });
    else if (line.what === "mark") second(line.at).marks.push(markOf(line));
    else if (line.what === "setting") {
      setting = changed(setting, line);
      second(line.at).settings.push(setting);
    } else if (line.what === "end") second(line.at);
    else throw new Error(`${story.file}: ${line.what}?`);
  }
  const endAt = story.lines.find(({ what }) => what === "end")?.at ?? Number.POSITIVE_INFINITY;
  return [...seconds]
    .filter(([at]) => at <= endAt + 1_000)
    .sort(([a], [b]) => a - b)
    .map(([at, { groups, failures: kept, endpoints, events, marks, settings }]) => ({
      at,
      report: { at, spanMs: 1000, groups, failures: kept, endpoints, events, slow: [], notKept: 0 },
      marks,
      settings,
    }));
}

function traffic(line: Line, second: (at: number) => Second): void {
  const [upstream = "", ...labels] = line.words;
  const { rps = "10", head = "20", errors = "0", failed = "0", max = "" } = line.options;
  // A flow smaller than one per step comes now and then.
  let carry = 0;
  for (let at = line.at; at < line.at + Math.max(5_000, line.forMs); at += 5_000) {
    carry += Number(rps) * 5;
    const requests = Math.floor(carry);
    carry -= requests;
    if (requests === 0) continue;
    for (const endpoint of labels) {
      const lost = Math.round(requests * Number(failed));
      const answered = requests - lost;
      second(at).endpoints.push({
        upstream,
        endpoint,
        answered,
        failed: lost,
        errors: Math.round(answered * Number(errors)),
        headMs: answered * Number(head),
        headMaxMs: Number(max) || Number(head) * 3,
      });
    }
  }
}

const SPLIT = ["shown", "cut", "left", "passed", "failover", "retry", "hold", "queue"] as const;

function failures(line: Line, second: (at: number) => Second, file: string): void {
  const [cause = "", upstream = "", endpoint = "", times = "x1"] = line.words;
  if (!isCauseId(cause) || !/^x\d+$/.test(times)) throw new Error(`${file}: fail ${line.words.join(" ")}?`);
  const total = Number(times.slice(1));
  const { options } = line;
  const rounds = {
    paths: new Round(options["path"] ?? "/"),
    methods: new Round(options["method"] ?? "GET"),
    hosts: new Round(options["host"] ?? "shop.example"),
    clients: new Round(
      options["client"] ??
        Array.from({ length: Number(options["clients"] ?? 8) }, (_, n) => `198.51.100.${n + 1}`).join(),
    ),
    errnos: options["errno"] === undefined ? null : new Round(options["errno"]),
    deadlines: options["deadline"] === undefined ? null : new Round(options["deadline"]),
    details: options["detail"] === undefined ? null : new Round(options["detail"]),
    proxyStatus: options["proxystatus"] === undefined ? null : new Round(options["proxystatus"]),
    closed: options["closed"] === undefined ? null : new Round(options["closed"]),
    statuses: new Round(options["status"] ?? String(CAUSES[cause].status)),
    waited: options["waited"] === undefined ? null : new Round(options["waited"]),
    idle: options["idle"] === undefined ? null : new Round(options["idle"]),
    age: options["age"] === undefined ? null : new Round(options["age"]),
    bytes: options["bytes"] === undefined ? null : new Round(options["bytes"]),
  };
  const steps = Math.max(1, Math.min(total, Math.ceil(line.forMs / 1000)));
  const done: Record<string, number> = {};
  for (let n = 0; n < steps; n++) {
    const share = (all: number, key: string): number => {
      const upTo = Math.round((all * (n + 1)) / steps);
      const now = upTo - (done[key] ?? 0);
      done[key] = upTo;
      return now;
    };
    const count = share(total, "total");
    if (count === 0) continue;
    const split = Object.fromEntries(
      SPLIT.map((key) => [
        key,
        share(options[key] === undefined ? 0 : options[key] === "all" ? total : Number(options[key]), key),
      ]),
    );
    const at = Math.round(line.at + (line.forMs * n) / steps);
    const samples = Math.min(16, count);
    const clients = rounds.clients.counts(count);
    const ended = split["shown"]! + split["cut"]! + split["passed"]!;
    const { second: _, ...saved } = { second: 0, ...savedBy(split) };
    second(at).groups.push({
      cause,
      phase: CAUSES[cause].phase,
      route: options["route"] ?? "/",
      upstream: upstream === "-" ? "" : upstream,
      endpoint: endpoint === "-" ? "" : endpoint,
      firstAt: at,
      lastAt: at,
      failures: cause === "upstream-error-passthrough" ? count : count,
      shown: split["shown"]!,
      cut: split["cut"]!,
      clientLeft: split["left"]!,
      passed: split["passed"]!,
      saved,
      statuses: ended === 0 ? {} : rounds.statuses.counts(ended),
      methods: rounds.methods.counts(count),
      paths: rounds.paths.counts(count),
      hosts: rounds.hosts.counts(count),
      clients,
      clientCount: Object.keys(clients).length,
      errnos: rounds.errnos?.counts(count) ?? {},
      deadlines: rounds.deadlines?.counts(count) ?? {},
      details: rounds.details?.counts(count) ?? {},
      upstreamProxyStatus: rounds.proxyStatus?.counts(count) ?? {},
      closedBy: rounds.closed?.counts(count) ?? {},
      reused: options["reused"] === "all" ? count : 0,
      withoutByte: options["nobyte"] === "all" ? count : 0,
      waitedMs: rounds.waited?.spans(samples) ?? [],
      idleMs: rounds.idle?.spans(samples) ?? [],
      ageMs: rounds.age?.spans(samples) ?? [],
      bytesReceived: rounds.bytes?.spans(samples) ?? [],
      keepAliveMs: parseDuration(options["keepalive"] ?? "0s") ?? 0,
    });
    const evidence: Evidence = {};
    if (options["tls"] !== undefined) evidence.tlsCode = options["tls"];
    if (options["alert"] !== undefined) evidence.tlsAlert = Number(options["alert"]);
    if (options["notretried"] !== undefined) evidence.notRetried = options["notretried"];
    if (Object.keys(evidence).length > 0)
      second(at).failures.push(keptFailure(at, cause, upstream, endpoint, evidence));
  }
}

function savedBy(split: Record<string, number>): Partial<Record<"hold" | "queue" | "retry" | "failover", number>> {
  return Object.fromEntries(
    (["hold", "queue", "retry", "failover"] as const).filter((key) => split[key]! > 0).map((key) => [key, split[key]!]),
  );
}

let serial = 0;

/** A kept failure with this evidence. */
export function keptFailure(
  at: number,
  cause: CauseId,
  upstream: string,
  endpoint: string,
  evidence: Evidence,
): KeptFailure {
  const attempt = {
    endpoint,
    startMs: 0,
    resolvedMs: null,
    tcpMs: null,
    connectedMs: null,
    sentMs: null,
    headMs: null,
    endMs: 5,
    status: 0,
    reused: false,
    bytesSent: 0,
    bytesReceived: 0,
    cause,
    phase: CAUSES[cause].phase,
    sentence: "",
    evidence,
    responseHead: null,
  };
  return {
    id: `${at}-${serial++}`,
    requestId: `r${serial}`,
    at,
    cause,
    phase: CAUSES[cause].phase,
    outcome: "shown",
    savedBy: null,
    status: CAUSES[cause].status,
    route: "/",
    upstream,
    endpoint,
    listener: ":8080",
    tls: false,
    method: "GET",
    host: "shop.example",
    target: "/",
    protocol: "HTTP/1.1",
    client: "198.51.100.1",
    userAgent: "",
    traceId: "",
    sentence: "",
    fix: "",
    durationMs: 5,
    heldMs: 0,
    queuedMs: 0,
    bytesReceived: 0,
    bytesSent: 0,
    requestHead: [],
    attempts: [attempt],
  };
}

function eventOf(line: Line): UpstreamEvent {
  const [kind, upstream = "", endpoint = ""] = line.words;
  const { options, at } = line;
  const cause = (options["cause"] ?? "connect-refused") as CauseId;
  const detail = options["detail"] ?? "";
  const ms = (key: string): number => parseDuration(options[key] ?? "1s") ?? 0;
  const event = {
    at,
    upstream,
    endpoint,
    kind,
    cause,
    detail,
    awayMs: ms("away"),
    downMs: ms("away"),
    forMs: ms("for"),
    limitMs: ms("limit"),
    from: "closes",
    request: options["request"] ?? "",
    held: options["held"] === "yes",
    lastedMs: ms("lasted"),
    heldRequests: Number(options["requests"] ?? 0),
  };
  return event as unknown as UpstreamEvent;
}

function markOf({ words, at, options }: Line): Mark {
  const [kind, text = "", upstream = "", endpoint = ""] = words;
  return {
    id: `m${at}${kind}`,
    gateway: "g1",
    at,
    kind: kind as MarkKind,
    text,
    level: "info",
    upstream,
    endpoint,
    by: options["by"] ?? "",
  };
}

function changed(setting: Setting, { words: [name = ""], options }: Line): Setting {
  const before = setting.upstreams.find((one) => one.name === name);
  const raw: Record<string, unknown> & RawUpstream = {
    endpoints: before?.endpoints.map((one) => one) ?? [],
    hold: before?.hold ? `${before.hold.forMs}ms` : undefined,
    head: `${before?.timeouts.headMs ?? 30_000}ms`,
    tls: before?.tls ?? false,
    ...options,
  };
  if (options["endpoints"] !== undefined)
    (raw as { endpoints: unknown }).endpoints = options["endpoints"] === "" ? [] : options["endpoints"].split(",");
  const after = upstreamSetting(name, raw);
  return {
    ...setting,
    upstreams:
      options["removed"] === undefined
        ? [...setting.upstreams.filter((one) => one.name !== name), after]
        : setting.upstreams.filter((one) => one.name !== name),
  };
}
