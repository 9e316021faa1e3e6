// A case in words: one sentence that a person reads first, why, since when, how often, and what to do about it.
import { settles as settlesOf } from "../../explain/next-step.ts";
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Evidence, TargetEvidence } from "../evidence.ts";
import { spotText } from "../options.ts";
import { SOFTWARE } from "../software.ts";
import { isBehind } from "./clue.ts";
import type { Case } from "./decide.ts";
import { fixesOf } from "./fixes.ts";
import type { TargetState } from "./judge.ts";
import type { Certainty, FaultClass, NextCheck, Verdict } from "./model.ts";
import { type Setting, stepFor } from "./setting.ts";

/** The verdict of a case. */
export function verdictOf(found: Case, setting: Setting, certainty: Certainty = found.certainty): Verdict {
  const { evidence } = setting;
  const hopName = nameOfHop(found, setting);
  return {
    class: found.class,
    certainty,
    hop: found.hop,
    hopName,
    address: found.address,
    headline: isPast(found) ? past(found, hopName, setting) : headline(found, hopName, setting),
    reasons: found.reasons,
    since: sinceOf(found, evidence),
    rate: rateOf(found, setting),
    fixes: fixesOf(found, setting),
    settles: certainty === "proven" ? null : settlesStep(found, evidence),
    entry: found.class === "unknown" || found.class === "redirect-loop" ? null : entryOf(found.class),
  };
}

const entryOf = (of: FaultClass): string | null =>
  isCauseId(of) ? `/cause/${of}` : of === "status-only-502" ? "/status/502" : null;

/** What people call the hop. */
export function nameOfHop(
  { hop, address }: Pick<Case, "hop" | "address">,
  { evidence }: Pick<Setting, "evidence">,
): string {
  if (hop === "dns") return "DNS";
  if (isBehind(hop)) {
    const from = hop.slice("behind ".length);
    const target = evidence.targets.find((each) => each.target.id === from);
    return `what is behind ${from === "url" || !target ? makerName(evidence) : targetName(target)}`;
  }
  if (hop === "url") return makerName(evidence);
  if (hop.startsWith("upstream ")) return hop.slice("upstream ".length);
  const target = evidence.targets.find((each) => each.target.id === hop);
  return target ? targetName(target) : (address ?? hop);
}

/** "app 127.0.0.1:3000", "origin 10.0.0.7:443". */
export function targetName({ target }: TargetEvidence): string {
  const address = spotText(target.spot);
  if (target.role === "endpoint")
    // A pool without a name is called by its members.
    return target.pool === null || /^[^\s/]*:\d+$/.test(target.pool.name) ? address : `${target.pool.name} ${address}`;
  return target.id;
}

function makerName({ url, targets, way }: Evidence): string {
  const seen = targets.find(({ target }) => target.role === "url");
  const maker = seen?.http.find(({ page }) => page?.madeBy)?.page?.madeBy ?? way[0]?.software ?? null;
  const host = url === null ? "" : (/^https?:\/\/([^/]+)/.exec(url)?.[1] ?? "");
  if (maker) return host === "" ? SOFTWARE[maker].name : `${SOFTWARE[maker].name} at ${host}`;
  return host === "" ? "the address" : host;
}

type Words = (who: string, address: string) => string;

const HEADLINES: Partial<Record<FaultClass, Words>> = {
  "dns-not-resolved": (who, address) =>
    `the name of ${who === "DNS" ? "the address" : who}${address} does not resolve.`,
  "dns-timeout": (who, address) => `DNS does not answer for ${who === "DNS" ? "the address" : who}${address}.`,
  "connect-refused": (who) => `nothing listens at ${who}: it refuses connections.`,
  "connect-timeout": (who) => `${who} does not take connections: they are not answered at all.`,
  "network-unreachable": (who) => `there is no route to ${who}.`,
  "connect-permission-denied": (who) => `the gateway may not open the socket of ${who}.`,
  "socket-missing": (who) => `the socket file of ${who} does not exist.`,
  "tls-cert-expired": (who) => `the certificate of ${who} has expired, or is not valid yet.`,
  "tls-cert-name-mismatch": (who) => `the certificate of ${who} is for another name.`,
  "tls-cert-untrusted": (who) => `the certificate of ${who} is not trusted.`,
  "tls-handshake-failed": (who) => `the TLS handshake with ${who} fails.`,
  "tls-plaintext-mismatch": (who) => `${who} is spoken to in TLS where it speaks plain HTTP, or the reverse.`,
  "closed-before-response": (who) => `${who} closes the connection without an answer.`,
  "keepalive-race": (who) => `${who} closes idle connections that are about to be used again.`,
  "response-timeout": (who) => `${who} does not answer in time.`,
  "response-header-too-large": (who) => `the head of the response of ${who} is larger than the gateway's buffer.`,
  "response-malformed": (who) => `${who} answers with what is not HTTP as it should be.`,
  "protocol-mismatch": (who) => `${who} speaks another protocol than it is asked in.`,
  "response-truncated": (who) => `the answer of ${who} ends early.`,
  "response-body-timeout": (who) => `the answer of ${who} stalls halfway.`,
  "response-encoding-invalid": (who) => `the compression or chunking of the answer of ${who} is broken.`,
  "upgrade-failed": (who) => `${who} does not upgrade to WebSocket.`,
  "app-crashed": (who) => `the process of ${who} dies.`,
  "oom-killed": (who) => `the process of ${who} was killed for lack of memory.`,
  "upstream-saturated": (who) => `${who} is full: connections wait to be accepted and are dropped.`,
  "upstream-error-passthrough": (who) => `the application itself answers with an error (${who}).`,
  "no-healthy-upstream": (who) => `the gateway has no member left that it may use (${who}).`,
  "proxy-loop": (who) => `requests go round: ${who} forwards them to itself.`,
  "redirect-loop": (who) => `redirects of ${who} go round.`,
  "request-denied": (who) => `${who} refuses this request by a rule.`,
  "rate-limited": (who) => `${who} limits the rate of requests.`,
  "status-only-502": (who) => `a gateway answers with an error; nothing that was looked at says why (${who}).`,
};

function headline(found: Case, who: string, setting: Setting): string {
  const { class: of, address, hop } = found;
  const words = HEADLINES[of];
  if (hop === "url" && address !== null) who = oneOfSeveral(address, who, setting);
  if (of === "tls-plaintext-mismatch") return otherLanguage(found, who, setting);
  const at = address !== null && !who.includes(address) && hop !== "url" ? ` (${address})` : "";
  const text = words
    ? words(who, "").replace(/,(?=[:.])/, "")
    : `${isCauseId(of) ? CAUSES[of].title : "It fails"}: ${who}.`;
  const full = at === "" ? text : text.replace(/\.$/, `${at}.`);
  const masked =
    setting.url?.condition === "good" &&
    hop !== "url" &&
    hop !== "dns" &&
    !isBehind(hop) &&
    isPage(setting.url) &&
    !found.reasons.some(({ source }) => source === "probe url")
      ? " Visitors are answered all the same."
      : "";
  return full.charAt(0).toUpperCase() + full.slice(1) + masked;
}

/** An address that is one of several, or another one that a redirect led to, is named instead of the hop. */
function oneOfSeveral(address: string, who: string, { url }: Setting): string {
  const all = url?.seen.tcp.map((each) => each.address) ?? [];
  if (url && !all.includes(address) && all.length > 0) return address;
  const spot = url?.seen.target.spot;
  if (url?.condition !== "sometimes" || all.length < 2 || spot?.kind !== "tcp") return who;
  return `${address}, one of the ${all.length} addresses of ${spot.host},`;
}

/** Which of the two speaks what. */
function otherLanguage({ hop }: Case, who: string, { evidence }: Setting): string {
  const target = evidence.targets.find((each) => each.target.id === hop)?.target;
  const name = who.charAt(0).toUpperCase() + who.slice(1);
  if (!target) return `${name} is spoken to in TLS where it speaks plain HTTP, or the reverse.`;
  return target.scheme === "http"
    ? `${name} speaks TLS, and is asked in plain HTTP.`
    : `${name} speaks plain HTTP, and is asked in TLS.`;
}

/** Whoever is refused, or sent to a login, has not seen what is behind. */
const isPage = ({ response }: TargetState): boolean => response?.status != null && response.status < 300;

/** Only logs tell of it. */
const isPast = ({ from }: Case): boolean => from.every((each) => each === "log");

function past({ class: of, reasons }: Case, who: string, { url }: Setting): string {
  const title = isCauseId(of) ? CAUSES[of].title : of === "status-only-502" ? "Errors without a reason" : "A failure";
  const now = url?.condition === "good" ? "It answers now. " : "";
  const where = who.startsWith("what is behind") ? "" : ` (${who})`;
  return `${now}The logs tell of a failure: ${title.charAt(0).toLowerCase()}${title.slice(1)}${where}; ${reasons[0]?.text ?? ""}.`;
}

// ── When and how often ──────────────────────────────────────────────────────────────────────────────────────────

function sinceOf(found: Case, { logs, targets, startedAtMs }: Evidence): Verdict["since"] {
  if (found.class === "tls-cert-expired") {
    const leaf = targets.find(({ target }) => target.id === found.hop)?.tls.flatMap(({ tries }) => tries)[0]?.chain[0];
    if (leaf && leaf.notAfterMs < startedAtMs) return { atMs: leaf.notAfterMs, how: "the certificate's last instant" };
  }
  if (isPast(found) && found.sinceMs !== null)
    return { atMs: found.sinceMs, how: "the first of these failures in the logs" };
  const start = startOf(
    found,
    logs.files.flatMap(({ events }) => events),
  );
  if (start !== null) return { atMs: start, how: "the first such line of the logs" };
  return found.sinceMs === null ? null : { atMs: found.sinceMs, how: "the oldest evidence of it" };
}

/** A gap without failures this long ends an outage. */
const QUIET_MS = 10 * 60_000;

/** The first failure of the run of failures that is the newest. */
function startOf(found: Case, events: Evidence["logs"]["files"][number]["events"]): number | null {
  const times = events
    .filter(({ class: of, atMs }) => of === found.class && atMs !== null)
    .map(({ atMs }) => atMs!)
    .sort((a, b) => b - a);
  let start = times[0] ?? null;
  for (const time of times) {
    if (start !== null && start - time > QUIET_MS) break;
    start = time;
  }
  return start;
}

const TURNS = {
  recovered: ", the first ones: it answers now",
  broke: ", the last ones: it failed while doctor asked",
  none: "",
} as const;

function rateOf(found: Case, { url, states }: Setting): string {
  const own = states.find(({ seen }) => seen.target.id === found.hop);
  const at = own && own.of > 0 && own.condition !== "untested" ? `${own.bad} of ${own.of} requests to it` : "";
  if (!url || url.condition === "untested") return at;
  if (found.hop === "url" && found.class.startsWith("tls-cert-")) return "no browser gets past it";
  const visitors =
    url.condition === "good"
      ? isPage(url)
        ? "visitors' requests are answered"
        : `requests are answered with status ${url.response?.status ?? "none"}`
      : url.condition === "bad"
        ? url.symptom?.class === "request-denied"
          ? "every request of doctor was refused; such rules judge clients, so that visitors may pass"
          : "every request of visitors fails"
        : `${url.bad} of ${url.of} requests of visitors fail${TURNS[url.turn ?? "none"]}`;
  return at === "" || own === url ? visitors : `${visitors}; ${at}`;
}

function settlesStep({ class: of, address }: Case, evidence: Evidence): NextCheck | null {
  if (of === "redirect-loop") return null;
  const text = settlesOf(of as EntryClass);
  if (text === null) return null;
  return { text, command: stepFor(of, address, evidence).command };
}
