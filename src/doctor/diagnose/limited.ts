// Rate limits that doctor itself met: its requests come faster than a visitor's, and a site that refuses some of them
// is well as long as it answered before. What counts as refused: status 429; a 503 that nginx gives by itself, which for
// trouble behind it gives 502 and 504; a 503 that says when to come again. 429 speaks for itself; a 503 may also be one
// bad machine of several, so that a log must tell of the limit, or the refused ones must have come faster than the others.
import { CAUSES } from "../../failure/causes.ts";
import type { HttpTry } from "../evidence.ts";

const TOO_MANY = CAUSES["rate-limited"].status;
const UNAVAILABLE = CAUSES["no-healthy-upstream"].status;
/** Fewer show no pattern. */
const PATTERN_MIN = 2;
/** Those that were answered came at least so many times slower than those that were refused. */
const FASTER = 3;
const LEAST_GAP_MS = 50;

/** Requests that were refused because doctor sent others just before. `told` = a log says so. */
export function refusedByLimit(http: readonly HttpTry[], told: boolean): ReadonlySet<HttpTry> {
  const sent = http.filter(({ requestId }) => requestId !== "").toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  const first = sent.find(({ status }) => status !== null);
  if (!first || !isAnswered(first)) return new Set();
  const answered = sent.filter(isAnswered);
  const served = (each: HttpTry): boolean =>
    answered.some((other) => other.address === each.address && other.startedAtMs <= each.startedAtMs);
  const sure = sent.filter((each) => each.status === TOO_MANY && served(each));
  const unsure = sent.filter((each) => isUnavailable(each) && served(each));
  return new Set([...sure, ...(told || comeFaster(unsure, sent) ? unsure : [])]);
}

const isAnswered = ({ status, failure }: HttpTry): boolean =>
  status !== null && failure === null && status < 500 && status !== TOO_MANY;

function isUnavailable({ status, page, fields }: HttpTry): boolean {
  if (status !== UNAVAILABLE || page?.cause || page?.stated) return false;
  const again = fields.some(([name]) => name.toLowerCase() === "retry-after");
  return again || (page?.madeBy === "nginx" && page.ownError);
}

/** Whether requests were refused where they followed others closely, and answered where they did not. */
function comeFaster(refused: readonly HttpTry[], sent: readonly HttpTry[]): boolean {
  if (refused.length < PATTERN_MIN) return false;
  const gaps = sent.slice(1).map((each, index) => ({ each, gapMs: each.startedAtMs - sent[index]!.startedAtMs }));
  const of = (wanted: boolean): number[] =>
    gaps.filter(({ each }) => refused.includes(each) === wanted).map(({ gapMs }) => gapMs);
  const answeredMs = median(of(false));
  return answeredMs >= LEAST_GAP_MS && answeredMs >= FASTER * median(of(true));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
