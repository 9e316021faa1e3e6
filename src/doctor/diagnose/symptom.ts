// One response, or how a request failed, as a symptom. A status is judged by who made it: a page of a gateway tells of
// something behind it, an answer of the application is its own.
import { CAUSES, type CauseId } from "../../failure/causes.ts";
import { sentence } from "../../failure/describe.ts";
import type { Failure } from "../../failure/failure.ts";
import { span } from "../../failure/words.ts";
import type { HttpTry } from "../evidence.ts";
import type { PageMaker, StatedCause } from "../page/model.ts";
import { SOFTWARE, type SoftwareId } from "../software.ts";
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

/** What a target is to whoever asks it: a member's answer is its own, a gateway's error is about what is behind it. */
export type Role = "gateway" | "origin" | "member";

/** For sorting: the more certain is the larger. */
export const RANK: Readonly<Record<Certainty, number>> = { proven: 3, likely: 2, possible: 1 };

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
        sureOf(page),
        "behind",
        `${answered}, and ${maker} says why: ${page.reasons[0] ?? "its page"}`,
      );
    const stated = page?.stated ? likeliest(page.stated.causes, slowestMs, page.madeBy) : undefined;
    if (page?.stated && stated && says(stated, page.stated)) {
      const { certainty, text } = page.stated;
      // A hop that names itself in Proxy-Status speaks for itself, whoever made the page.
      const less = page.stated.hop === null && RANK[page.certainty] < RANK[certainty] ? page.certainty : certainty;
      return make(stated, less, "behind", `${answered}, and ${maker} says: ${text}`);
    }
    if (isOwnAnswer(tried, role))
      return make("upstream-error-passthrough", "proven", "here", `${answered}, from the server itself`);
    if (page?.ownError) {
      const why = isUnavailableOfNginx(tried) ? `, ${NGINX_503}` : "";
      return make("status-only-502", page.certainty, "behind", `${answered}, a page of ${maker} itself${why}`);
    }
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

/** Whether words name a cause: those that fit the gateway itself among others are only its status in other words. */
function says(cause: CauseId, { certainty }: StatedCause): boolean {
  if (cause === "upstream-error-passthrough") return false;
  return certainty !== "possible" || CAUSES[cause].phase !== "gateway";
}

/**
 * Of what a page's words fit, what fits the time that it took, too: nobody refuses a connection slowly. One slow answer
 * tells, since a gateway that has met a failure may give the next ones at once.
 */
function likeliest(causes: readonly CauseId[], slowestMs: number, maker: SoftwareId | null): CauseId | undefined {
  const slow = slowestMs >= (maker === "haproxy" ? SLOW_OF_HAPROXY_MS : SLOW_MS);
  return causes.find((cause) => slow === /timeout$/.test(cause)) ?? causes[0];
}

/** Longer than any refusal, shorter than timers are set to. */
const SLOW_MS = 900;
/** HAProxy rests a second before each of its three retries (its manual, "retries"): refused is slow there. */
const SLOW_OF_HAPROXY_MS = 3_500;

/** A standard field tells of its cause whoever set it: who that is need not be known to believe it in part. */
const sureOf = ({ madeBy, certainty, stated }: PageMaker): Certainty =>
  madeBy === null && certainty === "possible" && stated?.certainty === "proven" ? "likely" : certainty;

const NGINX_503 =
  "which it gives for its limits (limit_req, limit_conn) and where a rule says so (return 503; ingress-nginx: a Service without endpoints), not where a connection fails";

/** nginx answers with this for reasons of its own: failures behind it are 502 and 504. */
const isUnavailableOfNginx = ({ status, page }: HttpTry): boolean =>
  status === CAUSES["no-healthy-upstream"].status && page?.madeBy === "nginx" && page.ownError;

/** What some requests are refused with and others are not: of nginx's reasons, its limits come and go. */
export function asLimit(symptom: Symptom): Symptom {
  const { response, class: of } = symptom;
  if (of !== "status-only-502" || !response || !isUnavailableOfNginx(response)) return symptom;
  return { ...symptom, class: "rate-limited", certainty: "possible", where: "here" };
}

/**
 * Who is asked directly answers for itself, unless its page is a gateway's: an origin may be one, and so may a member of
 * which no configuration tells, where it answers what gateways answer for others.
 */
function isOwnAnswer({ page, status }: HttpTry, role: Role): boolean {
  if (role === "gateway" || !page?.ownError) return role !== "gateway";
  const gateway = page.madeBy !== null && SOFTWARE[page.madeBy].kind === "gateway";
  return role === "member" && !(gateway && isGatewayStatus(status ?? 0));
}

/** 502, 503, 504 and what CDNs made besides. */
const isGatewayStatus = (status: number): boolean =>
  (status >= 502 && status <= 504) || (status >= 520 && status <= 530);

/** A failure as it shows at an address. */
export function symptomOfFailure(failure: Failure, address: string | null): Symptom {
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
