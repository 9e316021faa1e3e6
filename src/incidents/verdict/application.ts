// What the application itself does: errors of its own on one member or on all, after a deploy or without; requests that
// kill whoever takes them; workers that die behind a port that stays open. That a deploy did it is never proven: it
// only came before.
import type { CauseId } from "../../failure/causes.ts";
import { narrowPath } from "../belong.ts";
import { afterMark, all, count, type Facts, listed, type Part, percent, shareOf } from "../facts.ts";
import type { Mark, Step } from "../model.ts";
import { clusterOf } from "../tally.ts";
import {
  type Candidate,
  direct,
  journal,
  type Pattern,
  quoted,
  reasonsOf,
  shell,
  stepsOf,
  they,
  verb,
} from "./candidate.ts";
import { listStatuses } from "./timers.ts";

const OWN: CauseId = "upstream-error-passthrough";

/** It came back, or was brought in, within ten minutes before its errors. */
function restarted(facts: Facts, part: Part): string | null {
  const back = part.seen.events.findLast(
    ({ kind, at }) =>
      (kind === "endpoint-back" || kind === "health-up") && at <= part.firstAt + 5_000 && at >= part.firstAt - 600_000,
  );
  return back === undefined ? null : `it came back at ${facts.timeOf(back.at)}`;
}

/** Errors on one member, or on all. */
const ownErrors: Pattern = (facts) => {
  if (
    !facts.has(OWN) ||
    facts.share(OWN, "client-closed-request", "closed-before-response", "no-healthy-upstream", "connect-refused") <
      0.6 ||
    facts.share(OWN) < 0.3
  )
    return null;
  const failing = facts.parts.filter(({ causes }) => (causes.get(OWN) ?? 0) >= 1);
  const rates = failing.map((part) => ({ part, rate: part.during.errors / Math.max(1, part.during.answered) }));
  const worst = rates.reduce<(typeof rates)[number] | null>(
    (most, one) => (most === null || one.rate > most.rate ? one : most),
    null,
  );
  if (worst === null) return null;
  // Members with many times the share of errors of the others.
  const bad = rates.filter(({ rate }) => rate >= Math.max(0.05, worst.rate / 3));
  const members = facts.around.members(facts.upstream).filter(({ label }) => label !== "").length;
  const calm = [
    ...rates.filter((one) => !bad.includes(one)).map(({ part }) => part.name),
    ...facts.healthy.map(({ name }) => name),
  ];
  const deploy = facts.markBefore(["deploy", "upgrade"], 900_000);
  return bad.length < members && calm.length > 0 && bad.length <= Math.max(1, members / 2)
    ? memberErrors(
        facts,
        bad.map(({ part }) => part),
        worst.rate,
        calm,
        deploy,
      )
    : allErrors(facts, failing, worst.rate, deploy);
};

function memberErrors(
  facts: Facts,
  bad: readonly Part[],
  rate: number,
  calm: readonly string[],
  deploy: Mark | null,
): Candidate {
  const [part] = bad;
  const back = part === undefined ? null : restarted(facts, part);
  const names = listed(bad.slice(0, 3).map(({ name }) => name));
  const fresh = back !== null || deploy !== null;
  const calmText = `${calm.length > 3 ? `the other ${calm.length}` : listed(calm)} ${calm.length === 1 ? "answers" : "answer"} well`;
  const crashes = facts.n("closed-before-response");
  const { path, share } = facts.topPath(OWN);
  const only = path !== "" && path !== "/" && share >= 0.95 && rate < 0.9 ? path : "";
  return {
    pattern: fresh ? "bad-deploy-member" : "one-member-errors",
    entry: OWN,
    confidence: (part?.during.errors ?? 0) >= 5 && only === "" ? "likely" : "possible",
    weight: fresh ? 78 : 72,
    sentence: `${names} ${verb(facts, "answers", "answered")} ${listStatuses(facts)} to ${shareOf(rate, "its requests")} ${facts.since}${only && `, only on ${only}`}${back === null ? (deploy === null ? "" : `, ${afterMark(deploy, facts.firstAt)}`) : ` (${back})`}; ${calmText}: ${fresh ? "what runs there since then is bad" : "something is wrong with this member alone"}`,
    short: `${names} answers errors; others do not`,
    reasons: reasonsOf(
      `${shareOf(rate, "its answers")} are errors`,
      calmText,
      back,
      deploy?.text,
      only && `every error is on ${only}`,
      crashes > 0 && `${count(crashes, "request")} without an answer as well`,
      facts.outcome,
    ),
    settle: stepsOf(direct(facts, part, path || "/"), journal(facts, part)),
    alternatives:
      only === ""
        ? []
        : [{ text: `${only} fails everywhere.`, why: `Only if no other member was asked for ${only}: ask one.` }],
    fixes: stepsOf(
      {
        text: `Drain ${part?.name ?? "it"}, and compare its version, environment and configuration with the others; go back to the version before if it was just deployed.`,
      },
      !facts.setting?.eject && {
        text: "Let the gateway leave such a member out by itself:",
        code: `upstreams:\n  ${facts.upstream}:\n    eject: { failures: 5, within: 10s, for: 10s, statuses: [500] }`,
        language: "yaml",
      },
    ),
  };
}

function allErrors(facts: Facts, failing: readonly Part[], rate: number, deploy: Mark | null): Candidate {
  const { path, share } = facts.topPath(OWN);
  const onePath = path !== "" && share >= 0.85 && facts.n(OWN) >= 5;
  const statuses = facts.merged("statuses", OWN);
  if (deploy === null && statuses.total >= 3 && statuses.get("502") + statuses.get("504") >= 0.8 * statuses.total)
    return proxyBehind(facts, failing, rate, onePath ? path : "");
  const errors = failing.reduce((sum, { during }) => sum + during.errors, 0);
  return {
    pattern: deploy !== null ? "bad-deploy" : onePath ? "path-errors" : "application-errors",
    entry: OWN,
    confidence:
      deploy !== null && errors >= 5 && deploy.kind === "deploy" && facts.firstAt - deploy.at <= 300_000
        ? "likely"
        : onePath
          ? "likely"
          : "possible",
    weight: deploy !== null ? 77 : 60,
    sentence: `${failing.length > 1 ? `${all(failing.length)} endpoints of ${facts.upstream} answer` : `${facts.names} ${verb(facts, "answers", "answered")}`} ${listStatuses(facts)} to ${shareOf(rate, "requests")} ${facts.since}${onePath ? ` on ${path}` : ""}${deploy === null ? "" : `, ${afterMark(deploy, facts.firstAt)}`}: ${deploy === null ? (onePath ? "an error of the application on this path" : "errors of the application itself, or of something that all of it needs") : "what was deployed is bad"}`,
    short: `${facts.upstream} answers ${listStatuses(facts)}${deploy === null ? "" : " since the deploy"}`,
    reasons: reasonsOf(
      `${count(facts.n(OWN), "answer")} with a status of 500 or more`,
      onePath && `${percent(share)} on ${path}`,
      deploy?.text,
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, failing[0]), direct(facts, failing[0], path || "/")),
    fixes: stepsOf(
      deploy === null
        ? { text: "The application's log at that time has the error; see also what it depends on." }
        : { text: "Go back to the version before the deploy, then look at its log." },
    ),
    against: "the errors are not everywhere",
  };
}

const BREAKS: readonly CauseId[] = ["closed-before-response", "upstream-write-failed", "response-truncated"];

/** 502 and 504 are what proxies say of those behind them. */
function proxyBehind(facts: Facts, failing: readonly Part[], rate: number, path: string): Candidate {
  return {
    pattern: "hop-behind",
    entry: OWN,
    confidence: "likely",
    weight: 62,
    sentence: `${facts.names} ${they(facts, "answers", "answered")} ${listStatuses(facts)} to ${shareOf(rate, "requests")} ${facts.since}${path === "" ? "" : ` on ${path}`}: a proxy there cannot reach, or waits in vain for, what stands behind it`,
    short: `what stands behind ${facts.names} fails`,
    reasons: reasonsOf(
      `${count(facts.n(OWN), "answer")} with 502 or 504, which proxies say of those behind them`,
      facts.outcome,
    ),
    settle: stepsOf(direct(facts, failing[0], path || "/")),
    fixes: stepsOf({
      text: `Read the error log of the proxy at ${failing[0]?.name ?? "the endpoint"} at ${facts.timeOf(facts.firstAt)}: it names what it could not reach. Mend that.`,
    }),
    alternatives: [{ text: "The application says 502 or 504 itself.", why: "Then a service that it calls fails." }],
  };
}

/** What the poison guard found, where it is what most of this trouble's cuts are about. */
function poisonFound(facts: Facts, cuts: number): { readonly request: string; readonly path: string } | null {
  const [paths, clients] = [facts.merged("paths", ...BREAKS), facts.merged("clients", ...BREAKS)];
  for (const { kind, at, detail } of facts.around.whole(facts.upstream).events.toReversed()) {
    if (kind !== "poison-request" || at < facts.firstAt - 60_000) continue;
    const request = detail.replace(/[?#]\S*/g, "");
    const path = request.startsWith("/") ? request : (request.split(" ")[1] ?? "");
    const times = path === "" ? clients.get(request) : paths.get(path);
    if (times > 0 && times >= 0.5 * cuts && cuts >= 0.3 * facts.total) return { request, path };
  }
  return null;
}

/** One kind of request kills whoever takes it. */
const poison: Pattern = (facts) => {
  const cuts = facts.n(...BREAKS);
  const hit = facts.parts.filter((part) => BREAKS.some((cause) => part.causes.has(cause)));
  const found = hit.length >= 2 ? poisonFound(facts, cuts) : null;
  const { path, share } = facts.topPath(...BREAKS);
  const answered = facts.parts.reduce((sum, { during }) => sum + during.answered, 0);
  // A timer that ends a slow request, and errors of its own in numbers, tell another story.
  const timer = clusterOf(facts.spans("waitedMs", ...BREAKS));
  if ((timer !== null && timer.count >= 3 && timer.share >= 0.8) || facts.n(OWN) > cuts || answered < 2 * cuts)
    return null;
  if (found === null) {
    if (cuts < 3 || share < 0.85 || path === "" || facts.n("closed-before-response") < 0.5 * cuts) return null;
    if (!isTelling(facts, path)) return null;
    const gone = facts.has("connect-refused") || facts.parts.some(({ goneAt }) => goneAt !== null);
    if (hit.length < 2) return gone || answered < 2 * cuts ? null : killsOne(facts, path, cuts);
  }
  const [method = "GET"] = facts.merged("methods", ...BREAKS).top(1)[0] ?? [];
  const clients = facts.merged("clients", ...BREAKS);
  const one = clients.counts.size === 1 && cuts >= 3 ? clients.top(1)[0]![0] : null;
  const what = found === null ? `${method} ${path}` : found.path === "" ? `what ${found.request} sends` : found.request;
  const dies = facts.has("connect-refused");
  return {
    pattern: "poison-request",
    entry: "closed-before-response",
    confidence: found !== null || cuts >= 5 ? "likely" : "possible",
    weight: 87,
    sentence: `${what} ${verb(facts, "makes", "made")} whichever endpoint takes it ${dies ? "die" : "break off"} ${facts.since} (${count(cuts, "time")} on ${count(hit.length, "endpoint")})${answered > 0 ? "; other requests are answered" : ""}${one === null ? "" : `; all of them from ${one}`}: the request is at fault, not an endpoint`,
    short: `${what} breaks whichever endpoint takes it`,
    reasons: reasonsOf(
      found !== null && "failures followed this request from endpoint to endpoint",
      share >= 0.85 && `${shareOf(share, "what was cut")} is ${method} ${path}`,
      hit.length > 1 && `on ${count(hit.length, "endpoint")}`,
      one !== null && `all from ${one}`,
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, hit[0]), {
      text: "Send it to a test instance: a kept failure of this incident has its head.",
    }),
    fixes: stepsOf(
      { text: "Mend what ends the process on this request: the log of that second has it." },
      refuse(facts, found === null ? path : found.path),
    ),
  };
};

/** Refuses one path in the gateway; null where a pattern of it would be wider than the path. */
function refuse(facts: Facts, path: string): Step | null {
  if (!/^\/[\w.~%+@!$&'(),;=:/-]*[\w-]$/.test(path)) return null;
  const text = `Until then answer ${path} in the gateway (whoever needs that path gets an error):`;
  return facts.around.setting.language === "nginx"
    ? { text, code: `location = ${path} { return 403; }`, language: "nginx" }
    : { text, code: `routes:\n  - { path: ${JSON.stringify(path)}, respond: 403 }`, language: "yaml" };
}

/**
 * Whether a path among what was cut says something: not where all traffic is on it (what was refused would be too), and
 * not where a deploy explains the cuts.
 */
function isTelling(facts: Facts, path: string): boolean {
  if (path === "/" || facts.markBefore(["deploy"], 120_000) !== null) return false;
  const refused = facts.cause("connect-refused");
  if (refused === undefined || refused.paths.total < 3) return true;
  return refused.paths.get(path) < 0.8 * refused.paths.total;
}

function killsOne(facts: Facts, path: string, cuts: number): Candidate {
  return {
    pattern: "path-cut",
    entry: "closed-before-response",
    confidence: "possible",
    weight: 58,
    sentence: `${facts.names} ${they(facts, "ends", "ended")} the connection on ${path} ${facts.since} (${count(cuts, "time")})${facts.othersText && `; ${facts.othersText}`}: what answers this path breaks off`,
    short: `${facts.names} ${they(facts, "breaks", "broke")} off on ${path}`,
    reasons: reasonsOf(`most of what was cut is on ${path}`, facts.othersText, facts.outcome),
    settle: stepsOf(journal(facts, facts.parts[0]), direct(facts, facts.parts[0], path)),
    fixes: stepsOf({ text: "The application's log of that second has the exception or the killed worker." }),
  };
}

/** Connections end, but the port stays open: workers die behind it. */
const workersDie: Pattern = (facts) => {
  if (
    facts.share("closed-before-response", "upstream-write-failed", "response-truncated") < 0.6 ||
    !facts.has("closed-before-response") ||
    facts.has("connect-refused") ||
    facts.parts.some(({ goneAt }) => goneAt !== null)
  )
    return null;
  const narrow = narrowPath(facts.trouble, "away");
  const fresh = narrow === null ? freshMember(facts) : null;
  if (fresh !== null) return fresh;
  if (facts.parts.length > 0 && facts.parts.every(({ seen }) => seen.answeredEver === 0)) return neverAnswered(facts);
  return {
    pattern: "connections-cut",
    entry: "closed-before-response",
    confidence: "possible",
    weight: 50,
    sentence: `${facts.names} ${they(facts, "ends", "ended")} connections without an answer ${facts.since} (${count(facts.n("closed-before-response"), "time")}${narrow === null ? "" : `, most on ${narrow}`}), but takes new ones${facts.othersText && `; ${facts.othersText}`}: workers behind the port die or are killed, or it was restarted quickly`,
    short: `${facts.names} ${they(facts, "ends", "ended")} connections without an answer`,
    reasons: reasonsOf(
      `${count(facts.n("closed-before-response"), "connection")} ended before an answer, none refused`,
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      journal(facts, facts.parts[0]),
      shell("Killed for memory?", "journalctl -k | grep -iE 'out of memory|oom-kill|segfault'"),
    ),
    fixes: stepsOf({
      text: "Its log of that second says why a worker ended: an exception, a signal, a supervisor's timeout, memory.",
    }),
  };
};

/** Every connection ends without a byte, and none was ever answered. */
function neverAnswered(facts: Facts): Candidate {
  const [part] = facts.parts;
  const tls = facts.setting?.tls === true;
  return {
    pattern: "never-worked",
    entry: "closed-before-response",
    confidence: facts.n("closed-before-response") >= 5 ? "likely" : "possible",
    weight: 76,
    sentence: `${facts.names} ${they(facts, "closes", "closed")} every connection without a byte ${facts.since} and ${facts.parts.length > 1 ? "were" : "was"} never seen to answer${facts.othersText && `; ${facts.othersText}`}: another protocol is spoken there${tls ? "" : " (TLS, for one)"}, or the process ends each connection`,
    short: `${facts.names} ${facts.parts.length > 1 ? "have" : "has"} never answered: another protocol?`,
    reasons: reasonsOf(
      `${count(facts.n("closed-before-response"), "connection")} ended before an answer, none was answered`,
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      part !== undefined &&
        part.port !== null &&
        shell("Does it answer in TLS?", `curl -vk ${quoted(`https://${part.address}/`)} -o /dev/null`),
      journal(facts, part),
    ),
    fixes: stepsOf({
      text: tls
        ? "Use the port that serves HTTP over TLS."
        : "If it answers in TLS, write the endpoint with https://; else use the port that serves HTTP.",
    }),
  };
}

/** One member breaks off since it was restarted, the others are well. */
function freshMember(facts: Facts): Candidate | null {
  const [part] = facts.parts;
  if (part === undefined || facts.parts.length > 1 || facts.healthy.length === 0 || part.failures < 5) return null;
  const deploy = facts.markBefore(["deploy", "upgrade"], 900_000);
  const back = restarted(facts, part);
  if (back === null) return null;
  return {
    pattern: "bad-deploy-member",
    entry: "closed-before-response",
    confidence: "likely",
    weight: 73,
    sentence: `${part.name} ${verb(facts, "ends", "ended")} connections without an answer ${facts.since} (${count(part.failures, "time")}; ${back}${deploy === null ? "" : `, ${afterMark(deploy, facts.firstAt)}`}); ${facts.othersText}: what runs there since then is bad`,
    short: `${part.name} breaks off since it was restarted`,
    reasons: reasonsOf(back, deploy?.text, facts.othersText, facts.outcome),
    settle: stepsOf(journal(facts, part)),
    fixes: stepsOf({
      text: `Drain ${part.name}, and go back to the version before; its log of that second has the error.`,
    }),
  };
}

export const application: readonly Pattern[] = [ownErrors, poison, workersDie];
