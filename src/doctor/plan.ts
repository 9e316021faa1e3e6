// From what was asked to what is probed: the address, the origins, the members of the pools on its way. Only addresses
// that the user named, or that a configuration names which the user gave; nothing is guessed. Pure.
import type { Member, Pool } from "./configs/model.ts";
import type { NotTested, Spot, Target } from "./evidence.ts";
import { type AskedOrigin, type DoctorOptions, hostField, sameSpot, serverNameOf, spotText } from "./options.ts";
import { pathBehind, type WayLeg } from "./way.ts";

/** Members of pools that are probed. */
const ENDPOINTS_MAX = 24;

/** The target of the address itself; null = none was given. */
export function urlTarget({ url, host, ca }: DoctorOptions): Target | null {
  if (!url) return null;
  const shown = host ?? hostField(url.hostname, url.port, url.scheme);
  return {
    id: "url",
    role: "url",
    depth: 0,
    scheme: url.scheme,
    spot: { kind: "tcp", host: url.hostname, port: url.port },
    host: shown,
    serverName: serverNameOf(shown),
    verify: true,
    path: url.path,
    ca,
    pool: null,
  };
}

/** The schemes to try for an origin, the likelier first. */
export function originSchemes(
  { scheme, spot }: AskedOrigin,
  { url }: DoctorOptions,
  legs: readonly WayLeg[],
): readonly ("http" | "https")[] {
  if (scheme !== null || spot.kind === "unix") return [scheme ?? "http"];
  const pool = legs.map(({ pool: of }) => of).find((of) => of?.members.some((member) => isAt(member, spot)));
  if (pool) return pool.scheme === "https" ? ["https", "http"] : ["http", "https"];
  if (/443$/.test(String(spot.port))) return ["https", "http"];
  return url?.scheme === "https" && spot.port !== 80 && spot.port < 1_024 ? ["https", "http"] : ["http", "https"];
}

const isAt = ({ spot }: Member, other: Spot): boolean => spot !== null && sameSpot(spot, other);

/** The same request with the same Host and SNI, at an origin. */
export function originTarget(origin: AskedOrigin, scheme: "http" | "https", options: DoctorOptions): Target {
  const { spot, text } = origin;
  const own = spot.kind === "tcp" ? hostField(spot.host, spot.port, scheme) : "localhost";
  const url = urlTarget(options);
  const host = options.host ?? url?.host ?? own;
  return {
    id: `origin ${text}`,
    role: "origin",
    depth: 1,
    scheme,
    spot,
    host,
    serverName: serverNameOf(host),
    verify: true,
    path: url?.path ?? "/",
    ca: options.ca,
    pool: null,
  };
}

export interface EndpointPlan {
  readonly targets: readonly Target[];
  readonly notTested: readonly NotTested[];
}

/** The members of the pools on the way, as their gateway would ask them. `readCa` gives the text of a file, or null. */
export function endpointTargets(
  legs: readonly WayLeg[],
  options: DoctorOptions,
  readCa: (file: string) => string | null,
): EndpointPlan {
  const targets: Target[] = [];
  const notTested: NotTested[] = [];
  const skip = (member: Member, pool: Pool, reason: string, how: string | null): void => {
    notTested.push({ check: `member ${member.text} of ${pool.name}`, target: null, reason, how });
  };
  for (const { hop, pool, route, depth } of legs) {
    if (!pool) continue;
    const path = route ? pathBehind(route, options.url?.path ?? "/") : (options.url?.path ?? "/");
    for (const member of pool.members) {
      if (member.down) continue;
      if (member.spot === null)
        skip(member, pool, "its address is not plain in the file", "give it as --origin HOST:PORT");
      else if (pool.scheme !== "http" && pool.scheme !== "https" && pool.scheme !== "h2c")
        skip(member, pool, `doctor speaks no ${pool.scheme}`, null);
      else if (targets.length >= ENDPOINTS_MAX) skip(member, pool, `more than ${ENDPOINTS_MAX} members`, null);
      else if (!targets.some(({ pool: known, spot }) => known?.name === pool.name && sameSpot(spot, member.spot!)))
        targets.push(endpointTarget({ hop: hop.name, pool, member, spot: member.spot, path, depth }, options, readCa));
    }
  }
  return { targets, notTested };
}

interface Endpoint {
  readonly hop: string;
  readonly pool: Pool;
  readonly member: Member;
  readonly spot: Spot;
  readonly path: string;
  readonly depth: number;
}

function endpointTarget(
  { hop, pool, member, spot, path, depth }: Endpoint,
  options: DoctorOptions,
  readCa: (file: string) => string | null,
): Target {
  const scheme = pool.scheme === "https" ? "https" : "http";
  const own = spot.kind === "tcp" ? hostField(spot.host, spot.port, scheme) : "localhost";
  const asked = urlTarget(options)?.host ?? own;
  const host = pool.host === "client" ? asked : pool.host === "member" ? own : pool.host.text;
  const sent = pool.serverName === "client" ? asked : pool.serverName === "member" ? own : pool.serverName?.text;
  const ca = pool.caFile === null ? null : readCa(pool.caFile);
  return {
    id: `endpoint ${pool.name === spotText(spot) ? "" : `${pool.name} `}${spotText(spot)} of ${hop}`,
    role: "endpoint",
    depth: depth + 1,
    scheme,
    spot,
    host,
    serverName: sent === undefined ? null : serverNameOf(sent),
    verify: pool.verify === true,
    path,
    ca: ca === null ? options.ca : [...options.ca, ca],
    pool: { name: pool.name, at: member.at, healthPath: pool.health?.path ?? null },
  };
}
