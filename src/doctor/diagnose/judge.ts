// From what was seen of one target to how it stands: good, bad, or sometimes bad, and by which symptom. A status is
// judged by who made it: a page of a gateway tells of something behind it, an answer of the application is its own.

import type { HttpTry, TargetEvidence } from "../evidence.ts";
import { besidesOf } from "./besides.ts";
import { refusedByLimit } from "./limited.ts";
import { otherProtocol } from "./protocols.ts";
import { asLimit, RANK, type Role, type Symptom, symptomOf, symptomOfFailure } from "./symptom.ts";

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
  /** Of requests that failed sometimes: all failures came first, or last. */
  readonly turn: "recovered" | "broke" | null;
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
  return { turn: null, ...state, seen: all, symptom, limited: [...refused], onlyHttp2 };
}

type Judged = Omit<TargetState, "limited" | "onlyHttp2" | "turn"> & Partial<Pick<TargetState, "turn">>;

/** no_application_protocol (RFC 7301 §3.2): the server speaks none of the protocols that were offered. */
const NO_PROTOCOL_ALERT = 120;

/** Browsers speak HTTP/2: who asks for HTTP/1.1 alone is refused, and visitors are not. */
function answersHttp2Only({ http, tls }: TargetEvidence): boolean {
  const others = http.filter(({ protocol }) => protocol === "http/1.1");
  const tries = tls.flatMap(({ tries: all }) => all);
  return (
    others.length > 0 &&
    tries.some(({ what, alpn, failure }) => what === "as-asked" && alpn === "h2" && failure === null) &&
    others.every(({ failure }) => failure?.evidence.tlsAlert === NO_PROTOCOL_ALERT)
  );
}

/** The requests over HTTP/2 stand for all. */
function asHttp2(seen: TargetEvidence): TargetEvidence {
  const http = seen.http.filter(({ what }) => what === "h2").map((each) => ({ ...each, what: "baseline" as const }));
  return { ...seen, http };
}

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
  const most = dominant(bad);
  return {
    seen,
    condition,
    symptom: condition === "sometimes" ? onKept(asLimit(most), tries, symptoms) : most,
    turn: condition === "sometimes" ? turnOf(symptoms) : null,
    bad: bad.length,
    of,
    besides,
    response,
  };
}

/** Where it is the kept connections that fail, and only they, that is said. */
function onKept(symptom: Symptom, tries: readonly HttpTry[], symptoms: readonly (Symptom | null)[]): Symptom {
  if (!tries.every(({ reused }, index) => reused === (symptoms[index] !== null))) return symptom;
  const text = `requests on new connections are answered, those on a kept connection are not: ${symptom.text}`;
  return { ...symptom, text };
}

/** Fewer on either side may be chance. */
const TURN_MIN = 2;

/** Whether the target went from failing to answering while it was asked, or the other way. */
function turnOf(symptoms: readonly (Symptom | null)[]): TargetState["turn"] {
  const bad = symptoms.map((each) => each !== null);
  const count = bad.filter((is) => is).length;
  if (count < TURN_MIN || bad.length - count < TURN_MIN) return null;
  if (bad.slice(0, count).every((is) => is)) return "recovered";
  return bad.slice(-count).every((is) => is) ? "broke" : null;
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

// ── Below HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What failed before a request could be sent: name, connections, handshakes. Of addresses of which others work, too. */
function lowerSymptoms(seen: TargetEvidence, passedOver: ReadonlySet<string>): Symptom[] {
  const dns = seen.dns?.system.failure ?? null;
  const resolved = (seen.dns?.system.addresses.length ?? 0) > 0 || seen.tcp.length > 0;
  if (dns && !resolved) return [symptomOfFailure(dns, seen.target.spot.kind === "tcp" ? seen.target.spot.host : null)];
  const symptoms: Symptom[] = [];
  for (const { address, tries } of seen.tcp) {
    const failure = tries.at(-1)?.failure;
    const asked = passedOver.has(address) || seen.http.some((each) => each.address === address);
    if (failure && !asked && tries.every((each) => each.failure)) symptoms.push(symptomOfFailure(failure, address));
  }
  if (seen.http.length > 0) return symptoms;
  for (const { address, tries } of seen.tls) {
    const failure = tries.find(({ what }) => what === "as-asked")?.failure;
    if (failure) symptoms.push(symptomOfFailure(failure, address));
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
