// What is too slow: a hanging process, one path, a dependency behind several, overload, timers that were lowered, and
// timers of something behind. That a request was not answered in time is seen; what it waited for is not, so nothing
// here is proven but timers.
import type { CauseId } from "../../failure/causes.ts";
import { count, type Facts, listed, type Part, shareOf } from "../facts.ts";
import {
  backlog,
  type Candidate,
  direct,
  duration,
  FROZEN,
  type Pattern,
  reasonsOf,
  setting,
  shell,
  span,
  stepsOf,
  they,
  verb,
  whatItDoes,
} from "./candidate.ts";
import { deadlineText } from "./way.ts";

const LATE: readonly CauseId[] = ["response-timeout", "response-body-timeout", "worker-timeout"];
const FOLLOWS: readonly CauseId[] = [
  "client-closed-request",
  "pool-exhausted",
  "upstream-saturated",
  "no-healthy-upstream",
  "upstream-error-passthrough",
];

const isLate = (facts: Facts): boolean =>
  facts.has(...LATE) && facts.share(...LATE, ...FOLLOWS) >= 0.6 && facts.n(...LATE) >= 0.3 * facts.total;

/** Which timer fired, in words. */
function timerReason(facts: Facts): string {
  const [top] = facts.merged("deadlines", ...LATE).top(1);
  return top === undefined
    ? ""
    : `${count(top[1], "request")} ended at the gateway's own deadline ${deadlineText(top[0])}`;
}

const stuck = (facts: Facts): Candidate["settle"] =>
  stepsOf(direct(facts, facts.parts[0], facts.topPath(...LATE).path || "/"), {
    text: `What was the application doing at ${facts.timeOf(facts.firstAt)}? Its slow-query log, a stack dump (py-spy dump, jstack, kill -USR1 for Node's inspector), the pool of its database.`,
  });

const SILENT: readonly CauseId[] = [...LATE, "connect-timeout"];
const AT_ONCE_MS = 1_000;

/** Nothing was answered since its first failure, or next to nothing while it lasted. */
function isSilent({ during, failures, firstAt, seen }: Part): boolean {
  if (seen.lastAnsweredAt !== null && seen.lastAnsweredAt <= firstAt + AT_ONCE_MS) return true;
  return during.answered <= 0.05 * (during.answered + failures);
}

/** Checks time out as well. */
const checksFail = ({ seen }: Part): boolean =>
  seen.events.some(({ kind, cause }) => kind === "health-down" && (cause === "response-timeout" || cause === null));

/** One endpoint answers nothing: a full backlog follows, so that connections are not taken any more either. */
const hangs: Pattern = (facts) => {
  const parts = facts.parts.filter(({ causes }) => SILENT.some((cause) => causes.has(cause)));
  const [part] = parts;
  if (part === undefined || !facts.has(...LATE) || facts.share(...SILENT, ...FOLLOWS) < 0.6) return null;
  const checks = parts.filter(checksFail).length;
  if (!parts.every(isSilent) || facts.n(...SILENT) < (checks > 0 ? 1 : 3)) return null;
  if (facts.n(...LATE) < 0.3 * facts.total) return null;
  if (parts.length > 1 && facts.healthy.length === 0) return allHang(facts);
  const { distinct } = facts.topPath(...LATE);
  const others = facts.othersText;
  const names = listed(parts.slice(0, 3).map(({ name }) => name));
  const lasts = parts.flatMap(({ seen }) => seen.lastAnsweredAt ?? []);
  const lastAt = lasts.length === parts.length ? Math.max(...lasts) : 0;
  const since =
    !facts.over && lastAt <= facts.firstAt + AT_ONCE_MS && lastAt >= facts.firstAt - 120_000
      ? `since ${facts.timeOf(lastAt)}`
      : facts.since;
  return {
    pattern: "process-hangs",
    entry: "response-timeout",
    confidence:
      facts.healthy.length > 0 && (distinct >= 2 || facts.n(...SILENT) >= 8 || checks === parts.length)
        ? "likely"
        : "possible",
    weight: checks > 0 ? 77 : 70,
    sentence: `${names} ${they(facts, "accepts", "accepted")} connections but ${they(facts, "answers", "answered")} nothing ${since}${checks > 0 ? ", health checks included" : ""}${others && `; ${others}`}: the process ${verb(facts, "is", "was")} frozen or ${verb(facts, "hangs", "hung")} (stopped, a deadlock, all workers busy, a long garbage collection)`,
    short: `${names} ${they(facts, "accepts", "accepted")} connections but ${they(facts, "answers", "answered")} nothing`,
    reasons: reasonsOf(
      `no answer to ${count(facts.n(...SILENT), "request")} on ${count(distinct, "path")}`,
      lastAt > 0 && !facts.over && `its last answer was at ${facts.timeOf(lastAt)}`,
      checks > 0 && "its health checks time out as well",
      timerReason(facts),
      others,
      facts.outcome,
    ),
    settle: stepsOf(backlog(part), whatItDoes(part), direct(facts, part, facts.topPath(...LATE).path || "/")),
    fixes: stepsOf(
      FROZEN,
      { text: `Then restart the process on ${part.host || part.label}.` },
      facts.setting?.health === null && {
        text: "Let checks keep requests away from a process that does not answer:",
        code: `upstreams:\n  ${facts.upstream}:\n    health: { path: /healthz, interval: 2s, timeout: 1s }`,
        language: "yaml",
      },
    ),
    against: "it still answers something",
  };
};

function allHang(facts: Facts): Candidate {
  return {
    pattern: "slow-dependency",
    entry: "response-timeout",
    confidence: facts.topPath(...LATE).distinct >= 2 ? "likely" : "possible",
    weight: 71,
    sentence: `${facts.names} ${verb(facts, "accept", "accepted")} connections but ${verb(facts, "answer", "answered")} nothing ${facts.since}: all at once, so what they share hangs (a database, a lock, a service behind them)`,
    short: `all endpoints of ${facts.upstream} hang at once`,
    reasons: reasonsOf(`${count(facts.parts.length, "endpoint")} at once`, timerReason(facts), facts.outcome),
    settle: stuck(facts),
    fixes: stepsOf({
      text: "Look at the dependency first: its connections, locks, load. Give calls to it a timeout shorter than the gateway's, so that the application can answer an error of its own.",
    }),
  };
}

/** One path is slow, the rest is well. */
const slowPath: Pattern = (facts) => {
  if (!isLate(facts) || facts.n("response-body-timeout") > facts.n("response-timeout")) return null;
  const { path, share, count: late } = facts.topPath(...LATE);
  if (path === "" || share < 0.85 || late < 3) return null;
  const answering = facts.parts.filter(({ during }) => during.answered > 0);
  const one = facts.parts.length === 1;
  const others = facts.othersText;
  const also = one && facts.healthy.length > 0 ? ` on ${facts.names}` : "";
  const [method] = facts.merged("methods", ...LATE).top(1)[0] ?? ["GET"];
  return {
    pattern: "slow-path",
    entry: "response-timeout",
    confidence: answering.length > 0 && late >= 5 ? "likely" : "possible",
    weight: answering.length > 0 ? 72 : 55,
    sentence: `${method} ${path}${also} ${verb(facts, "is", "was")} not answered in time ${facts.since} (${count(late, "request")})${answering.length > 0 ? "; other paths are answered" : ""}${others && `; ${others}`}: this path is slow${one && facts.healthy.length > 0 ? " there" : ""}, not the endpoint`,
    short: `${path} is too slow${also}`,
    reasons: reasonsOf(
      `${shareOf(share, "the timeouts")} are on ${path}`,
      answering.length > 0 &&
        `the same endpoints answered ${count(
          answering.reduce((sum, { during }) => sum + during.answered, 0),
          "other request",
        )} meanwhile`,
      timerReason(facts),
      others,
      facts.outcome,
    ),
    settle: stuck(facts),
    fixes: stepsOf(
      {
        text: `Find what ${path} waits for (a query without an index, a large export, a call to another service); move long work out of the request.`,
      },
      slowSetting(facts),
    ),
    against: facts.topPath(...LATE).distinct > 1 ? "other paths are late as well" : `only ${path} was asked for`,
  };
};

function slowSetting(facts: Facts): ReturnType<typeof setting> | null {
  const head = facts.setting?.timeouts.headMs ?? 0;
  return head === 0
    ? null
    : setting(
        facts,
        `Only if such answers are honestly this slow: give them more time than ${span(head)} (timers before the gateway must be longer still).`,
        "timeouts.head",
        duration(head * 2),
      );
}

/** Several paths on several endpoints, others well. */
const slowDependency: Pattern = (facts) => {
  if (!isLate(facts) || facts.parts.length < 1) return null;
  const { distinct, share } = facts.topPath(...LATE);
  const late = facts.n(...LATE);
  if (late < 4) return null;
  const answered = facts.parts.reduce((sum, { during }) => sum + during.answered, 0);
  const several = facts.parts.length >= 2;
  if (!several && facts.healthy.length > 0) return slowEndpoint(facts);
  const slowed = facts.slowed;
  const paths = facts
    .merged("paths", ...LATE)
    .top(3)
    .map(([path]) => path);
  return {
    pattern: "slow-dependency",
    entry: "response-timeout",
    confidence: several && distinct >= 2 && share < 0.85 && answered > 0 ? "likely" : "possible",
    weight: 66,
    sentence: `${listed(paths)} ${verb(facts, "are", "were")} not answered in time ${several ? `on ${facts.names} alike` : `by ${facts.names}`} ${facts.since}${answered > 0 ? "; other requests are answered" : ""}${slowed === null ? "" : ` (answers slowed from ${span(slowed.fromMs)} to ${span(slowed.toMs)})`}: they wait for something that they share, such as a database`,
    short: `slow answers on ${facts.names}: a shared dependency?`,
    reasons: reasonsOf(
      several && `${facts.parts.length} endpoints are late on the same paths`,
      answered > 0 && `${count(answered, "other request")} answered meanwhile`,
      slowed !== null && `mean time to the head rose from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`,
      timerReason(facts),
      facts.outcome,
    ),
    settle: stuck(facts),
    fixes: stepsOf(
      {
        text: "Look at what these paths have in common: the database's slow queries and locks, a service that they call. Give that call a timeout shorter than the gateway's.",
      },
      slowSetting(facts),
    ),
    against: "only one endpoint or one path is late",
  };
};

function slowEndpoint(facts: Facts): Candidate {
  const slowed = facts.slowed;
  return {
    pattern: "slow-endpoint",
    entry: "response-timeout",
    confidence: slowed !== null ? "likely" : "possible",
    weight: 66,
    sentence: `${facts.names} ${verb(facts, "is", "was")} too slow ${facts.since} (${count(facts.n(...LATE), "request")} not answered in time)${facts.othersText && `; ${facts.othersText}`}: its machine or process is short of something that the others have`,
    short: `${facts.names} ${they(facts, "is", "was")} too slow; others ${verb(facts, "are", "were")} not`,
    reasons: reasonsOf(
      slowed !== null && `mean time to the head rose from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`,
      timerReason(facts),
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(`On ${facts.parts[0]?.host || "its host"}:`, "uptime; vmstat 1 5; dmesg -T | tail"),
      direct(facts, facts.parts[0]),
    ),
    fixes: stepsOf({
      text: "Drain it, and see what differs: CPU taken by a neighbour, swap, a full disk, a cold cache.",
    }),
  };
}

/** Load beyond what it can bear. */
const overload: Pattern = (facts) => {
  const slowed = facts.slowed;
  const limits = facts.n("pool-exhausted", "upstream-saturated");
  const late = facts.n(...LATE, "connect-timeout", "client-closed-request");
  if (facts.n("connect-refused", "network-unreachable") > 0.3 * facts.total) return null;
  if (
    (limits === 0 && slowed === null) ||
    limits + late < 3 ||
    facts.share(
      "pool-exhausted",
      "upstream-saturated",
      "connect-timeout",
      ...LATE,
      "client-closed-request",
      "no-healthy-upstream",
    ) < 0.7
  )
    return null;
  // One path alone is no load.
  if (facts.has(...LATE) && facts.topPath(...LATE).share > 0.85 && limits === 0) return null;
  const lost = facts.others.filter(({ seen }) => seen.awayAt !== null).map(({ name }) => name);
  const signs = [lost.length > 0, slowed !== null, limits > 0, facts.has(...LATE), facts.has("connect-timeout")].filter(
    Boolean,
  ).length;
  if (signs < 2 && !facts.has("upstream-saturated")) return null;
  return {
    pattern: "overload",
    entry: facts.has("upstream-saturated") ? "upstream-saturated" : limits > 0 ? "pool-exhausted" : "response-timeout",
    confidence: signs >= 2 && slowed !== null ? "likely" : "possible",
    weight: (limits > 0 || lost.length > 0 || facts.has("connect-timeout")) && slowed !== null ? 76 : 64,
    sentence: `${facts.names} ${they(facts, "has", "had")} more requests than it can take ${facts.since}${slowed === null ? "" : `: answers slowed from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`}${limits > 0 ? `, ${count(limits, "request")} found no place` : ""}${facts.has(...LATE) ? `, ${count(facts.n(...LATE), "request")} timed out` : ""}: overloaded${lost.length > 0 ? ` (${listed(lost.slice(0, 3))} being away)` : ""}`,
    short: `${facts.names} ${they(facts, "is", "was")} overloaded`,
    reasons: reasonsOf(
      slowed !== null && `mean time to the head rose from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`,
      limits > 0 && `${count(limits, "request")} at a limit or a full queue`,
      timerReason(facts),
      facts.outcome,
    ),
    settle: stepsOf(backlog(facts.parts[0])),
    fixes: stepsOf({
      text: "Add endpoints or make answers cheaper; until then let fewer in: a limit per endpoint with a queue keeps those that are let in fast.",
      code: `upstreams:\n  ${facts.upstream}:\n    limits: { requests: ${Math.max(8, Math.min(64, facts.setting?.limits.requests || 64))} }`,
      language: "yaml",
    }),
    against: "answers did not slow down before",
  };
};

/** A timer of ours was made shorter. */
const timerLowered: Pattern = (facts) => {
  if (!isLate(facts)) return null;
  const change = facts.around.lastMark(["reload"], facts.firstAt - 900_000, facts.firstAt + 2_000, facts.upstream);
  const lowered = facts.around.marks.findLast(
    (mark) =>
      mark.kind === "reload" &&
      /timeouts\.(head|idle-body)/.test(mark.text) &&
      mark.at >= facts.firstAt - 900_000 &&
      mark.at <= facts.firstAt + 2_000 &&
      (mark.upstream === "" || mark.upstream === facts.upstream),
  );
  if (change === null || lowered === undefined) return null;
  return {
    pattern: "timer-lowered",
    entry: "response-timeout",
    confidence: "likely",
    weight: 84,
    sentence: `requests to ${facts.names} end at the gateway's deadline ${facts.since}, after a reload changed it (${lowered.text.replace(/^reload: /, "")}): the timer is now shorter than honest answers take`,
    short: `deadline shortened by a reload: ${facts.upstream}`,
    reasons: reasonsOf(lowered.text, timerReason(facts), facts.outcome),
    settle: stuck(facts),
    fixes: stepsOf(slowSetting(facts) ?? { text: "Set the deadline back to what it was." }),
  };
};

/** Few timeouts say no more than that. */
const someTimeouts: Pattern = (facts) => {
  if (!isLate(facts)) return null;
  const { path } = facts.topPath(...LATE);
  const stalled = facts.n("response-body-timeout") > facts.n("response-timeout");
  const tunnels = facts.merged("deadlines", "response-body-timeout");
  if ([...tunnels.counts.keys()].some((name) => name.startsWith("tunnel-idle"))) return idleTunnels(facts, path);
  return {
    pattern: stalled ? "stalled-body" : "response-timeout",
    entry: stalled ? "response-body-timeout" : "response-timeout",
    confidence: "possible",
    weight: stalled ? 68 : 40,
    sentence: `${facts.names} ${stalled ? "stalled in the middle of" : "did not answer"} ${count(facts.n(...LATE), "request")}${path === "" ? "" : ` (most on ${path})`} ${stalled ? "" : "in time "}${facts.since}${facts.othersText && `; ${facts.othersText}`}: the application waits for something`,
    short: stalled
      ? `responses of ${facts.names} stall`
      : `${facts.names} ${they(facts, "does", "did")} not answer in time`,
    reasons: reasonsOf(timerReason(facts), facts.othersText, facts.outcome),
    settle: stuck(facts),
    fixes: stepsOf(
      stalled
        ? { text: "If the response is a stream, let the application send a heartbeat; else find where it stalls." }
        : slowSetting(facts),
    ),
  };
};

/** Upgraded connections on which nobody said anything. */
function idleTunnels(facts: Facts, path: string): Candidate {
  return {
    pattern: "tunnels-idle",
    entry: "response-body-timeout",
    confidence: "likely",
    weight: 75,
    sentence: `${count(facts.n("response-body-timeout"), "upgraded connection")} to ${facts.names}${path === "" ? "" : ` (most on ${path})`} ended for want of a byte ${facts.since}: neither side sends a ping within the gateway's deadline`,
    short: `upgraded connections to ${facts.names} fall silent`,
    reasons: reasonsOf(timerReason(facts), facts.outcome),
    settle: [],
    fixes: stepsOf({
      text: "Let one side send a ping now and then (WebSocket: every 30 s is usual), or raise timeouts.tunnel-idle.",
    }),
  };
}

export const slow: readonly Pattern[] = [hangs, slowPath, slowDependency, overload, timerLowered, someTimeouts];
