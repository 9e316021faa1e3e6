// From what was seen of one target to how it stands: good, bad, or sometimes bad, and by which symptom. A status is
// judged by who made it: a page of a gateway tells of something behind it, an answer of the application is its own.

import type { CauseId } from "../../failure/causes.ts";
import { sentence } from "../../failure/describe.ts";
import type { Failure } from "../../failure/failure.ts";
import { span } from "../../failure/words.ts";
import type { HttpTry, TargetEvidence, TlsTry } from "../evidence.ts";
import { SOFTWARE } from "../software.ts";
import { refusedByLimit } from "./limited.ts";
import type { Certainty, FaultClass } from "./model.ts";

/** Something that is wrong at a target, as it shows there. */
export interface Symptom {
  readonly class: FaultClass;
  readonly certainty: Certainty;
  /** here = this target or the way to it; behind = it is a gateway, and tells of what it met. */
  readonly where: "here" | "behind";
  readonly failure: Failure | null;
  readonly response: HttpTry | null;
  /** In words, as a reason. */
  readonly text: string;
  readonly address: string | null;
}

export interface TargetState {
  readonly seen: TargetEvidence;
  readonly condition: "good" | "bad" | "sometimes" | "untested";
  /** What dominates; null where good or untested. */
  readonly symptom: Symptom | null;
  /** Of the requests that are alike (baseline, repeats), how many failed. */
  readonly bad: number;
  readonly of: number;
  /** What only a variant shows: HTTP/2, compression, an upgrade, a connection after a pause, the certificate. */
  readonly besides: readonly Symptom[];
  /** The answer that stands for the target. */
  readonly response: HttpTry | null;
  /** Requests that a rate limit refused because doctor sent others just before; they say nothing of the target. */
  readonly limited: readonly HttpTry[];
  /** Nothing but HTTP/2 is answered. */
  readonly onlyHttp2: boolean;
}

const ALIKE: readonly HttpTry["what"][] = ["baseline", "reused", "fresh"];

/** What else tells of a target. */
export interface Told {
  /** A configuration says that it is a gateway itself. */
  readonly leadsOn?: boolean;
  /** A log says that requests of doctor met a rate limit. */
  readonly limiting?: boolean;
}

/** How a target stands. */
export function stateOf(all: TargetEvidence, { leadsOn = false, limiting = false }: Told = {}): TargetState {
  const { target } = all;
  const refused = refusedByLimit(all.http, limiting);
  const seen = refused.size === 0 ? all : { ...all, http: all.http.filter((each) => !refused.has(each)) };
  const role = target.role === "endpoint" && !leadsOn ? "member" : target.role === "origin" ? "origin" : "gateway";
  const onlyHttp2 = target.role === "url" && target.scheme === "https" && answersHttp2Only(seen);
  const state = stateByItself(onlyHttp2 ? asHttp2(seen) : seen, role);
  const symptom = state.symptom && otherProtocol(seen, state.symptom);
  return { ...state, seen: all, symptom, limited: [...refused], onlyHttp2 };
}

type Judged = Omit<TargetState, "limited" | "onlyHttp2">;

/** no_application_protocol (RFC 7301 §3.2): the server speaks none of the protocols that were offered. */
const NO_PROTOCOL_ALERT = 120;

/** Browsers speak HTTP/2: who asks for HTTP/1.1 alone is refused, and visitors are not. */
function answersHttp2Only({ http }: TargetEvidence): boolean {
  const others = http.filter(({ protocol }) => protocol === "http/1.1");
  return (
    http.some(({ what, status }) => what === "h2" && status !== null) &&
    others.every(({ failure }) => failure?.evidence.tlsAlert === NO_PROTOCOL_ALERT)
  );
}

/** The requests over HTTP/2 stand for all. */
function asHttp2(seen: TargetEvidence): TargetEvidence {
  const http = seen.http.filter(({ what }) => what === "h2").map((each) => ({ ...each, what: "baseline" as const }));
  return { ...seen, http };
}

/** What a target is to whoever asks it: a member's answer is its own, a gateway's error is about what is behind it. */
type Role = "gateway" | "origin" | "member";

function stateByItself(seen: TargetEvidence, role: Role): Judged {
  const passedOver = addressesWithoutMeaning(seen);
  const tries = seen.http.filter(({ what, address }) => ALIKE.includes(what) && !passedOver.has(address));
  const slowestMs = Math.max(0, ...tries.map(({ timings: { headMs } }) => headMs ?? 0));
  const symptoms = tries.map((each) => symptomOf(each, role, slowestMs));
  const bad = symptoms.filter((each) => each !== null);
  const lower = lowerSymptoms(seen, passedOver);
  const besides = besidesOf(seen, tries, symptoms);
  const of = tries.length;
  if (of === 0) {
    const symptom = lower[0] ?? besides[0] ?? null;
    const condition = symptom ? "bad" : "untested";
    return { seen, condition, symptom, bad: symptom ? 1 : 0, of: symptom ? 1 : 0, besides, response: null };
  }
  const response =
    tries.find((_, index) => symptoms[index] !== null) ?? tries.find(({ status }) => status !== null) ?? null;
  if (seen.redirects?.loop) return loopState(seen, response, besides);
  if (bad.length === 0) {
    // Every request that could be sent was answered; an address that takes none is bad for those who are sent to it.
    const symptom = lower[0] ?? null;
    const total = seen.tcp.length;
    if (symptom)
      return {
        seen,
        condition: "sometimes",
        symptom,
        bad: lower.length,
        of: Math.max(total, lower.length),
        besides,
        response,
      };
    return { seen, condition: "good", symptom: null, bad: 0, of, besides, response };
  }
  const condition = bad.length + lower.length >= of + lower.length ? "bad" : "sometimes";
  return { seen, condition, symptom: dominant(bad), bad: bad.length, of, besides, response };
}

function loopState(seen: TargetEvidence, response: HttpTry | null, besides: readonly Symptom[]): Judged {
  const urls = seen.redirects?.urls ?? [];
  const symptom: Symptom = {
    class: "redirect-loop",
    certainty: "proven",
    where: "here",
    failure: null,
    response,
    text: `its redirects go round: ${urls.slice(0, 4).join(" → ")}${urls.length > 4 ? " → …" : ""}`,
    address: response?.address ?? null,
  };
  return { seen, condition: "bad", symptom, bad: 1, of: 1, besides, response };
}

/** The most frequent; of equals the more certain. */
function dominant(symptoms: readonly Symptom[]): Symptom {
  const count = (of: Symptom): number => symptoms.filter((each) => each.class === of.class).length;
  return [...symptoms].sort((a, b) => count(b) - count(a) || RANK[b.certainty] - RANK[a.certainty])[0]!;
}

/** For sorting: the more certain is the larger. */
export const RANK: Readonly<Record<Certainty, number>> = { proven: 3, likely: 2, possible: 1 };

// ── One response ────────────────────────────────────────────────────────────────────────────────────────────────

/** What is wrong with one request; null = it was answered, and not with an error of a server or a refusal of a gateway. */
export function symptomOf(
  tried: HttpTry,
  role: Role = "gateway",
  slowestMs = tried.timings.headMs ?? 0,
): Symptom | null {
  const { failure, status, page, address } = tried;
  if (failure) {
    const text = sentence(failure, { showDetail: true, endpoint: address, method: tried.method });
    return {
      class: failure.cause,
      certainty: certaintyOf(failure),
      where: "here",
      failure,
      response: tried,
      text,
      address,
    };
  }
  if (status === null) return null;
  const maker = page?.madeBy ? SOFTWARE[page.madeBy].name : "a gateway";
  const make = (of: FaultClass, certainty: Certainty, where: Symptom["where"], text: string): Symptom => ({
    class: of,
    certainty,
    where,
    failure: null,
    response: tried,
    text,
    address,
  });
  const took = tried.timings.headMs === null ? "" : ` after ${span(tried.timings.headMs)}`;
  const answered = `status ${status}${took}${comeAgain(tried)}`;
  if (status >= 500) {
    if (page?.cause && page.cause !== "upstream-error-passthrough")
      return make(
        page.cause,
        page.certainty,
        "behind",
        `${answered}, and ${maker} says why: ${page.reasons[0] ?? "its page"}`,
      );
    const stated = page?.stated ? likeliest(page.stated.causes, slowestMs) : undefined;
    if (page?.stated && stated && stated !== "upstream-error-passthrough") {
      const { certainty, text } = page.stated;
      const less = RANK[certainty] < RANK[page.certainty] ? certainty : page.certainty;
      return make(stated, less, "behind", `${answered}, and ${maker} says: ${text}`);
    }
    if (isOwnAnswer(tried, role))
      return make("upstream-error-passthrough", "proven", "here", `${answered}, from the server itself`);
    if (page?.ownError)
      return make("status-only-502", page.certainty, "behind", `${answered}, a page of ${maker} itself`);
    if (isGatewayStatus(status) && page?.madeBy == null)
      return make(
        "status-only-502",
        "possible",
        "behind",
        `${answered}, which gateways answer and applications seldom do`,
      );
    return make("upstream-error-passthrough", "likely", "here", `${answered}, an answer of the application`);
  }
  if (status === 400 && page?.ownError)
    return make(
      page.cause ?? "client-request-invalid",
      page.cause ? page.certainty : "likely",
      "here",
      `${answered}: ${maker} refuses a plain GET (${page.reasons[0] ?? ""})`,
    );
  if (status === 429) return make("rate-limited", page?.ownError ? "proven" : "likely", "here", answered);
  if (status === 403 && (page?.ownError || page?.cause === "request-denied"))
    return make("request-denied", page.certainty, "here", `${answered}, a page of ${maker} itself`);
  if (status === 403)
    return make(
      "request-denied",
      "possible",
      "here",
      `${answered}, by a rule of the application or of something before it`,
    );
  if (page?.cause && (page.ownError || page.certainty === "proven"))
    return make(page.cause, page.certainty, "here", `${answered}: ${page.reasons[0] ?? "its page says so"}`);
  return null;
}

/** A server that says when to come again announces that it is down, or too busy, for a while. */
function comeAgain({ status, fields }: HttpTry): string {
  const value = fields.find(([name]) => name.toLowerCase() === "retry-after")?.[1].trim();
  if (status === null || status < 400 || value === undefined || value === "") return "";
  return ` with Retry-After: ${value.slice(0, 40)}${/^\d+$/.test(value) ? " s" : ""}, as for maintenance or overload`;
}

/** Where our own patience ran out, who is that slow may still answer. */
const certaintyOf = ({ cause, evidence: { deadline } }: Failure): Certainty =>
  cause === "response-timeout" || cause === "response-body-timeout" || deadline === "tls" ? "likely" : "proven";

/**
 * Of what a page's words fit, what fits the time that it took, too: nobody refuses a connection slowly. One slow answer
 * tells, since a gateway that has met a failure may give the next ones at once.
 */
function likeliest(causes: readonly CauseId[], slowestMs: number): CauseId | undefined {
  const slow = slowestMs >= SLOW_MS;
  return causes.find((cause) => slow === /timeout$/.test(cause)) ?? causes[0];
}

/** Longer than any refusal, shorter than timers are set to. */
const SLOW_MS = 900;

/** A member that is asked directly answers for itself; an origin does unless its page is a gateway's. */
function isOwnAnswer({ page }: HttpTry, role: Role): boolean {
  return role === "member" || (role === "origin" && !page?.ownError);
}

/** 502, 503, 504 and what CDNs made besides. */
const isGatewayStatus = (status: number): boolean =>
  (status >= 502 && status <= 504) || (status >= 520 && status <= 530);

/** Where the port speaks TLS and is asked in plain HTTP, or the reverse, that is why. */
function otherProtocol({ target, tls }: TargetEvidence, symptom: Symptom): Symptom {
  if (symptom.where === "behind") return symptom;
  if (symptom.class === "tls-plaintext-mismatch") return neither(symptom, tls);
  if (symptom.class === "tls-handshake-failed") return withContrast(symptom, tls);
  const wanted = target.scheme === "https" ? "http" : "tls";
  // A server that sends alerts speaks TLS, and one on a TLS port may answer plain HTTP with what is wrong about it.
  const speaksTls = target.scheme === "https" && symptom.failure?.evidence.tlsAlert !== undefined;
  const answers = tls.some(({ otherWay }) => otherWay?.answered === wanted && otherWay.status !== 400);
  if (symptom.failure === null || speaksTls || !answers) return symptom;
  const text =
    wanted === "tls"
      ? "it is asked in plain HTTP, and answers to TLS"
      : "it is asked in TLS, and answers to plain HTTP";
  return { ...symptom, class: "tls-plaintext-mismatch", certainty: "proven", text: `${text} (${symptom.text})` };
}

const WORKING: Partial<Record<TlsTry["what"], string>> = {
  "no-name": "without a server name (SNI)",
  "other-name": "with another server name (SNI)",
  "tls1.2": "with TLS 1.2 alone",
  "tls1.3": "with TLS 1.3 alone",
};

/** Which handshakes succeed says what the one that was asked fails for. */
function withContrast(symptom: Symptom, tls: TargetEvidence["tls"]): Symptom {
  const tries = tls.flatMap(({ address, tries: all }) => (address === symptom.address ? all : []));
  if (!tries.some(({ what, failure }) => what === "as-asked" && failure)) return symptom;
  const works = tries.flatMap(({ what, failure }) => (failure === null ? (WORKING[what] ?? []) : []));
  return works.length === 0 ? symptom : { ...symptom, text: `${symptom.text} It succeeds ${works.join(", and ")}.` };
}

/** A port that answers neither TLS nor HTTP speaks something else: SSH, a database, mail. */
function neither(symptom: Symptom, tls: TargetEvidence["tls"]): Symptom {
  if (!tls.some(({ otherWay }) => otherWay?.asked === "plain-http" && otherWay.answered === "other")) return symptom;
  return { ...symptom, class: "protocol-mismatch", text: `${symptom.text} Nor does it answer in HTTP.` };
}

// ── Below HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What failed before a request could be sent: name, connections, handshakes. Of addresses of which others work, too. */
function lowerSymptoms(seen: TargetEvidence, passedOver: ReadonlySet<string>): Symptom[] {
  const dns = seen.dns?.system.failure ?? null;
  const resolved = (seen.dns?.system.addresses.length ?? 0) > 0 || seen.tcp.length > 0;
  if (dns && !resolved) return [of(dns, seen.target.spot.kind === "tcp" ? seen.target.spot.host : null)];
  const symptoms: Symptom[] = [];
  for (const { address, tries } of seen.tcp) {
    const failure = tries.at(-1)?.failure;
    const asked = passedOver.has(address) || seen.http.some((each) => each.address === address);
    if (failure && !asked && tries.every((each) => each.failure)) symptoms.push(of(failure, address));
  }
  if (seen.http.length > 0) return symptoms;
  for (const { address, tries } of seen.tls) {
    const failure = tries.find(({ what }) => what === "as-asked")?.failure;
    if (failure) symptoms.push(of(failure, address));
  }
  return symptoms;
}

/**
 * Addresses that are closed and say nothing of the site, where others are open: a machine without IPv6 reaches none
 * of its addresses, and localhost is ::1 to everybody, whether or not it is served there.
 */
function addressesWithoutMeaning({ tcp, target: { spot } }: TargetEvidence): ReadonlySet<string> {
  const isOpen = ({ tries }: TargetEvidence["tcp"][number]): boolean => tries.some(({ failure }) => failure === null);
  const closed = tcp.filter((each) => each.tries.length > 0 && !isOpen(each));
  if (closed.length === tcp.length) return new Set();
  const localhost = spot.kind === "tcp" && spot.host.toLowerCase() === "localhost";
  const isMeaningless = ({ family, tries }: TargetEvidence["tcp"][number]): boolean =>
    localhost || (family === 6 && tries.at(-1)?.failure?.cause === "network-unreachable");
  return new Set(closed.filter(isMeaningless).map(({ address }) => address));
}

function of(failure: Failure, address: string | null): Symptom {
  const text = sentence(failure, address === null ? { showDetail: true } : { showDetail: true, endpoint: address });
  return {
    class: failure.cause,
    certainty: certaintyOf(failure),
    where: "here",
    failure,
    response: null,
    text,
    address,
  };
}

// ── What only a variant shows ───────────────────────────────────────────────────────────────────────────────────

function besidesOf(seen: TargetEvidence, tries: readonly HttpTry[], judged: readonly (Symptom | null)[]): Symptom[] {
  const found: Symptom[] = [];
  if (seen.target.verify) {
    const untrusted = seen.tls.flatMap(({ address, tries: all }) =>
      all
        .filter(({ what, untrusted: why }) => what === "as-asked" && why)
        .map(({ untrusted: why }) => of(why!, address)),
    );
    if (untrusted[0]) found.push(untrusted[0]);
  }
  const unknownHere = otherNames(seen);
  if (unknownHere) found.push(unknownHere);
  const freshWorks = tries.some(({ reused }, index) => !reused && judged[index] === null);
  if (!freshWorks) return found;
  for (const each of seen.http) {
    const symptom = symptomOf(each);
    if (each.what === "reused-after-gap" && symptom?.failure && diedUnanswered(symptom.failure))
      found.push(race(symptom, each));
    else if (each.what === "h2" && symptom) found.push({ ...symptom, text: `over HTTP/2 only: ${symptom.text}` });
    else if (each.what === "redirect" && symptom && each === lastRedirect(seen))
      found.push({ ...symptom, text: `where it redirects to (${each.url}): ${symptom.text}` });
    else if (each.what === "encoded" && symptom)
      found.push({ ...symptom, text: `with compression only: ${symptom.text}` });
    else if (each.what === "upgrade" && each.status !== 101) found.push(upgradeRefused(each, symptom));
  }
  const reused = seen.http.filter(({ what, reused: is }) => what === "reused" && is);
  const died = reused.map((each) => symptomOf(each)).filter((each) => each?.failure && diedUnanswered(each.failure));
  if (
    reused.length > 0 &&
    died.length === reused.length &&
    died[0] &&
    tries.every((each, index) => each.reused || judged[index] === null)
  )
    found.push(race(died[0], reused[0]!));
  return found;
}

/** The machine's own resolver fails, and another one knows the name. */
function otherNames({ dns }: TargetEvidence): Symptom | null {
  const failure = dns?.system.failure;
  if (!dns || !failure) return null;
  const knows = dns.servers.find(({ answers }) =>
    answers.some(({ records, type }) => type !== "CNAME" && records.length > 0),
  );
  if (!knows) return null;
  const symptom = of(failure, dns.name);
  return {
    ...symptom,
    certainty: "likely",
    text: `${symptom.text} ${knows.server} knows the name: this machine asks another resolver, or has an old answer.`,
  };
}

const lastRedirect = ({ http }: TargetEvidence): HttpTry | undefined =>
  http.findLast(({ what }) => what === "redirect");

const diedUnanswered = ({ cause }: Failure): boolean =>
  cause === "closed-before-response" || cause === "keepalive-race" || cause === "upstream-write-failed";

function race(symptom: Symptom, tried: HttpTry): Symptom {
  const idle = tried.idleMs === null ? "" : ` after ${span(tried.idleMs)} without a request`;
  const text = `requests on new connections are answered, the one on a kept connection${idle} was not: ${symptom.text}`;
  return { ...symptom, class: "keepalive-race", text };
}

function upgradeRefused(tried: HttpTry, symptom: Symptom | null): Symptom {
  const text = symptom?.failure
    ? symptom.text
    : `a WebSocket handshake is answered with status ${tried.status ?? "none"} instead of 101`;
  return {
    class: "upgrade-failed",
    certainty: "proven",
    where: "here",
    failure: symptom?.failure ?? null,
    response: tried,
    text,
    address: tried.address,
  };
}
