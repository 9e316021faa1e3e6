// The probe of one target: name, then each address: TCP, TLS and HTTP side by side, since what one layer shows is of
// use also where another fails. Never throws. Everything ends by the deadline, with what was seen so far; what was left
// out is said, with its reason.
import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { createSecureContext } from "node:tls";
import type { Failure } from "../../failure/failure.ts";
import { type Destination, inOrderToTry } from "../../net/connect.ts";
import { beginEvent } from "../../std/clock.ts";
import type {
  DnsEvidence,
  ProbeLimits,
  Target,
  TargetEvidence,
  TcpEvidence,
  TlsEvidence,
  TlsTry,
} from "../evidence.ts";
import { addressOf, type Way } from "./connection.ts";
import { guarded, leaveOut, leftMs, MORE_TIME, type ProbeContext, type Scene } from "./context.ts";
import { probeDns } from "./dns.ts";
import { askPlain, askTls } from "./other-way.ts";
import { askFor, hostnameOf, unsent } from "./request.ts";
import { type Baseline, Sequence } from "./sequence.ts";
import { familyOf, type Opening, probeTcp } from "./tcp.ts";
import { prepareTrust, trustOf, tryAsked, tryVariants } from "./tls.ts";

export { type NameSources, type ProbeContext, RequestBudget } from "./context.ts";

/** Addresses of one name; more are not looked at. */
const ADDRESSES_MAX = 8;
/** What closes by itself is waited for so long behind the deadline. */
const GRACE_MS = 150;
const LAST_TURNS = 8;

interface TlsGathered {
  readonly tries: TlsTry[];
  otherWay: TlsEvidence["otherWay"];
}

/** What is gathered; read at the end, or at the deadline. */
interface Gathered {
  dns: DnsEvidence | null;
  readonly tcp: Map<string, TcpEvidence>;
  readonly tls: Map<string, TlsGathered>;
  order: readonly string[];
}

/** Looks at one target, layer by layer. */
export async function probeTarget(target: Target, limits: ProbeLimits, context: ProbeContext): Promise<TargetEvidence> {
  beginEvent();
  const scene = sceneOf(target, limits, context);
  const gathered: Gathered = { dns: null, tcp: new Map(), tls: new Map(), order: [] };
  const sequence = new Sequence(scene);
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const work = guarded(scene, probeAll(scene, gathered, sequence)).then(() => {
    over = true;
  });
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, leftMs(scene) + GRACE_MS);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
  // Where the event loop was held up, waits that have ended still have to say so.
  for (let turn = 0; turn < LAST_TURNS && !over; turn++) await new Promise(setImmediate);
  if (!over) leaveOut(scene, `the rest of ${target.id}`, "the time was up", MORE_TIME);
  for (const socket of scene.sockets) socket.destroy();
  const { seen } = sequence;
  return {
    target,
    dns: gathered.dns,
    tcp: inOrder(gathered.order, gathered.tcp),
    tls: gathered.order.flatMap((address) => {
      const one = gathered.tls.get(address);
      return one ? [{ address, tries: [...one.tries], otherWay: one.otherWay }] : [];
    }),
    http: seen.http.toSorted((a, b) => a.startedAtMs - b.startedAtMs),
    redirects: seen.redirects,
    idle: [...seen.idle],
    requests: context.budget.used,
    notTested: [...scene.notTested],
  };
}

function inOrder<Value>(order: readonly string[], values: ReadonlyMap<string, Value>): Value[] {
  return order.flatMap((key) => {
    const value = values.get(key);
    return value === undefined ? [] : [value];
  });
}

function sceneOf(target: Target, limits: ProbeLimits, context: ProbeContext): Scene {
  const notTested: Scene["notTested"] = [];
  // Before anything is measured: reading authorities holds the event loop up.
  if (target.scheme === "https") prepareTrust(target.ca);
  const own = trustOf(target.ca);
  const sockets = new Set<Socket>();
  const trust = own ?? trustOf([]) ?? createSecureContext({ ca: [] });
  const scene: Scene = { target, limits, context, notTested, sockets, trust };
  if (own === null) leaveOut(scene, "trust in the given authorities", "OpenSSL does not take them", null);
  return scene;
}

async function probeAll(scene: Scene, gathered: Gathered, sequence: Sequence): Promise<void> {
  const destinations = await destinationsOf(scene, gathered);
  const secure = secureOf(scene.target);
  const ways = destinations.map((destination): Way => ({ destination, secure }));
  gathered.order = ways.map(addressOf);
  const inFull = new Set(ways.filter((way, at) => ways.findIndex((other) => isSameFamily(other, way)) === at));
  const began = ways.map((way) => begin(scene, gathered, sequence, way, inFull.has(way)));
  const baselines = await sequence.answersOf(began.map(({ baseline }) => baseline));
  await Promise.all(began.map(({ asked }) => asked));
  const offersH2 = (way: Way) => gathered.tls.get(addressOf(way))?.tries[0]?.alpn === "h2";
  await Promise.all([otherWays(scene, gathered, sequence, ways), sequence.follow(baselines, offersH2)]);
  await Promise.all([sequence.meanwhile, ...began.flatMap(({ baseline, rest }) => [baseline, rest])]);
}

/** What is under way at one address. */
interface Begun {
  readonly baseline: Promise<Baseline | null>;
  /** The first handshake. */
  readonly asked: Promise<unknown>;
  readonly rest: Promise<unknown>;
}

/** TCP first; as soon as the address opens, TLS and HTTP on connections of their own. */
function begin(scene: Scene, gathered: Gathered, sequence: Sequence, way: Way, inFull: boolean): Begun {
  const address = addressOf(way);
  let tell: (opening: Opening | null) => void = () => {};
  const opens = new Promise<Opening | null>((resolve) => {
    tell = resolve;
  });
  scene.context.onStep(`connecting to ${address}`);
  const tcp = probeTcp(scene, way.destination, tell).then((evidence) => gathered.tcp.set(address, evidence));
  const baseline = guarded(
    scene,
    opens.then((opening) => {
      if (opening === null) return null;
      return opening.failure ? closed(sequence, way, opening.failure) : sequence.baseline(way);
    }),
  );
  const asked = opens.then((opening) => (opening?.failure === null && way.secure ? tryAsked(scene, way) : null));
  const tls = asked.then(async (first) => {
    if (first === null) return;
    const entry: TlsGathered = { tries: [first], otherWay: null };
    gathered.tls.set(address, entry);
    if (inFull) entry.tries.push(...(await tryVariants(scene, way, first)));
  });
  // Where TCP's probe fails for a reason of ours, nobody else tells that the address does not open.
  const rest = guarded(scene, Promise.all([tcp, tls])).finally(() => tell(null));
  return { baseline, asked: guarded(scene, asked), rest };
}

/** The baseline of an address that does not open. */
function closed(sequence: Sequence, way: Way, failure: Failure): Baseline {
  const ask = askFor(sequence.scene, "baseline");
  const http = unsent(ask, "http/1.1", addressOf(way), failure, failure.evidence.waitedMs ?? 0, null);
  sequence.seen.http.push(http);
  return { way, http, first: Buffer.alloc(0), connection: null, whyNotKept: "" };
}

/** Where TLS fails, whether the port is plain; where plain HTTP fails, whether it is TLS. */
async function otherWays(scene: Scene, gathered: Gathered, sequence: Sequence, ways: readonly Way[]): Promise<void> {
  const failing = ways.find((way) => gathered.tls.get(addressOf(way))?.tries[0]?.failure?.phase === "tls");
  const [suspect] = sequence.seen.tlsPorts;
  if (failing) {
    const entry = gathered.tls.get(addressOf(failing));
    const otherWay = await askPlain(scene, failing);
    if (entry) entry.otherWay = otherWay;
  }
  if (suspect) gathered.tls.set(addressOf(suspect), { tries: [], otherWay: await askTls(scene, suspect) });
}

function isSameFamily(a: Way, b: Way): boolean {
  return familyOf(a.destination) === familyOf(b.destination);
}

function secureOf({ scheme, serverName, host }: Target): Way["secure"] {
  return scheme === "https" ? { serverName, identity: serverName ?? hostnameOf(host) } : null;
}

/** Where to connect: the addresses of the name, the families in turn. */
async function destinationsOf(scene: Scene, gathered: Gathered): Promise<readonly Destination[]> {
  const { spot } = scene.target;
  if (spot.kind === "unix") return [spot];
  scene.context.onStep(`looking up ${spot.host}`);
  const named = await probeDns(scene, spot.host);
  gathered.dns = named?.evidence ?? null;
  const addresses = reachable(scene, inOrderToTry(named?.addresses ?? [spot.host.replace(/^\[|\]$/g, "")], 0));
  if (addresses.length > ADDRESSES_MAX) {
    leaveOut(scene, `addresses of ${spot.host} beyond the first ${ADDRESSES_MAX}`, `it has ${addresses.length}`, null);
  }
  return addresses.slice(0, ADDRESSES_MAX).map((ip) => ({ kind: "tcp", ip, port: spot.port }));
}

/** Without IPv6 of its own a machine reaches no IPv6 address: that says nothing of the target. */
function reachable(scene: Scene, addresses: readonly string[]): readonly string[] {
  const within = withinReach(addresses, hasIpv6());
  if (within.length < addresses.length) {
    leaveOut(scene, "IPv6 addresses", "this machine has no IPv6 address of its own", null);
  }
  return within;
}

/** Whether this machine has an address that others may answer to. */
function hasIpv6(): boolean {
  const own = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  return own.some(({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80:"));
}

/** The addresses that a machine can reach at all; where it can reach none, all of them, so that the failure shows. */
export function withinReach(addresses: readonly string[], withIpv6: boolean): readonly string[] {
  const within = addresses.filter((ip) => withIpv6 || !ip.includes(":") || ip === "::1" || ip.startsWith("::ffff:"));
  return within.length === 0 ? addresses : within;
}
