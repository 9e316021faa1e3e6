// Endpoints that went away and came back: again and again, one after the other, once; and those that somebody took out.
// What is seen is that they were gone and when; who did it is at most likely, from a deploy that was told or from the
// order in which they went.
import type { CauseId } from "../../failure/causes.ts";
import type { Ms } from "../../std/units.ts";
import { afterMark, all, count, listed } from "../facts.ts";
import { errnoReason, journal, type Pattern, reasonsOf, shell, span, stepsOf, verb } from "./candidate.ts";
import { CUT, isRefusal, REFUSED, refusing } from "./down.ts";

const OWN: CauseId = "upstream-error-passthrough";
const RESTART_MS: Ms = 60_000;
const DEPLOY_RESTART_MS: Ms = 180_000;

/** Gone and back several times. */
export const crashLoop: Pattern = (facts) => {
  const parts = facts.parts.filter(({ outages }) => outages.length >= 3);
  const [part] = parts;
  if (part === undefined || facts.share("connect-timeout", "network-unreachable") > 0.5) return null;
  const starts = part.outages.map(({ goneAt }) => goneAt);
  const gaps = starts.slice(1).map((at, before) => at - starts[before]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const regular = gaps.every((gap) => Math.abs(gap - mean) <= Math.max(2_000, 0.35 * mean));
  const deploy = facts.markBefore(["deploy", "upgrade"], 600_000);
  const names = listed(parts.slice(0, 3).map(({ name }) => name));
  const refused = facts.has(...REFUSED);
  const others = facts.othersText;
  return {
    pattern: "crash-loop",
    entry: "app-crashed",
    confidence: refused && part.outages.length >= 3 && parts.length < 3 ? "likely" : "possible",
    weight: 80,
    sentence: `${names} ${verb(facts, "goes", "went")} away and ${verb(facts, "comes", "came")} back again and again ${facts.since} (${part.outages.length} times${regular ? `, about every ${span(mean)}` : ""})${deploy === null ? "" : `, ${afterMark(deploy, facts.firstAt)}`}${others && `; ${others}`}: the process dies and is restarted each time`,
    short: `${names} restarts again and again (${part.outages.length} times)`,
    reasons: reasonsOf(
      `${part.outages.length} times gone and back since ${facts.timeOf(starts[0]!)}`,
      regular && `at even distances of about ${span(mean)}`,
      errnoReason(facts, ...REFUSED),
      others,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(
        "How often has it been restarted, and how did it end?",
        `systemctl show ${facts.upstream.replace(/[^\w@.-]/g, "") || "app"} -p NRestarts -p ExecMainStatus`,
      ),
      journal(facts, part),
    ),
    fixes: stepsOf({
      text: "Mend what ends it at start or soon after (a missing setting, a dependency, memory); back to the last version that ran if it came with a deploy.",
    }),
    alternatives: [
      {
        text: "A supervisor or a liveness probe that restarts it.",
        why: "Its log shows a signal instead of an error.",
      },
    ],
  };
};

/** Each endpoint went and came back, one after the other. */
export const rollingRestart: Pattern = (facts) => {
  const parts = facts.parts.filter(({ outages }) => outages.length >= 1 && outages.length <= 2);
  if (parts.length < 2 || parts.length < facts.parts.length * 0.6) return null;
  if (facts.share("connect-timeout", "network-unreachable", "response-timeout") > 0.4) return null;
  // Errors of what came back are not the restart's.
  if (facts.share(OWN) >= 0.3) return null;
  const spans = parts.map(({ outages }) => outages.at(-1)!).sort((a, b) => a.goneAt - b.goneAt);
  const back = spans.filter(({ backAt }) => backAt !== null);
  const deploy = facts.markBefore(["deploy"], 600_000);
  const most = deploy === null ? RESTART_MS : DEPLOY_RESTART_MS;
  if (back.length < spans.length - 1 || back.some(({ goneAt, backAt }) => backAt! - goneAt > most)) return null;
  const inTurn = spans
    .slice(1)
    .every(({ goneAt }, before) => goneAt >= (spans[before]!.backAt ?? Number.POSITIVE_INFINITY) - 1_000);
  const apart = spans.at(-1)!.goneAt - spans[0]!.goneAt >= 2_000;
  if (!inTurn && !apart) return null;
  const away = Math.max(...back.map(({ goneAt, backAt }) => backAt! - goneAt));
  const { shown, cut, passed } = facts.trouble.counts;
  const seen = shown + cut + passed === 0 ? "nobody saw an error" : facts.outcome;
  return {
    pattern: "rolling-restart",
    entry: "upstream-not-ready",
    confidence: inTurn || deploy !== null ? "likely" : "possible",
    weight: inTurn ? 82 : 70,
    sentence: `${count(parts.length, "endpoint")} of ${facts.upstream} went away and came back one after the other from ${facts.timeOf(spans[0]!.goneAt)} on, each for ${span(away)} at most: a rolling restart${deploy === null ? "" : ` (${afterMark(deploy, facts.firstAt)})`}; ${seen}`,
    short: `rolling restart of ${facts.upstream}: ${seen}`,
    reasons: reasonsOf(
      `${listed(parts.slice(0, 4).map(({ name }) => name))} each away once`,
      inTurn && "each went only after the one before was back",
      deploy?.text,
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, parts[0])),
    fixes: stepsOf(
      {
        text: "Let each process finish what it has before it ends (SIGTERM: stop accepting, answer what is open), and start the next only when the new one answers.",
      },
      facts.setting?.hold === null && {
        text: "Let requests wait while an endpoint is away:",
        code: `upstreams:\n  ${facts.upstream}:\n    hold: { for: 15s }`,
        language: "yaml",
      },
    ),
    against: "the endpoints did not go in turn",
  };
};

/** Away once, for a short while. */
export const restart: Pattern = (facts) => {
  const parts = refusing(facts).filter(({ outages }) => outages.length >= 1 && outages.length <= 2);
  const [part] = parts;
  if (part === undefined || parts.length !== refusing(facts).length || !isRefusal(facts)) return null;
  if (facts.share(OWN) >= 0.3) return null;
  const deploy = facts.markBefore(["deploy"], 600_000);
  // What ended with requests in flight crashed, or was stopped without being drained: that it is back changes nothing.
  if (deploy === null && parts.length === 1 && facts.n(...CUT) > 0) return null;
  const most = deploy === null ? RESTART_MS : DEPLOY_RESTART_MS;
  const lengths = parts.flatMap(({ outages }) =>
    outages.map(({ goneAt, backAt }) => (backAt === null ? null : backAt - goneAt)),
  );
  if (lengths.some((length) => length === null || length > most)) return null;
  const away = Math.max(...lengths.map((length) => length ?? 0));
  const names =
    parts.length < 2
      ? part.name
      : parts.length === facts.around.members(facts.upstream).filter(({ label }) => label !== "").length
        ? `${all(parts.length)} endpoints of ${facts.upstream}`
        : `${parts.length} endpoints of ${facts.upstream}`;
  const cut = facts.n(...CUT);
  return {
    pattern: "restart",
    entry: "upstream-not-ready",
    confidence: deploy !== null ? "likely" : "possible",
    weight: 74,
    sentence: `${names} refused connections for ${span(away)} from ${facts.timeOf(facts.firstAt)} on and ${parts.length === 1 ? "is" : "are"} back: ${deploy === null ? "a restart, or a crash after which it was started again" : `a restart ${afterMark(deploy, facts.firstAt)}`}`,
    short: `${names} restarted: away for ${span(away)}`,
    reasons: reasonsOf(
      `gone and back after ${span(away)}`,
      cut > 0 && `${count(cut, "request")} cut in flight`,
      deploy?.text,
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, part)),
    fixes: stepsOf({
      text: "If it was meant: let it finish what it has before it ends, and start the new process before the old one stops. If not: its log before that time says why it ended.",
    }),
  };
};

/** Somebody took it out: the last one of the upstream, or one whose process was then stopped. */
export const maintenance: Pattern = (facts) => {
  const at = facts.firstAt + 2_000;
  const { around, upstream } = facts;
  const onlyEmpty = facts.shareOfAll("no-healthy-upstream", "client-closed-request") >= 0.95;
  const emptied = onlyEmpty ? around.emptiedBy(upstream, at) : null;
  const taken = facts.parts.flatMap(({ label }) => around.takenOut(upstream, label, at) ?? []);
  const stopped = taken.length === facts.parts.length && facts.has(...REFUSED, ...CUT);
  const action = emptied ?? (stopped ? taken[0] : undefined);
  if (action === undefined) return null;
  const by = action.by === "" ? "" : ` by ${action.by}`;
  const name = action.endpoint === "" ? facts.names : facts.nameOf(action.endpoint);
  return {
    pattern: "maintenance",
    entry: "no-healthy-upstream",
    confidence: emptied === null ? "likely" : "proven",
    weight: 90,
    sentence: `${name} was taken out${by} at ${facts.timeOf(action.at)}${emptied === null ? "" : ` and no endpoint of ${upstream} ${verb(facts, "is", "was")} left in use`}: ${facts.outcome || "maintenance"}`,
    short: `${name} taken out${by}`,
    reasons: reasonsOf(
      action.text,
      emptied !== null && "every endpoint was drained, disabled or away then",
      facts.outcome,
    ),
    settle: [],
    fixes: stepsOf({
      text: "Enable the endpoint again when the work is done (Upstreams page, or the API); keep at least one in use meanwhile.",
    }),
  };
};
