// The filters of a response: first what they do to its header, then the chain that its body goes through. Order, from
// the content to the client: conditions, add_header and expires, gunzip, addition, sub, charset, SSI, gzip, ranges.
import type { FiltersConfig } from "../../config/servers.ts";
import { expiresFields } from "../../content/expires.ts";
import { parseHttpDate } from "../../content/http-date.ts";
import { withCharset } from "../../content/mime.ts";
import { decideConditional, NOT_MODIFIED_OMITS, type Validators } from "../../content/not-modified.ts";
import { RangeFilter } from "../../content/range-filter.ts";
import { boundaries, planRanges, type RangePlan } from "../../content/ranges.ts";
import { failureOf } from "../../failure/classify.ts";
import {
  decideGunzip,
  decideGzip,
  decideSub,
  type FilterFacts,
  GUNZIP_EDIT,
  GZIP_EDIT,
  type HeadEdit,
  subEdit,
  weakEtag,
} from "../../filter/decisions.ts";
import type { BodyFilter, ByteSink, FilterEvents } from "../../filter/filter.ts";
import { GunzipFilter } from "../../filter/gunzip.ts";
import { GzipFilter } from "../../filter/gzip.ts";
import { SubFilter } from "../../filter/sub.ts";
import { fieldValue, fieldValues } from "../../wire/head.ts";
import { httpDate, wallMs } from "../date.ts";
import { isPlainStatus, type ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** Adds a step in front of a chain. */
type Step = (next: ByteSink) => BodyFilter;

/** What the header filters have decided about the body. */
export interface FilteredHeader {
  /** The response has no body any more (304), or another one answers (412). */
  readonly empty: boolean;
  /** The status that answers instead; 0 = none. */
  readonly instead: number;
  /** From the client inwards. */
  readonly steps: readonly Step[];
  /** What of the content is sent; null = all of it. */
  readonly range: RangePlan | null;
}

const nextBoundary = boundaries(wallMs() % 1_000_000);

/** What header filters do to a response; `bodiless`: the request has none to come (HEAD). */
export function filterHeader(request: ServerRequest, header: ResponseHeader, bodiless: boolean): FilteredHeader {
  const { settings } = request.location;
  const validators = validatorsOf(header);
  if (header.conditional && request.parent === null) {
    const decision = decideConditional(
      header.status,
      conditionsOf(request),
      validators,
      settings.response.ifModifiedSince,
    );
    if (decision === "precondition-failed") return { empty: true, instead: 412, steps: [], range: null };
    if (decision === "not-modified") {
      header.status = 304;
      header.reason = "";
      header.lines = header.lines.filter(({ name }) => !NOT_MODIFIED_OMITS.includes(name.toLowerCase()));
      header.length = -1;
      header.ranges = false;
    }
  }
  addFields(request, header, validators);
  const steps = bodySteps(request, header, bodiless);
  const range = request.parent === null && header.status === 200 ? cutRanges(request, header) : null;
  if (range?.kind === "unsatisfiable") {
    request.errorFields = { "Content-Range": range.contentRange };
    return { empty: true, instead: 416, steps: [], range: null };
  }
  return { empty: header.status === 304, instead: 0, steps, range: range && range.kind !== "whole" ? range : null };
}

function validatorsOf(header: ResponseHeader): Validators {
  const modified = header.get("last-modified");
  return {
    lastModifiedSeconds: modified === undefined ? null : parseHttpDate(modified),
    etag: header.get("etag") ?? null,
  };
}

function conditionsOf({ exchange: { head } }: ServerRequest) {
  return {
    ifModifiedSince: fieldValue(head, "if-modified-since"),
    ifUnmodifiedSince: fieldValue(head, "if-unmodified-since"),
    ifMatch: fieldValue(head, "if-match"),
    ifNoneMatch: fieldValue(head, "if-none-match"),
  };
}

/** expires and add_header. */
function addFields(request: ServerRequest, header: ResponseHeader, { lastModifiedSeconds }: Validators): void {
  const { location } = request;
  if (request.parent) return;
  const cookie = request.servers.sticky.setCookie(request);
  if (cookie) header.add("Set-Cookie", cookie);
  const { expires } = location.settings.response;
  if (expires) {
    const render = (text: string): string => request.servers.compiler.text(text).render(request.subject);
    const fields = expiresFields(expires, { status: header.status, lastModifiedSeconds, wallNowMs: wallMs(), render });
    if (fields) {
      header.set("Expires", fields.expires);
      header.set("Cache-Control", fields.cacheControl);
    }
  }
  for (const { name, value, always } of location.addHeaders) {
    if (!always && !isPlainStatus(header.status)) continue;
    const rendered = value.render(request.subject);
    const lowerName = name.toLowerCase();
    // Of these there is one: an empty value takes it away.
    if (lowerName === "last-modified" || lowerName === "etag") {
      if (rendered === "") header.remove(lowerName);
      else header.set(name, rendered);
    } else if (rendered !== "") header.add(name, rendered);
  }
}

/** Decides which body filters apply, and edits the header for them. */
function bodySteps(request: ServerRequest, header: ResponseHeader, bodiless: boolean): Step[] {
  const { filters } = request.location.settings;
  const outwards: Step[] = [];
  const events: FilterEvents = {
    onProgress: () => request.output.drained(),
    onError: (error) => request.exchange.fail(failureOf("gateway-internal-error", { detail: error.message })),
  };
  if (filters.gunzip) {
    const { applies, varies } = decideGunzip(filters.gzipRules, factsOf(request, header, bodiless), () => false);
    if (varies && filters.gzipRules.vary) addVary(header);
    if (applies) {
      edit(header, GUNZIP_EDIT);
      outwards.push((next) => new GunzipFilter(next, events));
    }
  }
  const { sub } = filters;
  if (sub && decideSub(sub, factsOf(request, header, bodiless))) {
    if (!request.parent) edit(header, subEdit(sub));
    const patterns = request.servers.subPatterns(request, sub);
    outwards.push((next) => new SubFilter(patterns, sub.once, (pair) => request.render(sub.pairs[pair]!.to), next));
  }
  addCharset(request, header, filters);
  const { gzip } = filters;
  if (gzip) {
    const { applies, varies } = decideGzip(gzip, factsOf(request, header, bodiless), (agent) =>
      request.servers.matchesAny(gzip.disable, agent),
    );
    if (varies && gzip.vary) addVary(header);
    if (applies) {
      edit(header, GZIP_EDIT);
      outwards.push((next) => {
        const filter = new GzipFilter(gzip.level, next, events);
        request.gzipRatio = () => filter.ratio;
        return filter;
      });
    }
  }
  return outwards.reverse();
}

function addCharset(request: ServerRequest, header: ResponseHeader, { charset }: FiltersConfig): void {
  if (!charset || header.status === 304) return;
  const type = header.get("content-type");
  if (type === undefined || header.charsetDone) return;
  const bare = type.split(";")[0]!.trim().toLowerCase();
  if (!charset.types.includes("*") && !charset.types.includes(bare)) return;
  if (/;\s*charset=/i.test(type) && !charset.override) return;
  const name = request.render(charset.charset);
  if (name === "" || name === "off") return;
  header.set("Content-Type", withCharset(type.replace(/;\s*charset=[^;]*/i, ""), name));
}

function cutRanges(request: ServerRequest, header: ResponseHeader): RangePlan | null {
  if (!header.ranges) return null;
  const { head } = request.exchange;
  const plan = planRanges(
    {
      status: header.status,
      range: fieldValue(head, "range"),
      ifRange: fieldValue(head, "if-range"),
      validators: validatorsOf(header),
      contentLength: header.length < 0 ? null : header.length,
      mayCut: true,
      rangesMax: request.location.settings.response.rangesMax,
      singleOnly: header.singleRange,
      inOrderOnly: !header.seekable,
      contentType: header.get("content-type") ?? "",
    },
    nextBoundary,
  );
  switch (plan.kind) {
    case "whole":
      if (plan.acceptRanges) header.set("Accept-Ranges", "bytes");
      return null;
    case "single":
      header.status = 206;
      header.reason = "";
      header.fullLength = header.length;
      header.length = plan.lengthBytes;
      header.remove("accept-ranges");
      header.add("Content-Range", plan.contentRange);
      return plan;
    case "multipart":
      header.status = 206;
      header.reason = "";
      header.fullLength = header.length;
      header.length = plan.lengthBytes;
      header.remove("accept-ranges");
      header.set("Content-Type", plan.contentType);
      return plan;
    case "unsatisfiable":
      return plan;
  }
}

function factsOf(request: ServerRequest, header: ResponseHeader, bodiless: boolean): FilterFacts {
  const { head } = request.exchange;
  const of = (name: string): string | undefined => {
    const values = fieldValues(head, name);
    return values.length === 0 ? undefined : values.join(", ");
  };
  return {
    isSubrequest: request.parent !== null,
    httpMinor: head.minor,
    headOnly: bodiless || header.status === 204 || header.status === 304,
    acceptEncoding: of("accept-encoding"),
    via: of("via"),
    authorization: of("authorization"),
    userAgent: of("user-agent"),
    status: header.status,
    contentType: header.get("content-type"),
    contentEncoding: header.get("content-encoding"),
    contentLength: header.length < 0 ? null : header.length,
    expires: header.get("expires"),
    date: header.get("date") ?? httpDate(),
    cacheControl: header.get("cache-control"),
    lastModified: header.get("last-modified"),
    etag: header.get("etag"),
    wallNowMs: wallMs(),
  };
}

function edit(header: ResponseHeader, { remove, add, weakensEtag }: HeadEdit): void {
  for (const name of remove) header.remove(name);
  if (remove.includes("content-length")) header.length = -1;
  if (remove.includes("accept-ranges")) header.ranges = false;
  for (const { name, value } of add) header.add(name, value);
  const etag = header.get("etag");
  if (!weakensEtag || etag === undefined) return;
  const weak = weakEtag(etag);
  if (weak === null) header.remove("etag");
  else header.set("ETag", weak);
}

function addVary(header: ResponseHeader): void {
  if (!/accept-encoding/i.test(header.get("vary") ?? "")) header.add("Vary", "Accept-Encoding");
}

/** Builds the chain of a body, from its end. */
export function filterBody(
  { steps, range }: FilteredHeader,
  header: ResponseHeader,
  last: ByteSink,
): { readonly first: ByteSink; readonly pendingBytes: () => number; readonly destroy: () => void } {
  if (steps.length === 0 && range === null) return { first: last, pendingBytes: () => 0, destroy: () => {} };
  let first: ByteSink = range && !header.seekable ? rangeSink(new RangeFilter(range, header.fullLength), last) : last;
  const filters: BodyFilter[] = [];
  for (const step of steps) {
    const filter = step(first);
    filters.push(filter);
    first = filter;
  }
  return {
    first,
    pendingBytes: () => filters.reduce((sum, filter) => sum + filter.pendingBytes, 0),
    destroy: () => {
      for (const filter of filters) filter.destroy();
    },
  };
}

function rangeSink(filter: RangeFilter, next: ByteSink): ByteSink {
  return {
    write: (bytes) => {
      for (const part of filter.push(bytes)) next.write(part);
    },
    flush: () => next.flush(),
    end: () => next.end(),
  };
}
