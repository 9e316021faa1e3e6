// What callers do: they leave because it is slow or because their own timer ran out, ask for what is not there, send
// what is not allowed. Most of it is nobody's fault here, unless it began with a reload.
import type { CauseId } from "../../failure/causes.ts";
import { afterMark, count, type Facts, percent, shareOf } from "../facts.ts";
import { type Pattern, reasonsOf, shell, span, stepsOf } from "./candidate.ts";

const INVALID: ReadonlySet<CauseId> = new Set(["client-request-invalid", "request-denied", "rate-limited"]);
const LEFT: CauseId = "client-closed-request";

const clientsOf = (facts: Facts): number =>
  Math.max(facts.trouble.clients.counts.size, facts.trouble.counts.clients, facts.merged("clients").counts.size);

/** Clients go before the answer. */
const leave: Pattern = (facts) => {
  // Where answers time out, or nobody is there to give them, leaving only follows.
  if (facts.shareOfAll(LEFT) < 0.6 || facts.n("response-timeout", "response-body-timeout") >= 3) return null;
  if (facts.unanswered) return null;
  const cluster = facts.cluster("waitedMs", LEFT);
  const slowed = facts.slowed;
  const timer = cluster !== null && cluster.count >= 4 && cluster.share >= 0.6 ? cluster : null;
  const clients = facts.merged("clients", LEFT);
  const one = clients.counts.size === 1 && facts.n(LEFT) >= 5 ? clients.top(1)[0]![0] : null;
  const { path, share } = facts.topPath(LEFT);
  const where = path !== "" && share >= 0.8 ? ` on ${path}` : "";
  const what = `${count(facts.n(LEFT), "client")} left before ${facts.upstream === "" ? "the answer" : `${facts.upstream} answered`}${where} ${facts.since}`;
  if (timer !== null) {
    return {
      pattern: "client-timer",
      entry: LEFT,
      confidence: timer.share >= 0.8 ? "likely" : "possible",
      weight: 82,
      sentence: `${what}, ${shareOf(timer.share, "them")} after ${span(timer.ms)}: a timer of ${one === null ? "the callers" : one} is shorter than answers take`,
      short: `clients leave after ${span(timer.ms)}: their own timer`,
      reasons: reasonsOf(
        `${timer.count} waits lie at ${span(timer.ms)}`,
        slowed !== null && `answers slowed from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`,
        one !== null && `all from ${one}`,
      ),
      settle: stepsOf({
        text: `Which caller has a timeout of ${span(timer.ms)}? Kept failures have the User-Agent and the address.`,
      }),
      fixes: stepsOf({ text: "Make these answers faster, or let that caller wait longer than the gateway does." }),
    };
  }
  return {
    pattern: slowed !== null ? "client-aborts-slow" : "client-aborts",
    entry: LEFT,
    confidence: slowed !== null ? "likely" : "possible",
    weight: 70,
    sentence: `${what}${slowed === null ? "" : `: answers slowed from ${span(slowed.fromMs)} to ${span(slowed.toMs)}, so they did not wait`}`,
    short: slowed === null ? "unusually many clients leave" : "clients leave because answers are slow",
    reasons: reasonsOf(
      slowed !== null && `mean time to the head rose from ${span(slowed.fromMs)} to ${span(slowed.toMs)}`,
      one !== null && `all from ${one}`,
      where !== "" && `most${where}`,
    ),
    settle: stepsOf({ text: "Compare the time that they waited with the usual time of these paths." }),
    fixes: stepsOf({ text: "Find what made the answers slow, or what made these clients give up." }),
  };
};

/** Requests find no route. */
const noRoute: Pattern = (facts) => {
  if (facts.share("route-not-found") < 0.6) return null;
  const reload = facts.markBefore(["reload", "upgrade"], 180_000);
  const paths = facts.merged("paths", "route-not-found");
  const top = paths.top(3);
  const concentrated = top.reduce((sum, [, n]) => sum + n, 0) >= 0.4 * paths.total;
  const clients = clientsOf(facts);
  const few = top.reduce((sum, [, n]) => sum + n, 0) >= 0.9 * paths.total && facts.total >= 20;
  if (reload !== null && concentrated && (clients >= 3 || few)) {
    return {
      pattern: "bad-reload",
      entry: "route-not-found",
      confidence: facts.total >= 10 ? "likely" : "possible",
      weight: 84,
      sentence: `${count(facts.total, "request")} found no route ${facts.since}, ${afterMark(reload, facts.firstAt)} (most for ${top[0]?.[0] ?? "/"}): the reload took a route or host away that is still asked for`,
      short: `no route for ${top[0]?.[0] ?? "/"} since the reload`,
      reasons: reasonsOf(
        reload.text,
        `${count(clients, "client")} asked for few paths: ${top.map(([path]) => path).join(", ")}`,
      ),
      settle: stepsOf({ text: "The Config page shows what the reload changed." }),
      fixes: stepsOf({
        text: `Bring the route back in ${facts.around.setting.file ?? "the configuration"}, or redirect it; then reload.`,
      }),
    };
  }
  return scanner(facts, "route-not-found");
};

function scanner(facts: Facts, entry: CauseId): ReturnType<Pattern> {
  const clients = facts.merged("clients", entry);
  const [client, asked] = clients.top(1)[0] ?? ["", 0];
  const distinct = facts.merged("paths", entry).counts.size;
  const one = client !== "" && asked >= 0.7 * clients.total;
  return {
    pattern: "scanner",
    entry,
    confidence: one && distinct >= 10 ? "likely" : "possible",
    weight: 70,
    sentence: `${count(facts.total, "request")} ${INVALID.has(entry) ? "refused as not valid or not wanted" : "that nobody serves"} ${facts.since}${one ? `, ${asked >= clients.total ? "all" : "most"} from ${client}` : ""}${distinct > 10 ? ", for many different paths" : ""}: a scanner, or a client that is set up wrongly`,
    short: `${one ? `${client} asks` : "clients ask"} for what ${INVALID.has(entry) ? "is refused" : "is not there"}`,
    reasons: reasonsOf(
      one && `${percent(asked / Math.max(1, clients.total))} from ${client}`,
      `${count(distinct, "path")} or more`,
    ),
    settle: [],
    fixes: stepsOf({ text: "Nothing is broken. If it is a burden, refuse the address before the gateway." }),
  };
}

/** Requests that are not valid, too large or too slow. */
const invalid: Pattern = (facts) => {
  const causes: readonly CauseId[] = [
    "client-request-invalid",
    "client-request-too-large",
    "client-timeout",
    "request-denied",
    "rate-limited",
  ];
  if (facts.share(...causes) < 0.6) return null;
  const cause = causes.reduce((best, id) => (facts.n(id) > facts.n(best) ? id : best));
  const reload = facts.markBefore(["reload", "upgrade"], 180_000);
  const [detail] = facts.merged("details", cause).top(1);
  if (cause === "client-request-too-large") {
    const ours = reload !== null;
    return {
      pattern: ours ? "own-limit" : "requests-too-large",
      entry: cause,
      confidence: ours && facts.total >= 3 ? "likely" : "possible",
      weight: 80,
      sentence: `${count(facts.total, "request")} over a limit of the gateway ${facts.since}${ours ? `, ${afterMark(reload, facts.firstAt)}` : ""}${facts.topPath(cause).path === "" ? "" : ` (most on ${facts.topPath(cause).path})`}: ${ours ? "the reload lowered a limit below what callers send" : "callers send more than is allowed"}`,
      short: ours ? "requests over a limit since the reload" : "requests over a limit",
      reasons: reasonsOf(reload?.text, detail?.[0], `${count(clientsOf(facts), "client")}`),
      settle: stepsOf({ text: "Kept failures have the sizes." }),
      fixes: stepsOf({
        text: "Set the limit to what callers honestly need.",
        code:
          facts.around.setting.language === "nginx"
            ? "client_max_body_size 20m;"
            : "client:\n  limits: { body: 20MiB }",
        language: facts.around.setting.language,
      }),
    };
  }
  if (cause === "client-timeout") {
    return {
      pattern: "slow-clients",
      entry: cause,
      confidence: "possible",
      weight: 60,
      sentence: `${count(facts.total, "client")} were too slow to send their requests ${facts.since}: bad networks, or somebody who holds connections open on purpose`,
      short: "clients too slow to send",
      reasons: reasonsOf(`${count(clientsOf(facts), "address", "addresses")}`),
      settle: stepsOf(
        shell(
          "Who holds connections?",
          "ss -tn state established '( sport = :443 or sport = :80 )' | awk '{print $4}' | cut -d: -f1 | sort | uniq -c | sort -rn | head",
        ),
      ),
      fixes: stepsOf({ text: "The deadline did its work; nothing is broken here." }),
    };
  }
  return scanner(facts, cause);
};

export const callers: readonly Pattern[] = [leave, noRoute, invalid];
