// Which filters a response gets, and what each does to its head. Pure: facts in, decisions out. Response fields of the
// same name come joined by ", "; undefined = the field is missing.
import type { GzipConfig, SsiConfig, SubConfig } from "../config/servers.ts";
import { parseHttpDate } from "../wire/http-date.ts";
import { acceptsGzip } from "./accept-encoding.ts";
import { typeFits } from "./content-type.ts";

/** What the decisions look at. */
export interface FilterFacts {
  readonly isSubrequest: boolean;
  readonly httpMinor: 0 | 1;
  /** A response without a body: HEAD, 204, 304. */
  readonly headOnly: boolean;
  readonly acceptEncoding: string | undefined;
  readonly via: string | undefined;
  readonly authorization: string | undefined;
  readonly userAgent: string | undefined;

  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** null = not known. */
  readonly contentLength: number | null;
  readonly expires: string | undefined;
  readonly date: string | undefined;
  readonly cacheControl: string | undefined;
  readonly lastModified: string | undefined;
  readonly etag: string | undefined;
  readonly wallNowMs: number;
}

/** What a filter does to the head of its response. */
export interface HeadEdit {
  /** Lower case. */
  readonly remove: readonly string[];
  readonly add: readonly { readonly name: string; readonly value: string }[];
  /** ETag becomes weakEtag of it. */
  readonly weakensEtag: boolean;
}

/** Whether gzip or gunzip acts, and whether caches have to be told that the client's Accept-Encoding decided. */
export interface EncodingDecision {
  readonly applies: boolean;
  /** "Vary: Accept-Encoding" is due, where gzip_vary is on. */
  readonly varies: boolean;
}

const NEVER: EncodingDecision = { applies: false, varies: false };
const GZIP_STATUSES = [200, 403, 404];

export const GZIP_EDIT: HeadEdit = {
  remove: ["content-length", "accept-ranges"],
  add: [{ name: "Content-Encoding", value: "gzip" }],
  weakensEtag: true,
};

export const GUNZIP_EDIT: HeadEdit = {
  remove: ["content-encoding", "content-length", "accept-ranges"],
  add: [],
  weakensEtag: true,
};

export const ADDITION_EDIT: HeadEdit = { remove: ["content-length", "accept-ranges"], add: [], weakensEtag: true };

/** Whether the response is to be compressed. `matches`: one of the patterns of gzip_disable fits a User-Agent. */
export function decideGzip(
  rules: GzipConfig,
  facts: FilterFacts,
  matches: (userAgent: string) => boolean,
): EncodingDecision {
  const { status, contentEncoding, contentLength, contentType, headOnly } = facts;
  if (!GZIP_STATUSES.includes(status) || contentEncoding || headOnly) return NEVER;
  if (contentLength !== null && contentLength < rules.minLengthBytes) return NEVER;
  if (!typeFits(rules.types, contentType)) return NEVER;
  return { applies: mayGzip(rules, facts, matches), varies: true };
}

/** Whether a compressed response is to be unpacked, since the client does not take it. */
export function decideGunzip(
  rules: Pick<GzipConfig, "minHttpMinor" | "proxied">,
  facts: FilterFacts,
  matches: (userAgent: string) => boolean,
): EncodingDecision {
  if (facts.contentEncoding?.toLowerCase() !== "gzip") return NEVER;
  return { applies: !mayGzip(rules, facts, matches), varies: true };
}

/** Whether this client may be given gzip: by its Accept-Encoding, version, Via with what the response says, and name. */
function mayGzip(
  rules: Pick<GzipConfig, "minHttpMinor" | "proxied">,
  facts: FilterFacts,
  matches: (userAgent: string) => boolean,
): boolean {
  if (facts.isSubrequest || facts.acceptEncoding === undefined || !acceptsGzip(facts.acceptEncoding)) return false;
  if (facts.httpMinor < rules.minHttpMinor) return false;
  if (facts.via !== undefined && !mayGzipProxied(rules.proxied, facts)) return false;
  return facts.userAgent === undefined || !matches(facts.userAgent);
}

/** Whether sub_filter looks at the response. */
export function decideSub(rules: SubConfig, facts: FilterFacts): boolean {
  return facts.contentLength !== 0 && typeFits(rules.types, facts.contentType);
}

/** What sub_filter does to the head; nothing in a subrequest. */
export function subEdit(rules: SubConfig): HeadEdit {
  return keepingModified(["content-length"], rules.keepLastModified);
}

/** Whether the response is looked through for SSI commands. */
export function decideSsi(rules: SsiConfig, facts: FilterFacts): boolean {
  return facts.contentLength !== 0 && typeFits(rules.types, facts.contentType);
}

/** What SSI does to the head; nothing in a subrequest. */
export function ssiEdit(rules: SsiConfig): HeadEdit {
  return keepingModified(["content-length", "accept-ranges"], rules.keepLastModified);
}

/** Whether something is put before or behind the response. */
export function decideAddition(rules: { readonly types: readonly string[] }, facts: FilterFacts): boolean {
  return facts.status === 200 && !facts.isSubrequest && typeFits(rules.types, facts.contentType);
}

/** The ETag of a response whose bytes have changed and whose meaning has not; null = it has to go. */
export function weakEtag(etag: string): string | null {
  if (etag.startsWith("W/") && etag.length > 2) return etag;
  return etag.startsWith('"') ? `W/${etag}` : null;
}

function keepingModified(remove: readonly string[], keep: boolean): HeadEdit {
  if (keep) return { remove, add: [], weakensEtag: true };
  return { remove: [...remove, "last-modified", "etag"], add: [], weakensEtag: false };
}

/** gzip_proxied: a cache between us and the client may give the answer to others. */
function mayGzipProxied(proxied: readonly string[], facts: FilterFacts): boolean {
  if (proxied.includes("off")) return false;
  if (proxied.includes("any")) return true;
  if (facts.authorization !== undefined && proxied.includes("auth")) return true;
  if (facts.expires !== undefined) return proxied.includes("expired") && hasExpired(facts);
  const { cacheControl } = facts;
  if (cacheControl !== undefined) {
    return ["no-cache", "no-store", "private"].some(
      (directive) => proxied.includes(directive) && hasDirective(cacheControl, directive),
    );
  }
  if (proxied.includes("no_last_modified") && facts.lastModified !== undefined) return false;
  return !(proxied.includes("no_etag") && facts.etag !== undefined);
}

function hasExpired({ expires, date, wallNowMs }: FilterFacts): boolean {
  const at = parseHttpDate(expires!);
  const from = date === undefined ? Math.floor(wallNowMs / 1000) : parseHttpDate(date);
  return at !== null && from !== null && at < from;
}

function hasDirective(cacheControl: string, directive: string): boolean {
  return cacheControl.split(",").some((part) => part.trim().toLowerCase() === directive);
}
