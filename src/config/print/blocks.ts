// Blocks as the file has them: what each says over the block around it. What all proxied blocks of a server have in
// common is said by the server, what all servers have in common by server-defaults.
import { aliasLength, completed, inherited, redirectsBare } from "../complete-servers.ts";
import { fileProxyOf, fileTunnelOf, type Place } from "../complete-servers-proxy.ts";
import { type Change, difference, isSame, joined, type Parts } from "../forms-record.ts";
import { COMMON_TYPES } from "../media-types.ts";
import type { FileLocation } from "../schema-servers.ts";
import { type BlockChange, block, type FileBlock } from "../schema-servers-block.ts";
import type { FileProxy } from "../schema-servers-proxy.ts";
import type { FileStep } from "../schema-servers-rewrite.ts";
import { OWN_PREFIX } from "../schema-servers-settings.ts";
import type { LocationConfig, LocationSettings, RewriteStep } from "../servers.ts";

export type BlockKind = "server" | "location" | "if";
type Around = Omit<Place, "match">;

/** What a block says, and what holds in it for the blocks within. */
interface Said {
  readonly own: BlockChange;
  readonly change: BlockChange;
}

/** What a block has to say so that it has these settings. */
export function said(
  kind: BlockKind,
  outer: BlockChange,
  settings: LocationSettings,
  place: Place,
  extra: BlockChange = {},
): Said {
  const inheritsContent =
    kind === "if" && isSame(contentOf(settings, place, completed(outer)), partOf(completed(outer)));
  const below = joinedWith(inherited(kind, outer, inheritsContent ? {} : { content: "files" }), extra);
  const base = completed(below);
  const content = contentOf(settings, place, base);
  const isFiles = kind === "if" && !inheritsContent && content.content === null && settings.content.kind === "files";
  const target: FileBlock = {
    ...base,
    ...plainSettings(settings),
    ...content,
    ...(isFiles ? { content: "files" as const } : {}),
  };
  const own = joinedWith(extra, difference(block.parts, base, target));
  const change = joinedWith(below, own);
  return { own: unplaced(own, place), change };
}

function joinedWith(below: BlockChange, above: BlockChange): BlockChange {
  return joined(block.parts, below, above);
}

/** An alias that takes the place of its own location's prefix does not say how long that is. */
function unplaced(change: BlockChange, place: Place): BlockChange {
  const { root } = change;
  if (root?.kind !== "alias" || root.prefixLength !== aliasLength(place)) return change;
  return { ...change, root: { ...root, prefixLength: OWN_PREFIX } };
}

type ContentPart = Pick<FileBlock, "proxy" | "tunnel" | "content" | "unsupported">;

function partOf({ proxy, tunnel, content, unsupported }: FileBlock): ContentPart {
  return { proxy, tunnel, content, unsupported };
}

function contentOf({ content }: LocationSettings, place: Place, base: FileBlock): ContentPart {
  const none: ContentPart = { proxy: withoutTarget(base.proxy), tunnel: null, content: null, unsupported: null };
  switch (content.kind) {
    case "proxy":
      return { ...none, proxy: fileProxyOf(content, place, base.proxy) };
    case "tunnel":
      return { ...none, tunnel: fileTunnelOf(content, place) };
    case "unsupported":
      return { ...none, unsupported: content.why };
    case "files":
      return none;
    default:
      return { ...none, content: content.kind };
  }
}

function withoutTarget(proxy: FileProxy): FileProxy {
  return { ...proxy, to: null, url: null, uri: null, hostName: null };
}

function plainSettings(settings: LocationSettings): Omit<FileBlock, keyof ContentPart> {
  const { content: _, filters, types, ...rest } = settings;
  const { gzip, gzipRules, ...others } = filters;
  const { minHttpMinor, proxied, vary, disable } = gzipRules;
  const own = gzip && { level: gzip.level, minLengthBytes: gzip.minLengthBytes, types: gzip.types };
  return {
    ...rest,
    types: typesOf(types),
    filters: { ...others, gzip: own, gzipRules: { minHttpMinor, proxied, vary, disable } },
  };
}

/** Over the usual table where it has all of that. */
function typesOf({ byExtension, default: standard }: LocationSettings["types"]): FileBlock["types"] {
  const isCommon = Object.keys(COMMON_TYPES).every((extension) => Object.hasOwn(byExtension, extension));
  const own = Object.entries(byExtension).filter(([extension, type]) => COMMON_TYPES[extension] !== type);
  return isCommon
    ? {
        base: "common",
        extensions: own.length > 0 ? Object.fromEntries(own) : block.standard.types.extensions,
        default: standard,
      }
    : { base: "none", extensions: byExtension, default: standard };
}

/** A location as the file has it. */
export function fileLocationOf(config: LocationConfig, outer: BlockChange, around: Around): FileLocation {
  const { match, limitExcept } = config;
  const place: Place = { ...around, match };
  const { own, change } = said("location", outer, config.settings, place);
  const bare = match.kind === "exact" || match.kind === "prefix" ? (match.redirectBare ?? false) : false;
  const isUsual = bare === redirectsBare(match, config.settings) || match.kind === "pattern" || match.kind === "named";
  return {
    match,
    redirectBare: isUsual ? null : bare,
    rewrite: fileStepsOf(config.rewrite, change, place, true),
    limitExcept: limitExcept && {
      methods: limitExcept.methods,
      settings: said("if", change, limitExcept.settings, place).own,
    },
    locations: config.locations.map((inner) => fileLocationOf(inner, change, around)),
    change: own,
  };
}

/** A rewrite program as the file has it. */
export function fileStepsOf(
  steps: readonly RewriteStep[],
  change: BlockChange,
  place: Place,
  inLocation: boolean,
): FileStep[] {
  return steps.map((step): FileStep => {
    if (step.do === "rewrite") {
      const then = step.then === (step.redirect === 0 ? "go-on" : "last") ? null : step.then;
      return { ...step, then };
    }
    if (step.do !== "if") return step;
    const inner = step.settings && said("if", change, step.settings, place);
    const own = inner && (inLocation && Object.keys(inner.own).length === 0 ? null : inner.own);
    const then = fileStepsOf(step.then, inner?.change ?? change, place, inLocation);
    const settings = inner ? own : inLocation ? "off" : null;
    return { do: "if", condition: step.condition, then, settings };
  });
}

/** What all proxied blocks of a server have in common, apart from where they lead. */
export function commonProxy(locations: readonly LocationConfig[], around: Around): BlockChange {
  const all = [...proxiesIn(locations, around)];
  const [first] = all;
  if (!first || all.length < 2) return {};
  const common = commonOf(block.parts.proxy.group!.parts, all.map(withoutTarget), block.standard.proxy);
  const change = difference(block.parts.proxy.group!.parts, block.standard.proxy, common);
  return Object.keys(change).length === 0 ? {} : { proxy: change as FileProxy };
}

function* proxiesIn(locations: readonly LocationConfig[], around: Around): Generator<FileProxy> {
  for (const { match, settings, locations: inner } of locations) {
    if (settings.content.kind === "proxy")
      yield fileProxyOf(settings.content, { ...around, match }, block.standard.proxy);
    yield* proxiesIn(inner, around);
  }
}

/** The value that all have, or most of several; null is what nothing that is written can take back. */
function mostOf(values: readonly unknown[], usual: unknown): unknown {
  const counted = values.map((value) => ({ value, count: values.filter((other) => isSame(value, other)).length }));
  const best = counted.reduce((one, other) => (other.count > one.count ? other : one));
  if (best.count === values.length) return best.value;
  return best.count * 2 > values.length && !values.includes(null) && !values.includes(undefined) ? best.value : usual;
}

/** The values that are the same in most; those of `standard` where they are not. */
export function commonOf<T>(parts: Parts<T>, all: readonly T[], standard: T): T {
  const [first] = all;
  if (first === undefined) return standard;
  const result: Record<string, unknown> = {};
  for (const [name, { group }] of Object.entries(parts as Record<string, { group?: { parts: Parts<unknown> } }>)) {
    const values = all.map((each) => each[name as keyof T] as unknown);
    const usual = standard[name as keyof T] as unknown;
    if (group) result[name] = commonOf(group.parts as never, values as never, usual as never);
    else result[name] = mostOf(values, usual);
  }
  return result as T;
}

/** The settings that all servers have in common, as the file has them. */
export function commonSettings(all: readonly LocationSettings[], base: FileBlock): BlockChange {
  const wanted = all.map((settings) => ({ ...base, ...plainSettings(settings) }));
  const common = commonOf(block.parts, wanted, base);
  return difference(block.parts, base, { ...common, tryFiles: base.tryFiles }) as Change<FileBlock>;
}
