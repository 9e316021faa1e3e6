// From all that was found to one answer. What a text says last and deepest is nearest to the cause: a wrapper ("error
// while proxying: …") defers to what it wraps, the specific beats the generic, and what the program's own format says
// beats what others print in the same words. What loses is kept as an alternative.
import type { EntryCard, EntryClass } from "../knowledge/entry.ts";
import type { Range } from "./explanation.ts";

/** One reason to believe in a class. */
export interface Evidence {
  readonly class: EntryClass;
  /** The entry that says it; null = a phrase or a number by itself. */
  readonly card: EntryCard | null;
  /** The words that say it, in order. */
  readonly pieces: readonly Range[];
  /** From the first of them to the last. */
  readonly range: Range;
  readonly tier: Tier;
  /** Letters and digits that are given: more is more specific. */
  readonly weight: number;
  /** In words, for the reasons. */
  readonly what: string;
}

/**
 * named = the gateway itself gives the cause by its id; own = the program's own message in its own format, or a product's in free text; code = a token in its field;
 * family = of a product whose messages this program prints; other = of a product that it has nothing to do with.
 */
export type Tier = "named" | "own" | "code" | "family" | "other" | "generic" | "concept" | "status";
const TIERS: readonly Tier[] = ["named", "own", "code", "family", "other", "generic", "concept", "status"];

/** Say that something failed, not what: any cause beside them is the answer. */
const WRAPPERS: readonly EntryClass[] = ["unknown", "status-only-502", "upstream-error-passthrough"];

/** Left: the answer where the right side was found too, because it is why that happened, or what exactly. */
const REFINES: Partial<Record<EntryClass, readonly EntryClass[]>> = {
  "tls-plaintext-mismatch": [
    "tls-handshake-failed",
    "connect-refused",
    "closed-before-response",
    "protocol-mismatch",
    "response-malformed",
    "no-healthy-upstream",
  ],
  "tls-cert-expired": [
    "tls-cert-untrusted",
    "tls-handshake-failed",
    "connect-refused",
    "closed-before-response",
    "no-healthy-upstream",
  ],
  "tls-cert-name-mismatch": [
    "tls-cert-untrusted",
    "tls-handshake-failed",
    "connect-refused",
    "closed-before-response",
    "no-healthy-upstream",
  ],
  "tls-cert-untrusted": ["tls-handshake-failed", "connect-refused", "closed-before-response", "no-healthy-upstream"],
  "tls-handshake-failed": ["connect-refused", "closed-before-response", "no-healthy-upstream", "connect-timeout"],
  "connect-refused": ["closed-before-response", "no-healthy-upstream"],
  "connect-timeout": ["closed-before-response", "no-healthy-upstream", "connect-refused", "response-timeout"],
  "network-unreachable": ["connect-refused", "closed-before-response", "no-healthy-upstream", "connect-timeout"],
  "connect-permission-denied": ["connect-refused", "closed-before-response", "no-healthy-upstream"],
  "socket-missing": ["connect-refused", "closed-before-response", "no-healthy-upstream"],
  "dns-not-resolved": [
    "connect-refused",
    "connect-timeout",
    "closed-before-response",
    "no-healthy-upstream",
    "network-unreachable",
    "dns-timeout",
  ],
  "dns-timeout": [
    "connect-refused",
    "connect-timeout",
    "closed-before-response",
    "no-healthy-upstream",
    "response-timeout",
  ],
  "client-closed-request": [
    "connect-refused",
    "closed-before-response",
    "response-timeout",
    "upstream-write-failed",
    "response-truncated",
  ],
  "response-timeout": ["connect-refused", "closed-before-response", "no-healthy-upstream"],
  "response-malformed": ["closed-before-response", "connect-refused"],
  "response-header-too-large": ["closed-before-response", "response-malformed"],
  "response-encoding-invalid": ["closed-before-response", "response-malformed", "response-truncated"],
  "protocol-mismatch": ["closed-before-response", "response-malformed", "connect-refused"],
  "response-truncated": ["closed-before-response"],
  "keepalive-race": ["closed-before-response"],
  "worker-timeout": ["oom-killed", "app-crashed", "closed-before-response", "response-timeout"],
  "oom-killed": ["app-crashed", "closed-before-response", "upstream-not-ready", "connect-refused"],
  "app-crashed": ["closed-before-response", "upstream-not-ready"],
  "backend-absent": ["no-healthy-upstream", "upstream-not-ready"],
  "upstream-saturated": ["response-timeout", "connect-timeout", "closed-before-response"],
  "gateway-resource-exhausted": ["connect-refused", "no-healthy-upstream"],
};

/** True where `specific` is the better answer of the two. */
export function refines(specific: EntryClass, generic: EntryClass): boolean {
  if (specific === generic) return false;
  if (WRAPPERS.includes(generic)) return !WRAPPERS.includes(specific) && specific !== "not-an-error";
  return REFINES[specific]?.includes(generic) ?? false;
}

export interface Decision {
  readonly best: Evidence;
  /** What the best was preferred to, in its order; of each class the strongest. */
  readonly others: readonly Evidence[];
}

/** The answer; null where nothing was found. */
export function resolve(found: readonly Evidence[]): Decision | null {
  const ranked = withoutNormalWork(withoutCovered(found)).toSorted(byStrength);
  let best = ranked[0];
  if (best === undefined) return null;
  for (const other of ranked.slice(1)) if (isDeeper(other, best)) best = other;
  // Several entries of one class: the one that says most is the page to show, a product's before the bare phrase.
  const chosen = best;
  const page =
    ranked.find((each) => each.class === chosen.class && each.card !== null && overlaps(each.range, chosen.range)) ??
    chosen;
  const others: Evidence[] = [];
  for (const each of ranked) {
    if (each.class === page.class || others.some((kept) => kept.class === each.class)) continue;
    if (each.class !== "unknown") others.push(each);
  }
  return { best: page, others };
}

/**
 * Another statement, not the same words or a part of them, and one that may say why: a code in a field is what the
 * program's own message of that line spells out.
 */
function isDeeper(other: Evidence, best: Evidence): boolean {
  if (best.tier === "named" || !refines(other.class, best.class)) return false;
  // How failures are called in general says less than any entry of a product, or a system error.
  if (other.tier === "concept") return WRAPPERS.includes(best.class) && (best.card?.software ?? null) === null;
  if (WRAPPERS.includes(best.class)) return true;
  if (other.tier === "code" && best.tier === "own") return false;
  return !other.pieces.some((piece) => best.pieces.some((own) => overlaps(piece, own)));
}

/** Lines of normal work beside one that failed say nothing. */
function withoutNormalWork(found: readonly Evidence[]): readonly Evidence[] {
  const normal = found.filter((each) => each.class === "not-an-error");
  const fails = (each: Evidence) =>
    each.class !== "not-an-error" &&
    !WRAPPERS.includes(each.class) &&
    (each.tier === "named" || each.tier === "own" || each.tier === "code") &&
    !normal.some(({ range }) => overlaps(range, each.range));
  return normal.length > 0 && found.some(fails) ? found.filter((each) => each.class !== "not-an-error") : found;
}

function byStrength(a: Evidence, b: Evidence): number {
  return TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) || b.weight - a.weight || a.range[0] - b.range[0];
}

/** A message within a longer one of the same tier says the same with fewer words, unless it refines it. */
function withoutCovered(found: readonly Evidence[]): Evidence[] {
  return found.filter(
    (each) =>
      !found.some(
        (other) =>
          other !== each &&
          TIERS.indexOf(other.tier) <= TIERS.indexOf(each.tier) &&
          other.weight > each.weight &&
          covers(other.range, each.range) &&
          !refines(each.class, other.class),
      ),
  );
}

const covers = (outer: Range, inner: Range): boolean => outer[0] <= inner[0] && outer[1] >= inner[1];
const overlaps = (a: Range, b: Range): boolean => a[0] < b[1] && b[0] < a[1];
