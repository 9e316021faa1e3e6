// Which filters the body of a response goes through, and what each does to its header. Headers are decided on in the
// order gunzip, addition, sub, charset, SSI, gzip; additions and what SSI includes are put in behind SSI, since they
// have been through the filters of their own locations.

import { failureOf } from "../../failure/classify.ts";
import { AdditionFilter } from "../../filter/addition.ts";
import { type CharsetFacts, CharsetFilter, changesLength, decideCharset } from "../../filter/charset.ts";
import { readContentType, typeFits } from "../../filter/content-type.ts";
import {
  ADDITION_EDIT,
  decideAddition,
  decideGunzip,
  decideGzip,
  decideSsi,
  decideSub,
  type FilterFacts,
  GUNZIP_EDIT,
  GZIP_EDIT,
  type HeadEdit,
  ssiEdit,
  subEdit,
  weakEtag,
} from "../../filter/decisions.ts";
import type { Place } from "../../filter/filter.ts";
import { GunzipFilter } from "../../filter/gunzip.ts";
import { GzipFilter } from "../../filter/gzip.ts";
import { SsiFilter } from "../../filter/ssi.ts";
import { SubFilter } from "../../filter/sub.ts";
import { fieldValues } from "../../wire/head.ts";
import { httpDate, wallMs } from "../date.ts";
import type { Step } from "./body-chain.ts";
import { includePath, ssiHostOf, ssiSharedOf } from "./includes.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** Decides which body filters apply, from the client inwards, and edits the header for them. */
export function bodySteps(request: ServerRequest, header: ResponseHeader): Step[] {
  const steps: Step[] = [];
  const add = (step: Step | null): void => {
    if (step) steps.push(step);
  };
  add(gunzipStep(request, header));
  const addition = additionStep(request, header);
  add(subStep(request, header));
  add(charsetStep(request, header));
  add(ssiStep(request, header));
  add(addition);
  add(gzipStep(request, header));
  return steps.reverse();
}

function gunzipStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const { gunzip, gzipRules } = request.location.settings.filters;
  if (!gunzip) return null;
  const { applies, varies } = decideGunzip(gzipRules, factsOf(request, header), (agent) =>
    request.servers.matchesAny(gzipRules.disable, agent),
  );
  if (varies && gzipRules.vary) addVary(header);
  if (!applies) return null;
  edit(header, GUNZIP_EDIT);
  if (!header.fromUpstream) return (next, events) => new GunzipFilter(next, events);
  // What says that it is gzip and is none is the upstream's fault.
  const onError = ({ message }: Error): void =>
    request.exchange.fail(failureOf("response-malformed", { detail: `its gzip cannot be read: ${message}` }));
  return (next, events) => new GunzipFilter(next, { ...events, onError });
}

function additionStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const { addition } = request.location.settings.filters;
  if (!addition || !decideAddition(addition, factsOf(request, header))) return null;
  edit(header, ADDITION_EDIT);
  const rules = {
    ...addition,
    include: (uri: string, place: Place): void => includePath(request, uri, place),
  };
  return (next, events) => new AdditionFilter(rules, next, events);
}

function subStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const { sub } = request.location.settings.filters;
  if (!sub || !decideSub(sub, factsOf(request, header))) return null;
  if (!request.parent) edit(header, subEdit(sub));
  const patterns = request.servers.subPatterns(request, sub);
  return (next) => new SubFilter(patterns, sub.once, (pair) => request.render(sub.pairs[pair]!.to), next);
}

function ssiStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const { ssi } = request.location.settings.filters;
  if (!ssi || !decideSsi(ssi, factsOf(request, header))) return null;
  if (!request.parent) edit(header, ssiEdit(ssi));
  return (next, events) => new SsiFilter(ssi, ssiHostOf(request), ssiSharedOf(request), next, events);
}

function gzipStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const { gzip } = request.location.settings.filters;
  if (!gzip) return null;
  const { applies, varies } = decideGzip(gzip, factsOf(request, header), (agent) =>
    request.servers.matchesAny(gzip.disable, agent),
  );
  if (varies && gzip.vary) addVary(header);
  if (!applies) return null;
  edit(header, GZIP_EDIT);
  return (next, events) => {
    const filter = new GzipFilter(gzip.level, next, events);
    request.gzipRatio = () => filter.ratio;
    return filter;
  };
}

function charsetStep(request: ServerRequest, header: ResponseHeader): Step | null {
  const contentType = header.get("content-type");
  if (contentType === undefined || header.status === 304) return null;
  const facts = charsetFacts(request, header, contentType);
  if (facts === null) return null;
  const decided = decideCharset(facts, request.servers.charsets);
  if (decided.problem !== null) request.log("error", decided.problem);
  if (decided.contentType !== null) header.set("Content-Type", decided.contentType);
  const { recoder } = decided;
  if (!recoder) return null;
  if (changesLength(recoder) && !request.parent) header.length = -1;
  return (next) => new CharsetFilter(recoder, next);
}

/** A part of a document takes the charset of the whole; null = nothing is said of charsets. */
function charsetFacts(request: ServerRequest, header: ResponseHeader, contentType: string): CharsetFacts | null {
  const { charset } = request.location.settings.filters;
  const { accelCharset, parent } = request;
  const source = (): string => (charset ? request.render(charset.source) : "");
  const about = { status: header.status, contentType, contentEncoding: header.get("content-encoding") };
  if (parent) {
    const whole = request.main.output.header?.get("content-type");
    const wanted = whole === undefined ? "" : readContentType(whole).charset;
    if (wanted === "") return null;
    const always = { typeFits: true, override: true, accelCharset: undefined };
    return { ...about, ...always, charset: wanted, source: source() };
  }
  if (!charset) return accelCharset ? { ...about, ...NO_CHARSET, accelCharset } : null;
  return {
    ...about,
    typeFits: typeFits(charset.types, contentType),
    accelCharset,
    charset: request.render(charset.charset),
    source: source(),
    override: charset.override,
  };
}

const NO_CHARSET = { typeFits: false, charset: "", source: "", override: false };

function factsOf(request: ServerRequest, header: ResponseHeader): FilterFacts {
  const { head } = request.exchange;
  const of = (name: string): string | undefined => {
    const values = fieldValues(head, name);
    return values.length === 0 ? undefined : values.join(", ");
  };
  return {
    isSubrequest: request.parent !== null,
    httpMinor: head.minor,
    // A HEAD is answered as the GET would be.
    headOnly: header.status === 204 || header.status === 304,
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
