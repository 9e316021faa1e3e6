// What the filters of a response do to its header. Order, from the content to the client: conditions, add_header and
// expires, those that change the body (body-steps.ts), ranges.
import { expiresFields } from "../../content/expires.ts";
import { decideConditional, NOT_MODIFIED_OMITS, type Validators } from "../../content/not-modified.ts";
import { boundaries, planRanges, type RangePlan } from "../../content/ranges.ts";
import { fieldValue } from "../../wire/head.ts";
import { parseHttpDate } from "../../wire/http-date.ts";
import { wallMs } from "../date.ts";
import type { Step } from "./body-chain.ts";
import { bodySteps } from "./body-steps.ts";
import { addVisitorCookie } from "./features.ts";
import type { ServerRequest } from "./request.ts";
import { isPlainStatus, type ResponseHeader } from "./response-header.ts";

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

/** What header filters do to a response. */
export function filterHeader(request: ServerRequest, header: ResponseHeader): FilteredHeader {
  const { settings } = request.location;
  const validators = validatorsOf(header);
  // What is made here is looked at in any case, an upstream's where it was not asked with the client's conditions.
  if ((header.conditional || !header.fromUpstream) && request.parent === null) {
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
  const types = addFields(request, header, validators);
  const steps = bodySteps(request, header);
  const range = request.parent === null && header.status === 200 ? cutRanges(request, header) : null;
  for (const type of types) if (type !== "") header.add("Content-Type", type);
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

/** expires and add_header. Returns values of Content-Type, which the filters of the body do not go by. */
function addFields(request: ServerRequest, header: ResponseHeader, { lastModifiedSeconds }: Validators): string[] {
  const { location } = request;
  const types: string[] = [];
  if (request.parent) return types;
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
    } else if (lowerName === "content-type") types.push(rendered);
    else if (rendered !== "") header.add(name, rendered);
  }
  addVisitorCookie(request, header);
  return types;
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
      header.set("Content-Range", plan.contentRange);
      return plan;
    case "multipart":
      header.status = 206;
      header.reason = "";
      header.fullLength = header.length;
      header.length = plan.lengthBytes;
      header.remove("accept-ranges");
      header.remove("content-range");
      header.set("Content-Type", plan.contentType);
      return plan;
    case "unsatisfiable":
      return plan;
  }
}
