// Names to addresses. getaddrinfo (dns.lookup) is the truth: hosts file, search domains and mDNS count, and the
// order is RFC 6724's. It tells no TTL, so the same name is asked for over DNS beside it, only for its TTL, and
// nobody waits for that answer; where it does not come or names other addresses, DEFAULT_TTL_MS holds.
//
// - One lookup in flight per name, whoever asks.
// - A name in use is asked for again when its TTL ends, so that new connections follow a change within the TTL and
//   the time of one lookup. For a name that nobody used meanwhile, the next request waits for the new answer, but
//   not long (PATIENCE_MS) while there is an old one.
// - When DNS fails, the last good answer stays, marked stale, and DNS is asked again with backoff. Without one, the
//   failure is remembered for a second, so that a storm of requests is not passed on to DNS.
import dns from "node:dns";
import { closeSync, openSync } from "node:fs";
import { isIP } from "node:net";
import { devNull } from "node:os";
import { connectFailure, deadlineFailure } from "../failure/classify.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import { now } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";

const DEFAULT_TTL_MS: Ms = 10_000;
/** The hosts file has no TTL and DNS operators err: nothing is believed for longer. */
const TTL_MAX_MS: Ms = 300_000;
const FAILURE_KEPT_MS: Ms = 1_000;
const BACKOFF_MAX_MS: Ms = 30_000;
/** An answer this long past its TTL is still given at once while a new one is on its way. */
const REFRESH_GRACE_MS: Ms = 1_000;
/** How long a request waits for a new answer while there is an old one. */
const PATIENCE_MS: Ms = 500;

/** dns.promises.lookup with all: true, as far as it is needed. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

/** Asks DNS itself for the addresses of a name with their TTLs (in seconds). Rejects with a code of node:dns. */
export type TtlQuery = (host: string) => Promise<readonly { readonly address: string; readonly ttl: number }[]>;

/** The resolver of an upstream: the system's, or these DNS servers. */
export function resolverFor(settings: {
  readonly minMs: Ms;
  readonly timeoutMs: Ms;
  readonly servers: readonly string[];
}): Resolver {
  const { minMs, timeoutMs, servers } = settings;
  if (servers.length === 0) return new Resolver({ minMs, timeoutMs });
  const query = dnsTtlQuery(servers);
  return new Resolver({ minMs, timeoutMs, lookup: query, ttlQuery: query });
}

export interface ResolverOptions {
  /** An answer is kept at least this long. */
  readonly minMs: Ms;
  /** How long resolve waits. */
  readonly timeoutMs: Ms;
  readonly clock?: () => Ms;
  readonly lookup?: Lookup;
  readonly ttlQuery?: TtlQuery;
}

export type Resolved =
  | {
      readonly ok: true;
      /** At least one IP address, the preferred first. */
      readonly addresses: readonly string[];
      /** DNS fails: this is the last good answer. */
      readonly stale: boolean;
      /** Counts the uses of a name, so that equal addresses take turns. */
      readonly turn: number;
    }
  | { readonly ok: false; readonly failure: Failure };

interface Entry {
  readonly host: string;
  /** The last good answer; empty = none yet. */
  addresses: readonly string[];
  answeredAt: Ms;
  expiresAt: Ms;
  /** Used since the last lookup began: worth asking again without being asked. */
  used: boolean;
  turn: number;
  /** Lookups failed since the last good answer, what the last one said, and when it may be tried again. */
  failures: number;
  error: unknown;
  rcode: string | null;
  retryAt: Ms;
  /** The running lookup; it never rejects. */
  running: Promise<void> | null;
  /** A request lost patience with the running lookup. */
  slow: boolean;
  timer: NodeJS.Timeout | null;
}

/** The names of one process (or one upstream), with their answers. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #clock: () => Ms;
  readonly #lookup: Lookup;
  readonly #ttlQuery: TtlQuery;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#clock = options.clock ?? now;
    this.#lookup = options.lookup ?? systemLookup;
    this.#ttlQuery = options.ttlQuery ?? dnsTtlQuery();
  }

  /** The addresses of a name or IP literal where they are known already; null = resolve must be awaited. */
  known(host: string): Resolved | null {
    if (isIP(host) !== 0) return { ok: true, addresses: [host], stale: false, turn: 0 };
    const entry = this.#entryOf(host);
    entry.used = true;
    const at = this.#clock();
    const due = at >= (entry.failures > 0 ? entry.retryAt : entry.expiresAt);
    if (due) this.#ask(entry);
    if (entry.addresses.length === 0) {
      return due || entry.running ? null : { ok: false, failure: this.#failureOf(entry, 0) };
    }
    const wait = due && entry.failures === 0 && !entry.slow && at >= entry.expiresAt + REFRESH_GRACE_MS;
    return wait ? null : answerOf(entry);
  }

  /** The addresses of a name or IP literal. Never rejects. */
  resolve(host: string, timeoutMs: Ms = this.#options.timeoutMs): Promise<Resolved> {
    const known = this.known(host);
    if (known) return Promise.resolve(known);
    const entry = this.#entryOf(host);
    const startedAt = this.#clock();
    const lastGood = entry.addresses.length > 0;
    const waitMs = lastGood ? Math.min(timeoutMs, PATIENCE_MS) : timeoutMs;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        entry.slow = true;
        if (entry.addresses.length > 0) return resolve(answerOf(entry));
        const evidence: Evidence = { address: host, waitedMs: this.#clock() - startedAt, deadlineMs: timeoutMs };
        resolve({ ok: false, failure: deadlineFailure("resolve", evidence) });
      }, waitMs);
      entry.running?.then(() => {
        clearTimeout(timer);
        if (entry.addresses.length > 0) return resolve(answerOf(entry));
        resolve({ ok: false, failure: this.#failureOf(entry, this.#clock() - startedAt) });
      });
    });
  }

  /** Ends the refreshing; what is running ends by itself. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) if (entry.timer) clearTimeout(entry.timer);
    this.#entries.clear();
  }

  #entryOf(host: string): Entry {
    let entry = this.#entries.get(host);
    if (!entry) {
      entry = newEntry(host);
      this.#entries.set(host, entry);
    }
    return entry;
  }

  #ask(entry: Entry): void {
    if (entry.running) return;
    entry.used = false;
    entry.slow = false;
    entry.rcode = null;
    const ttls = this.#ttlQuery(entry.host).catch((error: unknown) => {
      entry.rcode = rcodeOf(error);
      return [];
    });
    entry.running = this.#lookup(entry.host)
      .then((found) => {
        if (found.length === 0) throw Object.assign(new Error("no addresses"), { code: "ENOTFOUND" });
        this.#accept(entry, [...new Set(found.map((one) => one.address))], ttls);
      })
      .catch((error: unknown) => this.#refuse(entry, error))
      .finally(() => {
        entry.running = null;
      });
  }

  #accept(entry: Entry, addresses: readonly string[], ttls: ReturnType<TtlQuery>): void {
    const at = this.#clock();
    Object.assign(entry, { addresses, answeredAt: at, failures: 0, error: null, slow: false });
    entry.expiresAt = at + Math.max(DEFAULT_TTL_MS, this.#options.minMs);
    this.#schedule(entry, entry.expiresAt);
    void ttls.then((records) => {
      // A TTL of other addresses (the hosts file overrides DNS) says nothing about these; nor does one of an older answer.
      if (entry.answeredAt !== at || !records.some((record) => addresses.includes(record.address))) return;
      const ttlMs = Math.min(...records.map((record) => record.ttl)) * 1_000;
      entry.expiresAt = at + Math.max(Math.min(ttlMs, TTL_MAX_MS), this.#options.minMs);
      if (entry.failures === 0) this.#schedule(entry, entry.expiresAt);
    });
  }

  #refuse(entry: Entry, error: unknown): void {
    entry.failures++;
    entry.error = lackOfDescriptors() ?? error;
    const backoffMs = entry.addresses.length === 0 ? FAILURE_KEPT_MS : FAILURE_KEPT_MS * 2 ** (entry.failures - 1);
    entry.retryAt = this.#clock() + Math.min(backoffMs, BACKOFF_MAX_MS);
    if (entry.addresses.length > 0) this.#schedule(entry, entry.retryAt);
  }

  /** Asks again at the instant `at` where the name is in use; otherwise its next use does. */
  #schedule(entry: Entry, at: Ms): void {
    if (entry.timer) clearTimeout(entry.timer);
    if (this.#closed) return;
    entry.timer = setTimeout(() => {
      entry.timer = null;
      if (entry.used) this.#ask(entry);
    }, at - this.#clock());
    entry.timer.unref();
  }

  #failureOf(entry: Entry, waitedMs: Ms): Failure {
    const evidence: Evidence = { address: entry.host, waitedMs };
    if (entry.rcode !== null) evidence.rcode = entry.rcode;
    return connectFailure(entry.error, "resolve", evidence);
  }
}

function newEntry(host: string): Entry {
  return {
    host,
    addresses: [],
    answeredAt: 0,
    expiresAt: 0,
    used: false,
    turn: 0,
    failures: 0,
    error: null,
    rcode: null,
    retryAt: 0,
    running: null,
    slow: false,
    timer: null,
  };
}

function answerOf(entry: Entry): Resolved {
  return { ok: true, addresses: entry.addresses, stale: entry.failures > 0 || entry.slow, turn: entry.turn++ };
}

/** Out of descriptors getaddrinfo says that a name does not exist, even localhost: it cannot open the hosts file. */
function lackOfDescriptors(): unknown {
  try {
    closeSync(openSync(devNull, "r"));
    return null;
  } catch (error) {
    return error;
  }
}

/** getaddrinfo gives no DNS response code; the query for the TTL, which asks for the same name, may have had one. */
function rcodeOf(error: unknown): string | null {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOTFOUND") return "NXDOMAIN";
  if (code === "ESERVFAIL") return "SERVFAIL";
  if (code === "EREFUSED") return "REFUSED";
  return null;
}

/** What the system says, without a cache. */
export function systemLookup(host: string): Promise<readonly dns.LookupAddress[]> {
  return dns.promises.lookup(host, { all: true, verbatim: true });
}

/** Asks the system's DNS servers, or `servers`, for A and AAAA records. */
export function dnsTtlQuery(servers?: readonly string[]): TtlQuery {
  const resolver = new dns.promises.Resolver({ timeout: 2_000, tries: 1 });
  if (servers) resolver.setServers(servers);
  return async (host) => {
    const [v4, v6] = await Promise.allSettled([
      resolver.resolve4(host, { ttl: true }),
      resolver.resolve6(host, { ttl: true }),
    ]);
    if (v4.status === "rejected" && v6.status === "rejected") throw v4.reason;
    return [...(v4.status === "fulfilled" ? v4.value : []), ...(v6.status === "fulfilled" ? v6.value : [])];
  };
}
