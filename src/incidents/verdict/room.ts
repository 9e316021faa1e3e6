// Nothing left to choose from: limits and queues, holds that end too early, breakers, pools without members. These are
// consequences; they are the verdict only where nothing explains them better.
import type { Ms } from "../../std/units.ts";
import { afterMark, count, listed } from "../facts.ts";
import { duration, type Pattern, quoted, reasonsOf, setting, shell, span, stepsOf, verb } from "./candidate.ts";

/** The limit of connections or requests is reached: a leak, a slow application, or too low a limit. */
const poolExhausted: Pattern = (facts) => {
  if (facts.shareOfAll("pool-exhausted", "client-closed-request") < 0.6 || !facts.has("pool-exhausted")) return null;
  const members = facts.around.members(facts.upstream).filter(({ label }) => label !== "");
  const sum = (from: Ms, to: Ms) => {
    const all = members.map((member) => member.figures(from, to));
    const answered = all.reduce((total, { answered: one }) => total + one, 0);
    return {
      perSecond: answered / Math.max(1, (to - from) / 1000),
      meanMs: all.reduce((total, one) => total + one.meanMs * one.answered, 0) / Math.max(1, answered),
      answered,
    };
  };
  const before = sum(facts.firstAt - 300_000, facts.firstAt - 60_000);
  const during = sum(facts.firstAt, Math.max(facts.trouble.lastAt, facts.firstAt + 10_000));
  const known = before.answered >= 20;
  const slower = known && during.answered > 0 && during.meanMs > 2 * before.meanMs + 50;
  const starved = known && !slower && during.perSecond < 0.5 * before.perSecond;
  const limits = facts.setting?.limits;
  const first = members[0] === undefined ? "" : facts.around.hostOf(facts.upstream, members[0].label);
  const limit =
    limits === undefined
      ? ""
      : limits.connections > 0
        ? ` (limits.connections: ${limits.connections})`
        : limits.requests > 0
          ? ` (limits.requests: ${limits.requests})`
          : "";
  const story = starved
    ? "few requests come through although answers are no slower: connections are not given back (a leak, streams or long polls that never end)"
    : slower
      ? `answers slowed from ${span(before.meanMs)} to ${span(during.meanMs)}, so places are taken for longer: the application is the limit`
      : known && during.perSecond > 1.3 * before.perSecond
        ? "more requests come than before, and answers are no slower: the limit is too low for this load"
        : "too many requests at once for the limit that is set";
  return {
    pattern: starved ? "pool-leak" : slower ? "overload" : "limit-reached",
    entry: "pool-exhausted",
    confidence: slower ? "likely" : "possible",
    weight: 74,
    sentence: `every endpoint of ${facts.upstream} ${verb(facts, "is", "was")} at its limit ${facts.since}${limit}: ${story}`,
    short: `${facts.upstream} at its limit${starved ? ": connections not given back?" : ""}`,
    reasons: reasonsOf(
      `${count(facts.n("pool-exhausted"), "request")} found no place`,
      known && `${during.perSecond.toFixed(1)} answers a second, ${before.perSecond.toFixed(1)} before`,
      slower && `mean time to the head rose from ${span(before.meanMs)} to ${span(during.meanMs)}`,
      facts.outcome,
    ),
    settle: stepsOf(
      first !== "" &&
        shell(
          "Connections to an endpoint, by state:",
          `ss -tn dst ${quoted(first)} | awk '{print $1}' | sort | uniq -c`,
        ),
    ),
    fixes: stepsOf(
      starved
        ? { text: "Find the requests that never end (live tail, longest first), and give them a deadline." }
        : {
            text: "If the application has room for more, raise the limit; if not, it needs more endpoints or faster answers.",
          },
      !starved && (limits?.connections ?? 0) > 0
        ? setting(facts, "The limit:", "limits.connections", String((limits?.connections ?? 32) * 2))
        : null,
    ),
  };
};

/** Requests were held, but not long enough. */
const holdTooShort: Pattern = (facts) => {
  const seen = facts.cause("no-healthy-upstream");
  if (seen === undefined || seen.shown === 0) return null;
  const [deadline] = [...seen.deadlines.counts.keys()].filter((name) => name.startsWith("hold"));
  if (deadline === undefined) return null;
  const forMs = Number(deadline.split(" ")[1] ?? 0) || facts.setting?.hold?.forMs || 0;
  const backs = facts.parts.flatMap(({ outages }) =>
    outages.flatMap(({ goneAt, backAt }) => (backAt === null ? [] : [backAt - goneAt])),
  );
  const ended = facts.around
    .whole(facts.upstream)
    .events.findLast(({ kind, at }) => kind === "outage-ended" && at >= facts.firstAt);
  const away =
    ended === undefined ? (facts.away.length === 0 && backs.length > 0 ? Math.min(...backs) : 0) : Number(ended.detail);
  if (forMs === 0 || away <= forMs || away > 4 * forMs) return null;
  // What a reload ended, and what never answered, was no restart.
  const reload = facts.around.lastMark(
    ["reload"],
    facts.firstAt - 10_000,
    facts.trouble.lastAt + 10_000,
    facts.upstream,
  );
  if (reload !== null || backs.length === 0) return null;
  if (facts.parts.every(({ seen }) => seen.answeredEver === 0)) return null;
  const wanted = Math.ceil((away * 1.5) / 5_000) * 5_000;
  return {
    pattern: "hold-too-short",
    entry: "no-healthy-upstream",
    confidence: "proven",
    weight: 88,
    sentence: `${facts.upstream} was away for ${span(away)} from ${facts.timeOf(facts.firstAt)} on, but requests are held for ${span(forMs)} only: ${count(seen.shown, "request")} ended in an error before it was back`,
    short: `hold of ${span(forMs)} shorter than the outage of ${span(away)}`,
    reasons: reasonsOf(
      `away for ${span(away)}, held for ${span(forMs)}`,
      facts.trouble.counts.held > 0 &&
        `${count(facts.trouble.counts.held, "request")} that came later were held and answered`,
      facts.outcome,
    ),
    settle: [],
    fixes: stepsOf(
      setting(facts, "Hold for longer than a restart takes (callers must wait as long):", "hold.for", duration(wanted)),
      { text: "Or restart one endpoint after the other, so that one is always there." },
    ),
  };
};

/** Retries were used up. */
const retryBudget: Pattern = (facts) => {
  const reasons = facts.merged("notRetried");
  const budget = [...reasons.counts].filter(([reason]) => /budget/.test(reason)).reduce((sum, [, n]) => sum + n, 0);
  if (budget < 3 || budget < 0.5 * reasons.total) return null;
  return {
    pattern: "retry-budget",
    entry: facts.trouble.cause,
    confidence: "possible",
    weight: 45,
    sentence: `so much of ${facts.upstream} ${verb(facts, "fails", "failed")} ${facts.since} that the budget for retries is used up: errors are shown that a retry might have mended (on ${facts.names})`,
    short: `${facts.upstream}: retry budget used up`,
    reasons: reasonsOf(`${budget} of ${reasons.total} kept failures were not retried for the budget`, facts.outcome),
    settle: [],
    fixes: stepsOf({ text: "Look at why so many fail first: the budget keeps retries from doubling the load." }),
  };
};

/** No endpoint was usable, and nothing says why. */
const nobody: Pattern = (facts) => {
  if (facts.shareOfAll("no-healthy-upstream", "backend-absent", "client-closed-request") < 0.6) return null;
  if (!facts.has("no-healthy-upstream", "backend-absent")) return null;
  const absent = facts.n("backend-absent") > facts.n("no-healthy-upstream");
  const reload = facts.markBefore(["reload", "upgrade"]);
  const [why] = facts.merged("details", "no-healthy-upstream", "backend-absent").top(1);
  const down = facts.around.members(facts.upstream).filter(({ label, awayAt }) => label !== "" && awayAt !== null);
  const ejected = facts.around.members(facts.upstream).filter(({ ejectedAt }) => ejectedAt !== null);
  const breaker = facts.around.whole(facts.upstream).events.findLast(({ kind }) => kind === "breaker-opened");
  const out = down.length > 0 ? `${listed(down.slice(0, 3).map(({ label }) => facts.nameOf(label)))} out of use` : "";
  return {
    pattern: absent
      ? "no-endpoints"
      : breaker !== undefined && breaker.at >= facts.firstAt - 60_000
        ? "breaker-open"
        : "no-endpoint-usable",
    entry: absent ? "backend-absent" : "no-healthy-upstream",
    confidence: absent ? "proven" : down.length > 0 || ejected.length > 0 ? "likely" : "possible",
    weight: absent ? 80 : 48,
    sentence: absent
      ? `upstream ${facts.upstream} ${verb(facts, "has", "had")} no endpoint to send requests to ${facts.since}${reload === null ? "" : `, ${afterMark(reload, facts.firstAt)}`}: it lists none, or all are switched off`
      : `no endpoint of ${facts.upstream} ${verb(facts, "is", "was")} usable ${facts.since}${out && `: ${out}`}${why === undefined ? "" : ` (${why[0]})`}`,
    short: absent ? `${facts.upstream} has no endpoints` : `no endpoint of ${facts.upstream} is usable`,
    reasons: reasonsOf(
      reload?.text,
      out,
      ejected.length > 0 && `${count(ejected.length, "endpoint")} ejected`,
      breaker?.text,
      facts.outcome,
    ),
    settle: stepsOf({ text: "The Upstreams page says of each endpoint why it is out." }),
    fixes: stepsOf(
      absent
        ? {
            text: `Add endpoints to ${facts.upstream} in ${facts.around.setting.file ?? "the configuration"}, or take back down:.`,
          }
        : { text: "Mend what took the endpoints out: the failures before this one have the cause." },
    ),
  };
};

export const room: readonly Pattern[] = [poolExhausted, holdTooShort, retryBudget, nobody];
