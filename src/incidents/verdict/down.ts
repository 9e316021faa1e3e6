// Processes that are not there: down, crashed, crashing again and again, restarted one after the other, never there,
// drained by somebody, slow before they died. Refused connections prove that nothing listens, not why; in flight cut
// and then refused proves that the process ended.
import type { CauseId } from "../../failure/causes.ts";
import { afterMark, all, count, type Facts, listed, type Part } from "../facts.ts";
import type { Mark } from "../model.ts";
import {
  backlog,
  type Candidate,
  direct,
  errnoReason,
  FROZEN,
  journal,
  listening,
  type Pattern,
  reasonsOf,
  shell,
  span,
  stepsOf,
  they,
  verb,
  whatItDoes,
} from "./candidate.ts";

/** What a detail says that the sentence says already. */
const REPEATS = /^(refuses connections|ECONNREFUSED refuses.*|connection refused)$/i;

export const REFUSED: readonly CauseId[] = ["connect-refused", "socket-missing", "app-crashed", "oom-killed"];
export const CUT: readonly CauseId[] = [
  "closed-before-response",
  "upstream-write-failed",
  "response-truncated",
  "tls-handshake-failed",
];
export const FOLLOWS: readonly CauseId[] = [
  "no-healthy-upstream",
  "client-closed-request",
  "keepalive-race",
  "pool-exhausted",
];

/** Parts that refused connections. */
export function refusing(facts: Facts): Part[] {
  return facts.parts.filter(({ causes, goneAt }) => goneAt !== null || REFUSED.some((cause) => causes.has(cause)));
}

/** Whether refusals are what the trouble is about. */
export function isRefusal(facts: Facts): boolean {
  if (!facts.has(...REFUSED) && facts.parts.every(({ goneAt }) => goneAt === null)) return false;
  // Only checks met it.
  return facts.trouble.counts.failures === 0 || facts.share(...REFUSED, ...CUT, ...FOLLOWS) >= 0.5;
}

const entryOf = (facts: Facts): CauseId =>
  facts.n("socket-missing") > facts.n("connect-refused") ? "socket-missing" : "connect-refused";

/** What is said where there is no more than the refusals. */
function lookSteps(facts: Facts, part: Part | undefined): Candidate["settle"] {
  return stepsOf(part && listening(part), journal(facts, part));
}

function startSteps(part: Part | undefined): Candidate["fixes"] {
  return stepsOf(
    {
      text: `Start the application on ${part?.host || part?.label || "its host"}, and read why it ended before it does so again.`,
    },
    part !== undefined && {
      text: `If it runs: let it listen on an address that the gateway reaches (0.0.0.0 or the address of the host, not 127.0.0.1)${part.port === null ? "" : ` and on port ${part.port}`}.`,
    },
  );
}

/** Refused often enough, or still after ten seconds, where something answered before. */
function isSure(facts: Facts, parts: readonly Part[]): boolean {
  const stays = parts.some(({ seen }) => seen.goneAt !== null && facts.now - seen.goneAt >= 10_000);
  return (stays || facts.n(...REFUSED) >= 3) && parts.some(({ seen }) => seen.answeredEver > 0);
}

/** One endpoint refuses connections. */
export const processDown: Pattern = (facts) => {
  const parts = refusing(facts);
  const [part] = parts;
  if (!isRefusal(facts) || part === undefined) return null;
  const names = parts.length > 3 ? count(parts.length, "endpoint") : listed(parts.map(({ name }) => name));
  const one = parts.length === 1;
  const claim = `${names} ${verb(facts, one ? "refuses" : "refuse", "refused")} connections ${facts.since}`;
  const others = facts.othersText;
  const missing = facts.n("socket-missing") > facts.n("connect-refused");
  const why = missing
    ? "the socket is not there, so the application is not running or has another path"
    : one
      ? `the process there ${verb(facts, "is", "was")} not listening`
      : `the processes there ${verb(facts, "are", "were")} not listening`;
  const backNote = facts.over && facts.away.length === 0 ? " (it is back)" : "";
  return {
    pattern: "process-down",
    entry: entryOf(facts),
    confidence: isSure(facts, parts) ? "likely" : "possible",
    weight: 60,
    sentence: `${claim}${backNote}${others && `; ${others}`}${facts.noneLeft}: ${why}`,
    short: `${names} ${verb(facts, one ? "refuses" : "refuse", "refused")} connections`,
    reasons: reasonsOf(errnoReason(facts, ...REFUSED), others, facts.outcome),
    settle: lookSteps(facts, part),
    fixes: startSteps(part),
    alternatives: [
      {
        text: "A firewall that rejects instead of dropping looks the same.",
        why: "It would have to be new: the endpoint answered before.",
      },
    ],
    against: "there is more than the refusals to go by",
  };
};

/** Checks found it away before any request did. */
export const unasked: Pattern = (facts) => {
  const [part] = facts.parts;
  if (facts.trouble.counts.failures > 0 || part === undefined) return null;
  const event = part.seen.events.findLast(({ kind }) => kind === "endpoint-gone" || kind === "health-down");
  const refused = facts.has(...REFUSED);
  const what = refused
    ? they(facts, "refuses connections", "refused connections")
    : they(facts, "fails its checks", "failed its checks");
  const said = event?.detail && !REPEATS.test(event.detail) ? ` (${event.detail})` : "";
  const hangs = event?.cause === "response-timeout";
  const why = refused
    ? `: the process${facts.parts.length > 1 ? "es" : ""} there ${they(facts, "is", "was")} not listening`
    : hangs
      ? ": it accepts connections but does not answer (frozen, or too busy)"
      : "";
  return {
    pattern: refused ? "process-down" : "health-down",
    entry: refused ? entryOf(facts) : facts.trouble.cause,
    confidence: "likely",
    weight: 61,
    sentence: `${facts.names} ${what}${said} ${facts.since}, as checks saw before any request did${facts.othersText && `; ${facts.othersText}`}${facts.noneLeft}${why}`,
    short: `${facts.names} ${what}`,
    reasons: reasonsOf(event?.text, facts.othersText),
    settle: hangs ? stepsOf(backlog(part), whatItDoes(part)) : lookSteps(facts, part),
    fixes: hangs ? stepsOf(FROZEN) : startSteps(part),
  };
};

/** Requests in flight were cut, and then connections refused. */
export const crash: Pattern = (facts) => {
  const parts = refusing(facts).filter((part) => {
    const cuts = [...part.causes.keys()].some((cause) => CUT.includes(cause));
    return cuts;
  });
  const [part] = parts;
  if (part === undefined || !isRefusal(facts)) return null;
  const cutAt = facts.firstOf(...CUT)!;
  const refusedAt = Math.min(facts.firstOf(...REFUSED) ?? part.goneAt ?? 0, part.goneAt ?? Number.POSITIVE_INFINITY);
  // Who refuses takes nothing new: what is cut while it is away was in flight when it ended.
  const back = part.outages.some(({ backAt }) => backAt !== null && backAt < cutAt && backAt > refusedAt);
  if (refusedAt - cutAt > 15_000 || (cutAt - refusedAt > 5_000 && (back || cutAt - refusedAt > 60_000))) return null;
  const cuts = facts.n(...CUT);
  const backAt = parts.length === 1 ? (part.outages.at(-1)?.backAt ?? 0) : 0;
  const isBack = backAt > 0 && part.seen.awayAt === null;
  const seen = cuts >= 1 && (facts.n(...REFUSED) >= 3 || part.goneAt !== null) && part.seen.answeredEver > 0;
  const names = listed(parts.slice(0, 3).map(({ name }) => name));
  const others = facts.othersText;
  return {
    pattern: "crash",
    entry: "app-crashed",
    confidence: seen && parts.length === refusing(facts).length ? "proven" : "likely",
    weight: 66,
    sentence: `${names} ended at ${facts.timeOf(Math.min(cutAt, refusedAt))} with ${count(cuts, "request")} in flight and ${isBack ? "then refused" : verb(facts, parts.length > 1 ? "refuse" : "refuses", "then refused")} connections${isBack ? ` (it is back since ${facts.timeOf(backAt)})` : facts.over ? "" : " since"}${others && `; ${others}`}${facts.noneLeft}: the process${parts.length > 1 ? "es" : ""} stopped or crashed`,
    short: `${names} went down: in flight cut, then refused`,
    reasons: reasonsOf(
      `${count(cuts, "request")} cut in flight; connections refused ${Math.abs(refusedAt - cutAt) < 1_000 ? "at the same moment" : `within ${span(Math.abs(refusedAt - cutAt))}`}`,
      errnoReason(facts, ...REFUSED),
      others,
      facts.outcome,
    ),
    settle: stepsOf(
      journal(facts, part),
      shell("Was it killed for memory?", "journalctl -k | grep -iE 'out of memory|oom-kill'"),
    ),
    fixes: startSteps(part),
    alternatives: [
      {
        text: "It was stopped without being drained first.",
        why: "A stop that cuts what is in flight looks the same; its log says whether it got a signal.",
      },
    ],
    against: "the endpoint's coming and going says more",
  };
};

/** Slow first, then gone: memory or load. */
export const overloadCrash: Pattern = (facts) => {
  const parts = refusing(facts);
  const [part] = parts;
  if (part === undefined || (!isRefusal(facts) && facts.n(...REFUSED, ...CUT) < 3)) return null;
  const slowAt = facts.firstOf("response-timeout", "pool-exhausted", "upstream-saturated");
  const refusedAt = facts.firstOf(...REFUSED) ?? part.goneAt ?? facts.firstAt;
  const slowed = facts.slowed;
  const timeouts =
    slowAt !== null &&
    refusedAt - slowAt >= 3_000 &&
    facts.n("response-timeout", "pool-exhausted", "upstream-saturated") >= 3;
  if (!timeouts && slowed === null) return null;
  const before = slowed === null ? "" : `answers slowed from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`;
  return {
    pattern: "overload-crash",
    entry: facts.has("oom-killed") ? "oom-killed" : "app-crashed",
    confidence: timeouts && slowed !== null ? "likely" : "possible",
    weight: timeouts ? 72 : 67,
    sentence: `${part.name} became slow${slowAt === null ? "" : ` at ${facts.timeOf(slowAt)}`} and ${verb(facts, "refuses", "refused")} connections from ${facts.timeOf(refusedAt)} on${facts.othersText && `; ${facts.othersText}`}: it ran out of memory or was overloaded until it died`,
    short: `${part.name}: slow first, then dead`,
    reasons: reasonsOf(
      before,
      timeouts && `${count(facts.n("response-timeout"), "request")} timed out before the first refusal`,
      errnoReason(facts, ...REFUSED),
      facts.outcome,
    ),
    settle: stepsOf(
      shell("Did the kernel kill it for memory?", "journalctl -k | grep -iE 'out of memory|oom-kill'"),
      journal(facts, part),
    ),
    fixes: stepsOf({
      text: "Find what grew before it died (memory, queue, threads); give it a limit that fails one request instead of the process.",
    }),
    against: "nothing says that it was slow long enough",
  };
};

/** The reload that brought an endpoint, by its text. */
function broughtBy(facts: Facts, part: Part): Mark | null {
  const near = ({ kind, at, text }: Mark): boolean =>
    kind === "reload" && at >= facts.firstAt - 600_000 && at <= facts.firstAt + 2_000 && text.includes("added");
  return (
    facts.around.marks.findLast(
      (mark) =>
        near(mark) && (mark.text.includes(part.label) || mark.text.includes(`upstream ${facts.upstream} added`)),
    ) ?? null
  );
}

/** Endpoints that answered until this reload took them away. */
function replacedBy(facts: Facts, reload: Mark): string {
  const gone = [...facts.around.endpoints.values()].filter(
    ({ upstream, label, lastAnsweredAt }) =>
      upstream === facts.upstream &&
      label !== "" &&
      !facts.around.isMember(upstream, label) &&
      lastAnsweredAt !== null &&
      lastAnsweredAt >= reload.at - 60_000,
  );
  return listed(gone.slice(0, 3).map(({ label }) => label));
}

/** It has never answered: a wrong port or address. */
export const neverWorked: Pattern = (facts) => {
  const parts = facts.parts.filter(({ seen, failures }) => seen.answeredEver === 0 && failures > 0);
  const [part] = parts;
  const causes: readonly CauseId[] = [...REFUSED, "connect-timeout", "network-unreachable"];
  if (
    part === undefined ||
    parts.length < facts.parts.length ||
    facts.share(...causes, ...FOLLOWS) < 0.8 ||
    !facts.has(...causes)
  )
    return null;
  if (facts.has(...CUT) || parts.some(({ outages }) => outages.some(({ backAt }) => backAt !== null))) return null;
  const mark = facts.markBefore(["reload", "started", "upgrade"], 600_000);
  const added = broughtBy(facts, part);
  const replaced = added === null ? "" : replacedBy(facts, added);
  const names =
    parts.length > 3 ? `${parts.length} endpoints of ${facts.upstream}` : listed(parts.map(({ name }) => name));
  const refused = facts.has(...REFUSED);
  const what = refused ? "refused every connection" : "answered no connection";
  const file = facts.around.setting.file ?? "the configuration";
  return {
    pattern: "never-worked",
    entry: refused ? entryOf(facts) : "connect-timeout",
    confidence: mark !== null && facts.n(...causes) >= 3 ? "likely" : "possible",
    weight: mark === null ? 58 : added !== null ? 84 : 76,
    sentence: `${names} ${parts.length === 1 ? "has" : "have"} ${what} ${facts.since}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}, and ${parts.length === 1 ? "was" : "were"} never seen to answer${replaced && `; the reload put ${parts.length === 1 ? "it" : "them"} in the place of ${replaced}`}${facts.othersText && `; ${facts.othersText}`}: ${refused ? "the address or port is wrong, or nothing was started there yet" : "the address is wrong, or packets to it are dropped on the way (a firewall or security group)"}`,
    short: `${names} ${parts.length === 1 ? "has" : "have"} never answered: wrong address or port?`,
    reasons: reasonsOf(
      "no answer of it was ever seen",
      added?.text ?? mark?.text,
      replaced && `${replaced} answered until the reload`,
      errnoReason(facts, ...causes),
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(listening(part)),
    fixes: stepsOf(
      replaced !== "" && { text: `Put ${replaced} back in ${file}, or correct the new address; then reload.` },
      {
        text: `Compare the address in ${file} with the one that the application says at its start; correct the one that is wrong.`,
      },
    ),
    against: "it may have answered before this gateway looked",
  };
};

const LOOPBACK = /^(127\.[\d.]+|localhost|::1)$/;

/** All at once. */
export const allDown: Pattern = (facts) => {
  const parts = refusing(facts);
  const members = facts.around.members(facts.upstream).filter(({ label }) => label !== "").length;
  if (parts.length < 2 || parts.length < members || !isRefusal(facts)) return null;
  const starts = parts.map(({ seen, firstAt }) => Math.min(firstAt, seen.awayAt ?? firstAt));
  const within = Math.max(...starts) - Math.min(...starts);
  if (within > 20_000) return null;
  const mark = facts.markBefore(["deploy", "reload", "upgrade"]);
  const [host] = facts.hosts;
  const single = facts.hosts.length === 1 && host !== undefined;
  const why = single
    ? LOOPBACK.test(host)
      ? "nothing listens there any more: what runs them stopped them, or they ended together"
      : `they share the host ${host}: it was restarted, or what runs the processes there stopped`
    : mark !== null
      ? `it began ${afterMark(mark, facts.firstAt)}`
      : "they share something: a deploy, a dependency without which they end, or what runs them";
  return {
    pattern: single ? "one-host" : "all-members-down",
    entry: "connect-refused",
    confidence: single || mark !== null ? "likely" : "possible",
    weight: 73,
    sentence: `${all(parts.length)} endpoints of ${facts.upstream}${parts.length <= 3 ? ` (${parts.map(({ name }) => name).join(", ")})` : ""} ${verb(facts, "refuse", "refused")} connections ${facts.since}, ${within < 1_000 ? "all at one moment" : `within ${span(within)} of each other`}${facts.noneLeft}: ${why}`,
    short: `${all(parts.length)} endpoints of ${facts.upstream} refuse connections`,
    reasons: reasonsOf(
      `${parts.length} of ${members} endpoints ${within < 1_000 ? "at one moment" : `within ${span(within)}`}`,
      single && `all on host ${host}`,
      mark?.text,
      errnoReason(facts, ...REFUSED),
      facts.outcome,
    ),
    settle: stepsOf(parts[0] && listening(parts[0]), journal(facts, parts[0])),
    fixes: stepsOf(
      mark?.kind === "deploy" && {
        text: "Go back to the version before the deploy, then look at why it does not start.",
      },
      { text: "Start one process by hand and read what it says; what stops one stops all." },
    ),
    against: "that they came back, and when, says more",
  };
};

/** Everything on one host, while other hosts are well. */
export const oneHost: Pattern = (facts) => {
  const parts = refusing(facts);
  const [host] = [...new Set(parts.map(({ host: name }) => name))];
  if (parts.length < 2 || host === undefined || parts.some((part) => part.host !== host) || !isRefusal(facts))
    return null;
  const elsewhere = facts.others.filter((other) => other.host !== host);
  if (elsewhere.length === 0 || facts.others.some((other) => other.host === host && other.healthy)) return null;
  const starts = parts.map(({ firstAt }) => firstAt);
  if (Math.max(...starts) - Math.min(...starts) > 30_000) return null;
  return {
    pattern: "one-host",
    entry: "connect-refused",
    confidence: facts.healthy.some((other) => other.host !== host) ? "likely" : "possible",
    weight: 79,
    sentence: `${all(parts.length)} endpoints on host ${host} ${verb(facts, "refuse", "refused")} connections ${facts.since}${facts.othersText && `; ${facts.othersText}`}: what runs the processes on ${host} stopped, or the host was restarted`,
    short: `everything on host ${host} refuses connections`,
    reasons: reasonsOf(
      `every endpoint on ${host} fails`,
      facts.othersText && `${facts.othersText}, on other hosts`,
      errnoReason(facts, ...REFUSED),
      facts.outcome,
    ),
    settle: stepsOf(
      shell(`On ${host}: when was it started?`, "uptime -s; systemctl --failed"),
      parts[0] && direct(facts, parts[0]),
    ),
    fixes: stepsOf({
      text: `Start what is missing on ${host}; spread the endpoints so that one host is less than half of them.`,
    }),
  };
};
