// The cache of a location on the way of one request: looked into before an upstream is asked, filled while a response
// goes by, and the last resort where the upstream fails.
//
//   look ─▶ fresh ───────────────────────────────────────────▶ from the cache (HIT)
//     ├───▶ stale ─▶ somebody updates it, or will ───────────▶ from the cache (UPDATING, STALE)
//     │       └────▶ ask (EXPIRED) ─▶ 304 ───────────────────▶ from the cache (REVALIDATED)
//     │                   └─────────▶ failed, and stale will do ▶ from the cache (STALE)
//     ├───▶ none ──▶ lock, or wait for who has it, and look again ─▶ ask (MISS)
//     └───▶ asked for too seldom, or the disk fails ─▶ ask, and keep nothing
//
// Whatever the disk does, the request is answered. `cacheable` is what was decided so far: whether the response that is
// asked for may be kept, which is also what the upstream is asked by (setHeadersCached).
import { decideStale, newEntryFacts, rangeIsBeyond, revalidatedFacts, validUntilSec } from "../../cache/decide.ts";
import { type EntryFacts, encodeHeads, HEADS_BYTES_MAX, headStartOf } from "../../cache/entry-file.ts";
import { type Freshness, readFreshness } from "../../cache/freshness.ts";
import { updateTimes } from "../../cache/header-update.ts";
import type { CacheStore } from "../../cache/store.ts";
import { nginxStatusOf } from "../../failure/facets.ts";
import type { Failure } from "../../failure/failure.ts";
import { nginxFailureKind, nginxStatusKind } from "../../failure/nginx-kind.ts";
import { beginEvent } from "../../std/clock.ts";
import type { CompiledText } from "../../variables/subject.ts";
import { eachField, fieldValue, type ResponseHead } from "../../wire/head.ts";
import { formatHttpDate, parseHttpDate } from "../../wire/http-date.ts";
import type { Attempt } from "../attempt.ts";
import { wallSec } from "../date.ts";
import { CacheLookup, type Looked } from "./cache-lookup.ts";
import type { CachePlan } from "./cache-plan.ts";
import type { Kept } from "./cache-read.ts";
import { sendCached } from "./cache-send.ts";
import { type Update, updateBehind } from "./cache-update.ts";
import { Fill } from "./fill.ts";
import { askUpstream, type SetHeaders } from "./proxied-request.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";
import { respondStatus } from "./special.ts";

/** Looks into the cache of the location, then asks the upstream. */
export function askCache(request: ServerRequest): void {
  const plan = request.location.cache!;
  request.cacheStatus = undefined;
  if (!plan.methods.has(request.method)) return askUpstream(request);
  const name = plan.name.constant ?? plan.name.render(request.subject);
  if (name === "" || name === "off") return askUpstream(request);
  const store = request.servers.caches.get(name);
  if (!store) {
    request.log("error", `cache "${name}" not found`);
    return respondStatus(request, 500);
  }
  const run = new CacheRun(request, plan, store);
  request.cache = run;
  request.releases.push(() => run.end());
  run.begin();
}

export class CacheRun {
  readonly #request: ServerRequest;
  readonly #plan: CachePlan;
  readonly #lookup: CacheLookup;
  #staleOnError = false;
  #freshness: Freshness | null = null;
  #fill: Fill | null = null;
  #isWritten = false;
  /** The upstream is asked, or has been. */
  #asked = false;
  #ended = false;
  /** It updates what a client was given stale. */
  readonly #isBackground: boolean;
  /** The response that is asked for may be kept. */
  cacheable = true;
  #fromCache = false;

  constructor(request: ServerRequest, plan: CachePlan, store: CacheStore) {
    this.#request = request;
    this.#plan = plan;
    this.#isBackground = request.updates !== null;
    const key = plan.key ? plan.key.render(request.subject) : defaultKey(request);
    this.#lookup = new CacheLookup(request, store, key, plan.config.minUses, () => void this.#open());
    request.cacheKey = key;
  }

  /** HEAD is asked for with GET, so that there is something to keep. */
  get convertsHead(): boolean {
    return this.#plan.config.convertHead && this.#request.method === "HEAD";
  }

  /** What the upstream is asked with where its response may be kept. */
  get setHeaders(): SetHeaders {
    return this.#plan.setHeaders;
  }

  /** The client is not needed any more: what is fetched is kept. */
  get goesOnAlone(): boolean {
    return this.#asked && !this.#ended && this.cacheable && !this.#fromCache;
  }

  begin(): void {
    const request = this.#request;
    if (anyHolds(this.#plan.bypass, request)) {
      request.cacheStatus = "BYPASS";
      return this.#ask();
    }
    request.cacheStatus = "MISS";
    void this.#open();
  }

  async #open(): Promise<void> {
    try {
      const looked = await this.#lookup.look();
      beginEvent();
      if (!this.#ended) this.#decide(looked);
    } catch (error) {
      this.#request.exchange.client.onInternalError(error);
    }
  }

  #decide(looked: Looked): void {
    const request = this.#request;
    switch (looked) {
      case "error":
        request.cacheStatus = "HIT";
        return respondStatus(request, this.#lookup.held!.errorStatus);
      case "fresh":
        return this.#serve("HIT");
      case "stale":
        return this.#useStale();
      case "none":
        return this.#getLock();
      case "scarce":
        return this.#askOnly();
    }
  }

  #useStale(): void {
    const { config, useStale } = this.#plan;
    const lookup = this.#lookup;
    const { entry } = lookup.kept!;
    const nowSec = wallSec();
    this.#staleOnError = entry.validSec + entry.errorSec >= nowSec;
    const decision = decideStale({
      entry,
      nowSec,
      updating: lookup.held!.updating,
      useWhileUpdating: useStale.has("updating"),
      backgroundUpdate: config.backgroundUpdate,
      isBackground: this.#isBackground,
    });
    if (decision === "serve") return this.#serve("UPDATING");
    const lock = lookup.markUpdating();
    if (decision === "serve-and-update") return this.#serve("STALE", updateBehind(this.#request, lock!, lookup.store));
    lookup.own(lock);
    this.#askAgain();
  }

  #getLock(): void {
    const { lock } = this.#plan.config;
    if (!lock) return this.#ask();
    switch (this.#lookup.lock(lock.timeoutMs, lock.ageMs)) {
      case "locked":
        return this.#ask();
      case "alone":
        return this.#askOnly();
      case "waits":
        return;
    }
  }

  // ---- asking

  /** What is kept is to be replaced, or said to be still right. */
  #askAgain(): void {
    const request = this.#request;
    request.cacheStatus = "EXPIRED";
    if (this.#plan.config.revalidate) {
      const { lastModifiedSec, etag } = this.#lookup.kept!.entry;
      if (lastModifiedSec >= 0) request.cacheLastModified = formatHttpDate(lastModifiedSec);
      if (etag !== "") request.cacheEtag = etag;
    }
    this.#ask();
  }

  /** Without keeping what comes. */
  #askOnly(): void {
    this.cacheable = false;
    this.#ask();
  }

  #ask(): void {
    this.#asked = true;
    const range = fieldValue(this.#request.exchange.head, "range");
    if (rangeIsBeyond(range, this.#plan.config.maxRangeOffset)) this.cacheable = false;
    askUpstream(this.#request);
  }

  /** Looks at a response head before anything else does. True = the client is answered from the cache. */
  takeHead(head: ResponseHead, attempt: Attempt, reusable: boolean): boolean {
    const freshness = this.#readFreshness(head);
    this.#freshness = freshness;
    const kept = this.#request.cacheStatus === "EXPIRED" ? this.#lookup.kept : null;
    if (kept) {
      const kind = nginxStatusKind(head.status);
      if (kind !== null && this.#plan.useStale.has(kind)) {
        attempt.dropResponse();
        this.#serve("STALE");
        return true;
      }
      if (head.status === 304 && this.#plan.config.revalidate) {
        attempt.dropResponse(reusable && head.keepAlive);
        void this.#revalidated(freshness, kept);
        return true;
      }
    }
    this.#fill?.abort();
    this.#fill = null;
    if (!freshness.storable) this.cacheable = false;
    return false;
  }

  #readFreshness(head: ResponseHead): Freshness {
    const { ignore } = this.#request.location.proxy!;
    return readFreshness((visit) => eachField(head, visit), { ignore, nowSec: wallSec(), parseDate: parseHttpDate });
  }

  /** The kept response is still right: it gets new times. */
  async #revalidated(told: Freshness, { entry, head }: Kept): Promise<void> {
    const request = this.#request;
    try {
      const { valid } = this.#plan.config;
      const facts = revalidatedFacts(entry, told, this.#readFreshness(head), valid, head.status, wallSec());
      if (facts) {
        const { path, key } = this.#lookup;
        await updateTimes({ path, key, entry }, facts).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") request.log("crit", error.message);
        });
        beginEvent();
      }
      if (!this.#ended) this.#serve("REVALIDATED");
    } catch (error) {
      request.exchange.client.onInternalError(error);
    }
  }

  /** The request has failed. True = a stale response will do. */
  takeFailure(failure: Failure): boolean {
    const request = this.#request;
    if (this.#ended || !this.#asked || this.#fromCache || request.output.begun) return false;
    const kind = failure.cause === "no-healthy-upstream" ? "error" : nginxFailureKind(failure);
    if (kind !== null && request.cacheStatus === "EXPIRED" && this.#lookup.kept) {
      if (this.#plan.useStale.has(kind) || this.#staleOnError) {
        request.exchange.failure = null;
        this.#serve("STALE");
        return true;
      }
    }
    if (kind !== null || failure.phase === "dns") this.#rememberError(nginxStatusOf(failure), 0);
    return false;
  }

  /** An error page answers: for as long as this status is valid, without asking. */
  keepError(status: number): void {
    if (this.#freshness?.storable) this.#rememberError(status, this.#freshness.validSec);
    this.end();
  }

  #rememberError(status: number, saidSec: number): void {
    const untilSec = validUntilSec(saidSec, this.#plan.config.valid, status, wallSec());
    const { held } = this.#lookup;
    if (!this.cacheable || !held || untilSec === 0) return;
    held.errorStatus = status;
    held.errorUntilSec = untilSec;
  }

  // ---- answering

  #serve(status: string, behind: Update | null = null): void {
    const request = this.#request;
    const kept = this.#lookup.take();
    this.#fromCache = true;
    request.cacheStatus = status;
    request.upstreamHead = kept.head;
    sendCached(request, kept, behind);
  }

  /** What holds for a response by the cache: conditions and ranges are looked at here, since nobody else was asked. */
  editHeader(header: ResponseHeader): void {
    header.singleRange = header.ranges && !this.#fromCache;
    if (!this.cacheable) return;
    header.conditional = true;
    if (header.ranges || header.get("accept-ranges") === undefined) return;
    header.remove("accept-ranges");
    header.ranges = true;
    header.singleRange = !this.#fromCache;
  }

  /** The response goes to the client from here on: it is kept as well, or not. */
  beginFill(head: ResponseHead): Fill | null {
    const facts = this.cacheable ? this.#factsOf(head) : null;
    if (!facts) {
      this.cacheable = false;
      this.end();
      return null;
    }
    const { store, key } = this.#lookup;
    this.#lookup.closeKept();
    const held = this.#lookup.holdFor(facts.variant);
    const fill = new Fill({
      request: this.#request,
      writer: store.writer(held.hash, headStartOf(key) + head.text.length),
      prefix: (bodyBytes) => encodeHeads(facts, key, head.text, bodyBytes),
      onEnding: (finished) => {
        held.writing = finished;
      },
      onWritten: (written) => {
        held.writing = null;
        if (written.ok) store.stored(held, written.bytes);
        this.#isWritten = true;
        this.end();
      },
    });
    this.#fill = fill;
    return fill;
  }

  /** What the file is to say; null = the response is not kept. */
  #factsOf(head: ResponseHead): EntryFacts | null {
    const request = this.#request;
    const { config, ignore } = request.location.proxy!;
    const unbuffered =
      !ignore.has("x-accel-buffering") && fieldValue(head, "x-accel-buffering")?.toLowerCase() === "no";
    if (!config.response.buffered || unbuffered || anyHolds(this.#plan.noCache, request)) return null;
    if (headStartOf(this.#lookup.key) + head.text.length > HEADS_BYTES_MAX) return null;
    const { valid } = this.#plan.config;
    return newEntryFacts(this.#freshness!, valid, head.status, wallSec(), (vary) => this.#lookup.variantOf(vary));
  }

  /** The request needs the cache no more. What is being written to the end is written to the end. */
  end(): void {
    if (this.#ended || (this.#fill?.isEnding && !this.#isWritten)) return;
    this.#ended = true;
    this.#fill?.abort();
    this.#lookup.end();
  }
}

/** Neither "" nor "0". */
function anyHolds(texts: readonly CompiledText[], request: ServerRequest): boolean {
  return texts.some((text) => {
    const value = text.render(request.subject);
    return value !== "" && value !== "0";
  });
}

/** The URL that the upstream is asked for. */
function defaultKey(request: ServerRequest): string {
  const { target } = request.location.proxy!.config;
  const scheme = target.kind === "upstream" ? target.scheme : request.proxyScheme;
  return `${scheme}://${request.subject.proxyHost ?? ""}${request.exchange.forwardTarget}`;
}
