// Collects the evidence: everything that does not depend on something else runs at once, each part with its own
// deadline, the whole within `timeoutMs`. Nothing throws: what could not be looked at is said so. Members of pools are
// asked only on the gateway's own machine, since an address means something else anywhere else.
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { KnowledgeIndex } from "../knowledge/entry.ts";
import { now } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { joinConfigs } from "./configs/join.ts";
import type { ConfigEvidence } from "./configs/model.ts";
import { readConfigs } from "./configs/read-configs.ts";
import type {
  Evidence,
  InputProblem,
  Leg,
  NotTested,
  ProbeLimits,
  Restart,
  Spot,
  Target,
  TargetEvidence,
} from "./evidence.ts";
import { lookHere } from "./local/look-here.ts";
import type { LocalEvidence } from "./local/model.ts";
import { beginLogs } from "./logs/read-logs.ts";
import { type AskedOrigin, type DoctorOptions, spotText } from "./options.ts";
import { preparePages } from "./page/page-maker.ts";
import { endpointTargets, originSchemes, originTarget, urlTarget } from "./plan.ts";
import { type ProbeContext, probeTarget, RequestBudget } from "./probe/probe.ts";
import { buildChain } from "./timeouts/chain.ts";
import { type WayLeg, wayThrough } from "./way.ts";

/** What collecting needs of the program around it. */
export interface DoctorTools {
  readonly version: string;
  readonly index: KnowledgeIndex;
  /** What is being done; for a progress display. */
  readonly onStep: (text: string) => void;
}

/** Of the whole time: what is left for the logs and for putting everything together. */
const CLOSING_MS: Ms = 700;
const LOCAL_MS: Ms = 3_000;
/** Taken from the closing time, if need be. */
const LOCAL_LEAST_MS: Ms = 500;
const CONNECT_MS: Ms = 3_000;
const TLS_MS: Ms = 4_000;
const IDLE_MS: Ms = 6_000;

/** Everything that can be seen of what was asked. */
export async function collect(options: DoctorOptions, tools: DoctorTools): Promise<Evidence> {
  const startedAtMs = Date.now();
  const startedAt = now();
  const deadlineAt = startedAt + options.timeoutMs - CLOSING_MS;
  const requestIds = `doctor-${startedAtMs.toString(36)}`;
  const userAgent = `goodgate-doctor/${tools.version}`;
  const logs = beginLogs(options.logs, {
    index: tools.index,
    deadlineAt: deadlineAt + CLOSING_MS / 2,
    onStep: tools.onStep,
  });
  if (options.url) preparePages();
  if (options.configs.length > 0) tools.onStep("reading configurations");
  const configs = await readConfigs(options.configs);
  const way = wayThrough(configs, {
    host: urlTarget(options)?.host ?? null,
    port: options.url?.port ?? null,
    path: options.url?.path ?? "/",
  });
  const live = await probeAll({ options, configs, way, tools, deadlineAt, requestIds, userAgent });
  const logged = await logs.finish({
    requestIds: [requestIds],
    userAgent,
    startedAtMs,
    paths: live.targets.map(({ target }) => target.path),
  });
  const { chain, problems } = buildChain({
    spec: options.chain,
    whatIf: options.whatIf,
    configs,
    targets: live.targets,
    way,
  });
  return {
    url: options.url?.href ?? null,
    way: way.map((leg) => legOf(leg, live.targets)),
    startedAtMs,
    tookMs: now() - startedAt,
    targets: live.targets,
    local: live.local,
    restarts: live.restarts,
    configs,
    findings: joinConfigs(configs),
    logs: logged,
    chain,
    notTested: live.notTested,
    problems: [...options.problems, ...configs.flatMap((config) => config.problems), ...logged.problems, ...problems],
  };
}

interface Live {
  readonly targets: readonly TargetEvidence[];
  readonly local: LocalEvidence | null;
  readonly restarts: readonly Restart[];
  readonly notTested: readonly NotTested[];
}

interface Job {
  readonly options: DoctorOptions;
  readonly configs: readonly ConfigEvidence[];
  readonly way: readonly WayLeg[];
  readonly tools: DoctorTools;
  readonly deadlineAt: Ms;
  readonly requestIds: string;
  readonly userAgent: string;
}

async function probeAll(job: Job): Promise<Live> {
  const { options, way } = job;
  const url = urlTarget(options);
  const asked = [
    ...(url ? [probe(url, job, "u")] : []),
    ...options.origins.map((origin, index) => probeOrigin(origin, job, `o${index + 1}`)),
  ];
  const plan = endpointTargets(way, options, readText);
  const askMembers = () => plan.targets.map((target, index) => probe(target, job, `e${index + 1}`));
  const looking = lookLocally(job);
  // Where it is certain from the start, members are asked at once.
  const certain = options.local ?? (url !== null && isOwnAddress(url.spot));
  const early = certain ? askMembers() : [];
  const before = await looking;
  const here = certain || (options.local ?? isHere(before, url !== null));
  const endpoints = here && !certain ? askMembers() : early;
  const targets = await Promise.all([...asked, ...endpoints]);
  const after =
    before &&
    targets.some(
      ({ target, http, tcp }) =>
        target.role !== "url" &&
        (http.some(({ failure }) => failure) || tcp.some(({ tries }) => tries.some(({ failure }) => failure))),
    )
      ? await lookLocally(job)
      : null;
  // A second look that was not in time tells nothing, and the first still holds.
  const second = after && after.spots.length > 0 ? after : null;
  return {
    targets,
    local: second ?? before,
    restarts: before && second ? restartsBetween(before, second) : [],
    notTested: [...plan.notTested, ...(here ? [] : plan.targets.map((target) => elsewhere(target, before)))],
  };
}

/** What this machine's own addresses lead to runs on it. */
function isOwnAddress(spot: Spot): boolean {
  if (spot.kind === "unix" || spot.host === "localhost" || /^(?:127\.|::1$)/.test(spot.host)) return true;
  return Object.values(networkInterfaces()).some((some) => some?.some(({ address }) => address === spot.host));
}

/** Files alone may be of another machine: then it has to be certain. */
function isHere(local: LocalEvidence | null, asked: boolean): boolean {
  if (!local) return false;
  const { yes, certain } = local.gatewayHere;
  return yes && (asked || certain);
}

function elsewhere({ id }: Target, local: LocalEvidence | null): NotTested {
  const reason = local ? `this is not the gateway's machine: ${local.gatewayHere.reason}` : "--no-local was given";
  return { check: id, target: id, reason, how: "run goodgate doctor on the gateway's machine, or with --local" };
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The reader of the configuration has told of it; without it the system's authorities are trusted.
    return null;
  }
}

// ── Probes ──────────────────────────────────────────────────────────────────────────────────────────────────────

function probe(
  target: Target,
  job: Job,
  mark: string,
  budget = new RequestBudget(requestsOf(target, job.options)),
): Promise<TargetEvidence> {
  const { options, tools, deadlineAt, requestIds, userAgent } = job;
  const limits: ProbeLimits = {
    requestsMax: budget.max,
    totalMs: options.timeoutMs,
    connectMs: Math.min(CONNECT_MS, options.timeoutMs / 2),
    tlsMs: Math.min(TLS_MS, options.timeoutMs / 2),
    headMs: options.timeoutMs,
    idleMs: Math.min(IDLE_MS, options.timeoutMs - CLOSING_MS),
    upgrade: options.upgrade,
    resolver: options.resolver,
  };
  const context: ProbeContext = {
    userAgent,
    requestIdPrefix: `${requestIds}-${mark}-`,
    deadlineAt,
    budget,
    onStep: (text) => tools.onStep(`${target.id}: ${text}`),
    redirects: target.role === "url" && (options.redirects === false ? "origin" : true),
  };
  return probeTarget(target, limits, context);
}

/** Members of pools are many, and only a few requests tell. */
const requestsOf = ({ role }: Target, { requestsMax }: DoctorOptions): number =>
  role === "endpoint" ? Math.min(requestsMax, 4) : requestsMax;

/** An origin without a scheme is spoken to as it answers. */
async function probeOrigin(origin: AskedOrigin, job: Job, mark: string): Promise<TargetEvidence> {
  const [first, second] = originSchemes(origin, job.options, job.way);
  const budget = new RequestBudget(job.options.requestsMax);
  const seen = await probe(originTarget(origin, first!, job.options), job, mark, budget);
  if (second === undefined || !speaksOther(seen)) return seen;
  return probe(originTarget(origin, second, job.options), job, `${mark}b`, budget);
}

function speaksOther({ target, tls, http }: TargetEvidence): boolean {
  if (target.scheme === "https") return tls.some(({ otherWay }) => otherWay?.answered === "http");
  return (
    tls.some(({ otherWay }) => otherWay?.answered === "tls") ||
    http.some(({ failure }) => failure?.cause === "tls-plaintext-mismatch") ||
    http.some(({ page }) => page?.cause === "tls-plaintext-mismatch")
  );
}

// ── The machine ─────────────────────────────────────────────────────────────────────────────────────────────────

async function lookLocally({ options, configs, way, deadlineAt, tools }: Job): Promise<LocalEvidence | null> {
  if (options.local === false || (options.url === null && configs.length === 0)) return null;
  tools.onStep("looking at this machine");
  const hops = way.length > 0 ? way.map(({ hop }) => hop) : configs.flatMap((config) => config.hops);
  const pools = way.length > 0 ? way.map(({ pool }) => pool) : hops.flatMap((hop) => hop.pools);
  const spots: Spot[] = [
    ...options.origins.map(({ spot }) => spot),
    ...pools.flatMap((pool) => pool?.members ?? []).flatMap(({ spot }) => (spot ? [spot] : [])),
    ...(options.url ? [{ kind: "tcp" as const, host: options.url.hostname, port: options.url.port }] : []),
  ];
  return lookHere(
    {
      spots: distinctSpots(spots),
      gateways: [...new Set(hops.map(({ software }) => software))],
      listens: hops
        .flatMap(({ listens }) => listens)
        .flatMap(({ host, port }) => (port === null ? [] : [{ host, port }])),
      urlAddresses: await addressesOf(options),
      pidFiles: [],
      forced: options.local === true,
    },
    Math.max(LOCAL_LEAST_MS, Math.min(LOCAL_MS, deadlineAt - now())),
  );
}

const SPOTS_MAX = 64;

function distinctSpots(spots: readonly Spot[]): Spot[] {
  return [...new Map(spots.map((spot) => [spotText(spot), spot])).values()].slice(0, SPOTS_MAX);
}

const ADDRESSES_MS: Ms = 500;

async function addressesOf({ url }: DoctorOptions): Promise<string[]> {
  if (!url) return [];
  if (isIP(url.hostname) !== 0) return [url.hostname];
  const none = new Promise<[]>((resolve) => {
    setTimeout(() => resolve([]), ADDRESSES_MS).unref();
  });
  const found = lookup(url.hostname, { all: true }).catch((): [] => {
    // The probe of the name tells of it.
    return [];
  });
  return (await Promise.race([found, none])).map(({ address }) => address);
}

function restartsBetween(before: LocalEvidence, after: LocalEvidence): Restart[] {
  return before.spots.flatMap(({ spot, listeners }) => {
    const old = listeners.find(({ process }) => process)?.process;
    const spotAfter = after.spots.find((each) => spotText(each.spot) === spotText(spot));
    if (!old || !spotAfter) return [];
    const now = spotAfter.listeners.map(({ process }) => process).filter((process) => process !== null);
    if (now.some(({ pid, startedAtMs }) => pid === old.pid && startedAtMs === old.startedAtMs)) return [];
    if (now.length === 0 && spotAfter.listeners.length > 0) return [];
    return [{ address: spotText(spot), before: old, after: now[0] ?? null }];
  });
}

// ── The way ─────────────────────────────────────────────────────────────────────────────────────────────────────

function legOf({ hop, depth, pool, route, loop }: WayLeg, targets: readonly TargetEvidence[]): Leg {
  const ids = targets
    .filter(
      ({ target }) => target.role === "endpoint" && target.pool?.name === pool?.name && target.depth === depth + 1,
    )
    .map(({ target }) => target.id);
  return { hop: hop.name, software: hop.software, depth, listens: hop.listens, pool, route, targets: ids, loop };
}

/** Whether anything of what was asked can be looked at; with the problems that say why not. */
export function isUsable({ url, configs, logs, chain, whatIf }: DoctorOptions): boolean {
  return url !== null || configs.length > 0 || logs.length > 0 || chain !== null || whatIf.length > 0;
}

/** A problem of the command line, for those who find one before anything is collected. */
export const inputProblem = (input: string, text: string, next: string): InputProblem => ({
  input,
  place: null,
  text,
  next,
});
