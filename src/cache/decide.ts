// The decisions of a cache about one request, without side effects: what becomes of a stale response, how long a new one
// is kept, and what its file says of it.
import type { CacheUseConfig } from "../config/servers.ts";
import type { EntryFacts } from "./entry-file.ts";
import { type Freshness, validForSec } from "./freshness.ts";

/** What a stale response is looked at with; times in seconds since 1970. */
export interface StaleFacts {
  readonly entry: Pick<EntryFacts, "validSec" | "updatingSec">;
  readonly nowSec: number;
  /** Another request is fetching it. */
  readonly updating: boolean;
  /** proxy_cache_use_stale has "updating". */
  readonly useWhileUpdating: boolean;
  readonly backgroundUpdate: boolean;
  /** The request is itself the update behind another one. */
  readonly isBackground: boolean;
}

/** "serve": somebody updates it already. "serve-and-update": behind the response. "ask": the upstream comes first. */
export type StaleDecision = "serve" | "serve-and-update" | "ask";

export function decideStale(facts: StaleFacts): StaleDecision {
  const { validSec, updatingSec } = facts.entry;
  const willDo = !facts.isBackground && (facts.useWhileUpdating || validSec + updatingSec >= facts.nowSec);
  if (!willDo) return "ask";
  if (facts.updating) return "serve";
  return facts.backgroundUpdate ? "serve-and-update" : "ask";
}

/** Until when a response is fresh, by its fields or else by the location's rule for its status; 0 = it is not kept. */
export function validUntilSec(saidSec: number, rules: CacheUseConfig["valid"], status: number, nowSec: number): number {
  if (saidSec > 0) return saidSec;
  const forSec = validForSec(rules, status);
  return forSec > 0 ? nowSec + forSec : 0;
}

/** What the file of a new response says; null = it is not kept. `variantOf` gives the hash for a Vary. */
export function newEntryFacts(
  freshness: Freshness,
  rules: CacheUseConfig["valid"],
  status: number,
  nowSec: number,
  variantOf: (vary: string) => string,
): EntryFacts | null {
  const validSec = validUntilSec(freshness.validSec, rules, status, nowSec);
  if (!freshness.storable || validSec === 0) return null;
  const { updatingSec, errorSec, vary, lastModifiedSec, etag } = freshness;
  // Of other responses the validators are not those of what a GET would get.
  const hasContent = status === 200 || status === 206;
  return {
    validSec,
    updatingSec,
    errorSec,
    dateSec: nowSec,
    lastModifiedSec: hasContent ? lastModifiedSec : -1,
    etag: hasContent ? etag : "",
    vary,
    variant: vary === "" ? "" : variantOf(vary),
  };
}

/** What becomes of the times of a kept response that its origin says (`told`) is still right. null = they stay. */
export function revalidatedFacts(
  entry: EntryFacts,
  told: Freshness,
  kept: Freshness,
  rules: CacheUseConfig["valid"],
  status: number,
  nowSec: number,
): EntryFacts | null {
  const said = told.validSec > 0 ? told : kept;
  const validSec = validUntilSec(said.validSec, rules, status, nowSec);
  if (validSec === 0) return null;
  return { ...entry, validSec, updatingSec: said.updatingSec, errorSec: said.errorSec, dateSec: nowSec };
}

/** A range far into a response is not worth fetching all of it: whether it begins beyond the bound; -1 = none does. */
export function rangeIsBeyond(range: string | undefined, offsetMax: number): boolean {
  if (range === undefined || offsetMax < 0) return false;
  if (offsetMax === 0) return true;
  const match = range.length < 7 ? null : /^bytes= *(-|\d*)/i.exec(range);
  return match !== null && (match[1] === "-" || Number(match[1]) >= offsetMax);
}
