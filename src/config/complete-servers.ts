// Virtual servers of the file as the program has them: each block completed from what the blocks around it say.
import type { CompleteContext } from "./complete-context.ts";
import { type Place, prefixOf, proxyOf, tunnelOf } from "./complete-servers-proxy.ts";
import type { Address, ListenerConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { type Change, joined, laidOver } from "./forms-record.ts";
import { COMMON_TYPES } from "./media-types.ts";
import { type FileListen, type FileLocation, type FileServer, type FileServers, head } from "./schema-servers.ts";
import { type BlockChange, block, type FileBlock } from "./schema-servers-block.ts";
import { firstName } from "./schema-servers-names.ts";
import type { FileStep } from "./schema-servers-rewrite.ts";
import { OWN_PREFIX } from "./schema-servers-settings.ts";
import type {
  ContentConfig,
  LocationConfig,
  LocationMatch,
  LocationSettings,
  RewriteStep,
  ServerConfig,
  ServersConfig,
} from "./servers.ts";
import { COMBINED, covers } from "./standards.ts";

export type Around = Omit<Place, "match">;

/** All that the servers of the file mean. */
export function serversOf(
  file: FileServers,
  slots: NonNullable<ServersConfig["slots"]>,
  around: Around,
  context: CompleteContext & { readonly positionOf: (path: Path) => ServerConfig["position"] },
): { readonly servers: ServersConfig; readonly listeners: readonly ListenerConfig[] } {
  const defaults = placed(file.defaults.change, { ...around, match: null });
  const servers = file.servers.map((server, index) => {
    const position = context.positionOf(["servers", index]);
    return { ...serverOf(server, file, defaults, around), ...(position ? { position } : {}) };
  });
  const { variables, zones, caches, formats, charsetMaps, product } = file;
  const from = file.certificatesFrom === undefined ? {} : { certificatesFrom: file.certificatesFrom };
  const named = formats.some(({ name }) => name === COMBINED.name) ? formats : [COMBINED, ...formats];
  return {
    servers: { servers, variables, zones, caches, formats: named, charsetMaps, slots, product, ...from },
    listeners: listenersOf(file.servers),
  };
}

function serverOf(file: FileServer, all: FileServers, defaults: BlockChange, around: Around): ServerConfig {
  const place: Place = { ...around, match: null };
  const change = within("server", defaults, placed(file.change, place));
  const { names, tls } = file;
  return {
    name: file.name ?? firstName(names),
    names,
    listen: file.listen.map((each) => ({ address: each.address, isDefault: isDefaultAt(file, each, all.servers) })),
    head: laidOver(head.parts, head.standard, joined(head.parts, all.defaults.head, file.head)),
    tls,
    rewrite: rewriteOf(file.rewrite, change, place, false),
    settings: settingsOf(completed(change), place),
    locations: file.locations.map((location) => locationOf(location, change, around)),
  };
}

function locationOf(file: FileLocation, outer: BlockChange, around: Around): LocationConfig {
  const place: Place = { ...around, match: file.match };
  const change = within("location", outer, placed(file.change, place));
  const settings = settingsOf(completed(change), place);
  const except = file.limitExcept;
  return {
    match: withRedirect(file.match, file.redirectBare ?? redirectsBare(file.match, settings)),
    rewrite: rewriteOf(file.rewrite, change, place, true),
    settings,
    limitExcept: except && {
      methods: except.methods,
      settings: settingsOf(completed(within("if", change, placed(except.settings, place))), place),
    },
    locations: file.locations.map((inner) => locationOf(inner, change, around)),
  };
}

function withRedirect(match: LocationMatch, redirectBare: boolean): LocationMatch {
  return match.kind === "exact" || match.kind === "prefix" ? { ...match, redirectBare } : match;
}

/** Where nobody says: a location that hands requests on, and ends with a slash, is asked for without it, too. */
export function redirectsBare(match: LocationMatch, { content }: LocationSettings): boolean {
  const path = match.kind === "exact" || match.kind === "prefix" ? match.path : "";
  return path.endsWith("/") && content.kind === "proxy";
}

/** What says where the requests of a block go. */
const CONTENT = ["tunnel", "content", "unsupported"] as const;
const TARGET = ["to", "url", "uri", "hostName"] as const;

/** What a block says, with what it has from around; `if` and limit-except stand in their location. */
function within(kind: "server" | "location" | "if", outer: BlockChange, own: BlockChange): BlockChange {
  return joined(block.parts, inherited(kind, outer, own), own);
}

/** What a block has of the one around it. */
export function inherited(kind: "server" | "location" | "if", outer: BlockChange, own: BlockChange = {}): BlockChange {
  const proxy = own.proxy as Change<FileBlock["proxy"]> | undefined;
  const isOther = CONTENT.some((key) => own[key] != null) || proxy?.to != null || proxy?.url != null;
  const { tryFiles: _, ...rest } = outer as Record<string, unknown>;
  if (kind === "if" && !isOther) return rest as BlockChange;
  const kept = Object.fromEntries(Object.entries(rest).filter(([key]) => !CONTENT.includes(key as never)));
  if (outer.proxy === undefined) return kept as BlockChange;
  const rules = Object.entries(outer.proxy).filter(([key]) => !TARGET.includes(key as never));
  return { ...kept, proxy: Object.fromEntries(rules) } as unknown as BlockChange;
}

/** The alias of a block takes the place of its location's prefix, whatever blocks are within. */
function placed(change: BlockChange, place: Place): BlockChange {
  const { root } = change;
  if (root?.kind !== "alias" || root.prefixLength !== OWN_PREFIX) return change;
  return { ...change, root: { ...root, prefixLength: aliasLength(place) } };
}

/** The prefix that an alias takes the place of. */
export function aliasLength(place: Place): number {
  return prefixOf(place)?.length ?? -1;
}

/** Everything of a block. */
export function completed(change: BlockChange): FileBlock {
  return laidOver(block.parts, block.standard, change);
}

/** As the program has it. */
function settingsOf(file: FileBlock, place: Place): LocationSettings {
  const { proxy, tunnel, content, unsupported, filters, types, ...settings } = file;
  const gzip = filters.gzip && { ...filters.gzip, ...filters.gzipRules };
  const byExtension = types.base === "common" ? { ...COMMON_TYPES, ...types.extensions } : types.extensions;
  return {
    ...settings,
    types: { byExtension, default: types.default },
    filters: { ...filters, gzip },
    content: contentOf({ proxy, tunnel, content, unsupported }, place),
  };
}

function contentOf(file: Pick<FileBlock, "proxy" | "tunnel" | "content" | "unsupported">, place: Place): ContentConfig {
  if (file.unsupported !== null) return { kind: "unsupported", why: file.unsupported };
  if (file.tunnel) return tunnelOf(file.tunnel, place);
  if (file.proxy.to !== null || file.proxy.url !== null) return proxyOf(file.proxy, place);
  return { kind: file.content ?? "files" };
}

function rewriteOf(steps: readonly FileStep[], change: BlockChange, place: Place, inLocation: boolean): RewriteStep[] {
  return steps.map((step): RewriteStep => {
    if (step.do === "rewrite") {
      const then = step.then ?? (step.redirect === 0 ? "go-on" : "last");
      return { ...step, then };
    }
    if (step.do !== "if") return step;
    const says = step.settings ?? (inLocation ? {} : "off");
    const inner = says === "off" ? change : within("if", change, placed(says, place));
    const settings = says === "off" ? null : settingsOf(completed(inner), place);
    const then = rewriteOf(step.then, inner, place, inLocation);
    return { do: "if", condition: step.condition, then, settings };
  });
}

// ---- listeners

/** The first server of an address takes what is for none, unless another says so. */
function isDefaultAt(server: FileServer, { address, isDefault }: FileListen, servers: readonly FileServer[]): boolean {
  if (isDefault !== null) return isDefault;
  const all = servers.flatMap((each) =>
    each.listen.filter((one) => isSameAddress(one.address, address)).map((one) => ({ each, one })),
  );
  const chosen = all.find(({ one }) => one.isDefault === true) ?? all[0];
  return chosen?.each === server;
}

export function isSameAddress(a: Address, b: Address): boolean {
  if (a.kind === "unix" || b.kind === "unix") return a.kind === "unix" && b.kind === "unix" && a.path === b.path;
  return a.host === b.host && a.port === b.port;
}

/** Each address once, with what any server says of it. */
function listenersOf(servers: readonly FileServer[]): ListenerConfig[] {
  const all: FileListen[] = [];
  for (const each of servers.flatMap(({ listen }) => listen)) {
    const at = all.findIndex((one) => isSameAddress(one.address, each.address));
    const known = all[at];
    if (!known) all.push(each);
    else
      all[at] = {
        ...known,
        tls: known.tls || each.tls,
        proxyProtocol: known.proxyProtocol || each.proxyProtocol,
        backlog: known.backlog ?? each.backlog,
        ipv6Only: known.ipv6Only ?? each.ipv6Only,
      };
  }
  return all.map(({ address, tls, proxyProtocol, backlog, ipv6Only }) => ({
    address,
    tls: null,
    ...(tls ? { serversTls: true } : {}),
    ...(proxyProtocol ? { proxyProtocol: true } : {}),
    ...(backlog === null && ipv6Only === null && all.some((other) => covers(other.address, address))
      ? { viaWildcard: true }
      : {}),
    ...(backlog === null ? {} : { backlog }),
    ...(ipv6Only === null ? {} : { ipv6Only }),
  }));
}
