// Timers that show in spans: idle times before a failure near the upstream's own keep-alive timer, waits that gather
// at one value that is not ours. One sample shows nothing; three that lie within 2 % of each other do. Which program
// has such a timer is a hint, never a proof.
import type { CauseId } from "../../failure/causes.ts";
import type { Ms } from "../../std/units.ts";
import { count, type Facts, percent, shareOf } from "../facts.ts";
import type { Step } from "../model.ts";
import { clusterOf } from "../tally.ts";
import {
  duration,
  isSocket,
  journal,
  type Pattern,
  reasonsOf,
  setting,
  shell,
  span,
  stepsOf,
  they,
} from "./candidate.ts";

const IDLE_DEFAULTS: readonly (readonly [ms: Ms, who: string])[] = [
  [2_000, "gunicorn"],
  [5_000, "Node, uvicorn and Apache"],
  [15_000, "older Apache"],
  [20_000, "Puma"],
  [60_000, "Tomcat and load balancers"],
  [65_000, "nginx as packaged"],
  [72_000, "Fastify"],
  [75_000, "nginx"],
];
const CUT_DEFAULTS: readonly (readonly [ms: Ms, who: string])[] = [
  [10_000, "Vercel functions"],
  [26_000, "Netlify functions"],
  [29_000, "AWS API Gateway"],
  [30_000, "gunicorn --timeout, PHP max_execution_time or Heroku's router"],
  [60_000, "nginx proxy_read_timeout, uwsgi, Puma's worker timeout or an AWS load balancer"],
  [100_000, "Cloudflare, .NET's HttpClient"],
  [120_000, "IIS, or a proxy with 2 minutes"],
  [230_000, "Azure's load balancer"],
  [300_000, "Node's requestTimeout, Apache or a proxy with 5 minutes"],
];

/** Whose default a span is. */
function whose(ms: Ms, defaults: readonly (readonly [Ms, string])[]): string | null {
  return defaults.find(([value]) => Math.abs(value - ms) <= Math.max(150, value * 0.03))?.[1] ?? null;
}

/** Who closes a kept connection first. */
function closes(facts: Facts): Step | null {
  const [part] = facts.parts;
  if (part === undefined || isSocket(part)) return null;
  const port = part.port === null ? "" : ` and port ${part.port}`;
  return shell(
    "Watch who closes first (FIN from the endpoint before the request):",
    `tcpdump -ni any 'host ${part.host.replace(/[^\w.:-]/g, "")}${port} and tcp[tcpflags] & (tcp-fin|tcp-rst) != 0'`,
  );
}

/** The upstream closes idle connections while requests are on their way. */
export const keepaliveRace: Pattern = (facts) => {
  const races = facts.n("keepalive-race");
  const closed = facts.cause("closed-before-response");
  const looksSo =
    closed !== undefined &&
    closed.failures >= 3 &&
    closed.reused >= 0.9 * closed.failures &&
    closed.withoutByte >= 0.9 * closed.failures &&
    clusterOf(closed.idleMs.values, 1_500) !== null &&
    facts.spans("waitedMs", "closed-before-response").every((ms) => ms < 250);
  if (races === 0 && !looksSo) return null;
  if (facts.share("keepalive-race", ...(looksSo ? (["closed-before-response"] as const) : [])) < 0.6) return null;
  const causes: CauseId[] = races > 0 ? ["keepalive-race", "closed-before-response"] : ["closed-before-response"];
  const idle = facts.spans("idleMs", ...causes);
  const known = Math.max(0, ...causes.map((cause) => facts.cause(cause)?.keepAliveMs ?? 0));
  const cluster = clusterOf(idle, 1_500);
  const near = known > 0 ? idle.filter((ms) => ms >= 0.8 * known && ms <= 1.2 * known + 1_000).length : 0;
  const timer = known > 0 ? known : cluster !== null && cluster.share >= 0.6 && cluster.count >= 3 ? cluster.ms : 0;
  const who = timer > 0 ? whose(timer, IDLE_DEFAULTS) : null;
  const proven = races >= 3 && known > 0 && near >= 3 && near >= 0.8 * idle.length;
  const total = facts.n(...causes);
  const idleText =
    idle.length === 0
      ? ""
      : ` after ${span(idle[0]!)}${span(idle.at(-1)!) === span(idle[0]!) ? "" : ` to ${span(idle.at(-1)!)}`} of idleness`;
  const ours = facts.setting?.keepalive.idleMs ?? 0;
  return {
    pattern: "keepalive-race",
    entry: "keepalive-race",
    confidence: proven ? "proven" : races >= 3 && timer > 0 ? "likely" : "possible",
    weight: 83,
    sentence: `${facts.names} closed ${count(total, "kept connection")}${idleText} just as a request went out, ${facts.since}: ${timer > 0 ? `its idle timer of about ${span(timer)}${who === null ? "" : ` (the default of ${who})`} runs out before the gateway closes` : "its idle timer runs out before the gateway closes"}`,
    short: `keep-alive race with ${facts.names}`,
    reasons: reasonsOf(
      `${count(total, "request")} on kept connections ended without a byte of an answer`,
      timer > 0 &&
        (known > 0
          ? `it ${near >= 1 ? "keeps" : "says that it keeps"} idle connections for ${span(known)}`
          : `${shareOf(cluster!.share, "them")} had been idle for about ${span(timer)}`),
      ours > 0 &&
        `the gateway keeps idle connections for ${span(ours)}${facts.setting?.keepalive.auto ? " until it has learnt better" : ""}`,
      facts.outcome,
    ),
    settle: stepsOf(closes(facts)),
    fixes: stepsOf(
      timer > 500
        ? setting(
            facts,
            "Let the gateway close first:",
            "keepalive.idle",
            duration(Math.max(500, Math.floor((timer * 0.8) / 500) * 500)),
          )
        : { text: "Set keepalive.idle of the upstream below the application's own idle timer." },
      {
        text: "Or raise the application's timer above the gateway's (Node: server.keepAliveTimeout = 65_000; gunicorn: --keep-alive 65; uvicorn: --timeout-keep-alive 65).",
      },
    ),
    against: "the connections had not been idle near one value",
  };
};

/** Something behind closes at the value of a timer. */
export const upstreamTimer: Pattern = (facts) => {
  const causes: readonly CauseId[] = ["closed-before-response", "response-truncated", "worker-timeout"];
  if (
    facts.share(
      ...causes,
      "connect-refused",
      "no-healthy-upstream",
      "client-closed-request",
      "upstream-error-passthrough",
    ) < 0.6
  )
    return null;
  const values = facts.spans("waitedMs", ...causes);
  const cluster = clusterOf(values);
  if (cluster === null || cluster.count < 3 || cluster.share < 0.6) return null;
  const who = whose(cluster.ms, CUT_DEFAULTS);
  // Work that takes about equally long looks alike below a few seconds.
  const round = Math.abs(cluster.ms / 1000 - Math.round(cluster.ms / 1000)) < 0.1 + 0.02 * (cluster.ms / 1000);
  const sharp = round && cluster.count >= 5 && cluster.share >= 0.9;
  if (cluster.ms < 4_000 && who === null && !sharp) return null;
  const { path, share } = facts.topPath(...causes);
  return {
    pattern: "upstream-timer",
    entry: "worker-timeout",
    confidence: cluster.count >= 3 && cluster.share >= 0.8 && (who !== null || round) ? "likely" : "possible",
    weight: 81,
    sentence: `${facts.names} ${they(facts, "breaks", "broke")} off after ${span(cluster.ms)} again and again ${facts.since} (${cluster.count} of ${values.length} seen): a timer behind the gateway ends slow requests${who === null ? "" : `, as ${who} does by default`}`,
    short: `${facts.names} ${they(facts, "cuts", "cut")} requests after ${span(cluster.ms)}`,
    reasons: reasonsOf(
      `${shareOf(cluster.share, "the waits")} lie at ${span(cluster.ms)}, which is none of the gateway's timers`,
      path !== "" && share > 0.8 && `${percent(share)} on ${path}`,
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, facts.parts[0])),
    fixes: stepsOf(
      {
        text: "Make the request faster, or move its work out of it. Else raise that timer; it should be longer than honest work takes and shorter than the gateway waits.",
      },
      {
        text: "The timers of the whole way are shown on the Upstreams page; goodgate doctor finds where they do not fit.",
      },
    ),
    against: "the waits do not gather at one value",
  };
};

/** 5xx of the upstream itself that come at the value of a timer, or tell of a hop behind. */
export const behind: Pattern = (facts) => {
  if (facts.share("upstream-error-passthrough", "client-closed-request") < 0.6) return null;
  const told = facts.merged("proxyStatus").top(1)[0];
  const cluster = facts.cluster("waitedMs", "upstream-error-passthrough");
  const statuses = facts.merged("statuses", "upstream-error-passthrough");
  const gatewayLike =
    statuses.total > 0 && (statuses.get("502") + statuses.get("503") + statuses.get("504")) / statuses.total >= 0.8;
  const late = cluster !== null && cluster.count >= 3 && cluster.share >= 0.6 && cluster.ms >= 4_000;
  if (told === undefined && !late) return null;
  const who = late ? whose(cluster.ms, CUT_DEFAULTS) : null;
  return {
    pattern: told === undefined ? "timer-behind" : "hop-behind",
    entry: "upstream-error-passthrough",
    confidence: told !== undefined ? "likely" : gatewayLike ? "likely" : "possible",
    weight: 80,
    sentence: `${facts.names} ${they(facts, "answers", "answered")} ${listStatuses(facts)} ${facts.since}${late ? ` after ${span(cluster.ms)} each` : ""}: ${told === undefined ? `a proxy or platform behind it gives up${who === null ? "" : ` (${who})`}` : `a hop behind it says "${told[0]}"`}`,
    short:
      told === undefined
        ? `a timer of ${span(cluster!.ms)} behind ${facts.names}`
        : `a hop behind ${facts.names} fails`,
    reasons: reasonsOf(
      told !== undefined && `${count(told[1], "answer")} carried Proxy-Status: ${told[0]}`,
      late && `${shareOf(cluster.share, "the answers")} came at ${span(cluster.ms)}`,
      facts.outcome,
    ),
    settle: stepsOf({
      text: "Look at the log of the hop behind at that time: the failure is between it and what it asks.",
    }),
    fixes: stepsOf({ text: "Mend it there: the gateway passed on what it was given." }),
  };
};

export function listStatuses(facts: Facts): string {
  const top = facts.merged("statuses", "upstream-error-passthrough").top(2);
  return top.length === 0 ? "with errors of its own" : top.map(([status]) => status).join(" and ");
}

export const timers: readonly Pattern[] = [keepaliveRace, upstreamTimer, behind];
