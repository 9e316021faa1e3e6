// The way to an endpoint: hosts that do not answer, networks that are cut, names that do not resolve or lead elsewhere
// now, what the gateway may not do. A timeout of a connection proves that no answer came, not where it was lost.
import type { CauseId } from "../../failure/causes.ts";
import { afterMark, all, count, type Facts, listed } from "../facts.ts";
import {
  doctor,
  errnoReason,
  listening,
  type Pattern,
  quoted,
  reasonsOf,
  shell,
  span,
  stepsOf,
  verb,
} from "./candidate.ts";
import { FOLLOWS } from "./down.ts";

const UNREACHABLE: readonly CauseId[] = ["connect-timeout", "network-unreachable"];

const isUnreachable = (facts: Facts): boolean =>
  facts.has(...UNREACHABLE) &&
  facts.share(...UNREACHABLE, ...FOLLOWS, "response-timeout", "closed-before-response") >= 0.6 &&
  facts.n(...UNREACHABLE) >= 0.3 * facts.total;

/** A part that is unreachable. */
const lost = (facts: Facts) => facts.parts.filter(({ causes }) => UNREACHABLE.some((cause) => causes.has(cause)));

/** One host does not answer. */
export const hostDown: Pattern = (facts) => {
  const parts = lost(facts);
  const [part] = parts;
  const hosts = [...new Set(parts.map(({ host }) => host))];
  if (part === undefined || hosts.length !== 1 || !isUnreachable(facts)) return null;
  const host = hosts[0]!;
  const beside = facts.others.filter((other) => other.host === host && other.healthy);
  const answered = parts.some(({ seen }) => seen.answeredEver > 0);
  const codes = facts.merged("errnos", ...UNREACHABLE);
  const noHost = codes.get("EHOSTUNREACH") + codes.get("EHOSTDOWN") > 0;
  const names = parts.length > 1 ? `${all(parts.length)} endpoints on host ${host}` : part.name;
  const many = parts.length > 1;
  const why =
    beside.length > 0
      ? `other ports of ${host} answer, so packets to this one are dropped (a firewall), or the process takes no connections`
      : noHost
        ? "the network says that the host is not there: it is down or has another address"
        : "the host is down, or packets to it are dropped on the way";
  return {
    pattern: beside.length > 0 ? "port-blocked" : "host-down",
    entry: facts.n("network-unreachable") > facts.n("connect-timeout") ? "network-unreachable" : "connect-timeout",
    confidence:
      answered && facts.n(...UNREACHABLE) >= 3 && (facts.healthy.length > 0 || noHost) ? "likely" : "possible",
    // What answers meanwhile is not down.
    weight: parts.every(({ during, failures }) => during.answered > 0.5 * failures) ? 40 : 70,
    sentence: `${names} ${verb(facts, many ? "do" : "does", "did")} not answer connection attempts ${facts.since}${facts.othersText && `; ${facts.othersText}`}: ${why}`,
    short: `host ${host} does not answer`,
    reasons: reasonsOf(
      errnoReason(facts, ...UNREACHABLE),
      deadlineReason(facts),
      answered && "it answered before",
      many && `every endpoint on ${host} is affected`,
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(
        `From the gateway: does the host answer at all?`,
        `ping -c 3 ${quoted(host)}; ip neigh show ${quoted(host)}`,
      ),
      doctor(facts, part),
      part.port !== null && shell("Do packets come back from its port?", `nc -vz -w 3 ${quoted(host)} ${part.port}`),
    ),
    fixes: stepsOf({
      text: `Look at the machine ${host} itself (console of its provider). If it runs: a security group, firewall or network policy between the gateway and it that was changed at about ${facts.timeOf(facts.firstAt)}.`,
    }),
    alternatives: [
      {
        text: "A process that hangs so hard that its queue of connections is full.",
        why: "Then other ports of the host still answer, and ss shows a full Recv-Q.",
      },
    ],
  };
};

/** Several hosts at once. */
export const partition: Pattern = (facts) => {
  const parts = lost(facts);
  const hosts = [...new Set(parts.map(({ host }) => host))];
  if (hosts.length < 2 || !isUnreachable(facts)) return null;
  const starts = parts.map(({ firstAt }) => firstAt);
  const within = Math.max(...starts) - Math.min(...starts);
  if (within > 60_000) return null;
  const nets = [...new Set(hosts.map((host) => /^(\d+\.\d+\.\d+)\.\d+$/.exec(host)?.[1] ?? host))];
  const net = nets.length === 1 && /^\d/.test(nets[0]!) ? `${nets[0]}.0/24` : null;
  const noRoute = facts.merged("errnos", ...UNREACHABLE).get("ENETUNREACH") > 0;
  const upstreams = [...facts.trouble.upstreams];
  const answered = parts.filter(({ seen }) => seen.answeredEver > 0).length >= 2;
  const where = net !== null && facts.healthy.length > 0 ? ` in ${net}` : "";
  return {
    pattern: noRoute ? "no-route" : "network-partition",
    entry: noRoute ? "network-unreachable" : "connect-timeout",
    confidence: answered && within <= 30_000 ? "likely" : "possible",
    weight: 76,
    sentence: `${parts.length} endpoints on ${hosts.length} hosts${where}${upstreams.length > 1 ? ` of upstreams ${listed(upstreams.slice(0, 4))}` : ` of ${facts.upstream}`} stopped answering connection attempts ${within < 1_000 ? "at one moment" : `within ${span(within)}`}, ${facts.since}${facts.othersText && `; ${facts.othersText}`}: ${noRoute ? "this machine has no route to them" : "the network between the gateway and these hosts is cut"}`,
    short: `${hosts.length} hosts unreachable at once: network`,
    reasons: reasonsOf(
      `${hosts.length} hosts ${within < 1_000 ? "at one moment" : `within ${span(within)}`}`,
      net !== null && `all in ${net}`,
      errnoReason(facts, ...UNREACHABLE),
      deadlineReason(facts),
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(
        "From the gateway: the route to one of them",
        `ip route get ${quoted(hosts[0]!)}; ping -c 3 ${quoted(hosts[0]!)}`,
      ),
    ),
    fixes: stepsOf({
      text: "Look at what lies between: routes and interfaces of the gateway's machine, the switch or VPN, security groups and network policies changed at that time.",
    }),
  };
};

function deadlineReason(facts: Facts): string {
  const [top] = facts.merged("deadlines", "connect-timeout").top(1);
  return top === undefined ? "" : `${count(top[1], "attempt")} ended at the deadline ${deadlineText(top[0])}`;
}

/** "head 30000" → "timeouts.head (30 s)". */
export function deadlineText(text: string): string {
  const [name = "", ms = ""] = text.split(" ");
  return Number(ms) > 0 ? `${name} of ${span(Number(ms))}` : name;
}

/** Names do not resolve. */
export const dnsFailure: Pattern = (facts) => {
  const causes: readonly CauseId[] = ["dns-not-resolved", "dns-timeout"];
  if (facts.share(...causes, ...FOLLOWS) < 0.6 || !facts.has(...causes)) return null;
  const silent = facts.n("dns-timeout") >= facts.n("dns-not-resolved");
  const host = facts.parts[0]?.host || facts.setting?.endpoints[0]?.host || facts.upstream;
  const upstreams = [...facts.trouble.upstreams];
  const codes = [...facts.merged("errnos", ...causes).top(2), ...facts.merged("codes", ...causes).top(1)].map(
    ([code]) => code,
  );
  const change = facts.markBefore(["reload", "deploy", "addresses-changed"]);
  const many = upstreams.length > 1;
  return {
    pattern: "dns-failure",
    entry: silent ? "dns-timeout" : "dns-not-resolved",
    confidence: facts.total >= 3 ? (silent ? "likely" : "proven") : "likely",
    weight: 85,
    sentence: silent
      ? `the resolver ${verb(facts, "gives", "gave")} no answer for ${many ? `upstreams ${listed(upstreams.slice(0, 4))}` : host} ${facts.since}: the resolver, or the way to it, is not working`
      : `the name ${host} ${verb(facts, "does", "did")} not resolve ${facts.since}${change === null ? "" : ` (${afterMark(change, facts.firstAt)})`}: the record is missing, misspelt, or not known where the gateway runs`,
    short: silent ? "the resolver does not answer" : `the name ${host} does not resolve`,
    reasons: reasonsOf(
      codes.length > 0 && `the resolver said ${codes.join(", ")}`,
      many && `${upstreams.length} upstreams at once`,
      change?.text,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(
        "Where the gateway runs:",
        `getent hosts ${quoted(host)}; dig +short ${quoted(host)}; cat /etc/resolv.conf`,
      ),
    ),
    fixes: stepsOf(
      silent
        ? { text: "See whether each resolver in /etc/resolv.conf answers; port 53 over UDP and TCP must pass." }
        : {
            text: `Correct the name in ${facts.around.setting.file ?? "the configuration"}, or bring the record back.`,
          },
    ),
  };
};

/** A name leads elsewhere since a while. */
export const addressesChanged: Pattern = (facts) => {
  const change = facts.markBefore(["addresses-changed"], 600_000);
  if (
    change === null ||
    !facts.has(
      ...UNREACHABLE,
      "connect-refused",
      "closed-before-response",
      "tls-cert-name-mismatch",
      "protocol-mismatch",
    )
  )
    return null;
  const connects = facts.share(...UNREACHABLE, "connect-refused", ...FOLLOWS) >= 0.7;
  if (!connects && facts.firstAt - change.at > 120_000) return null;
  return {
    pattern: "dns-change",
    entry: facts.trouble.cause,
    confidence: connects && facts.firstAt - change.at <= 120_000 ? "likely" : "possible",
    weight: 78,
    sentence: `${facts.names} ${verb(facts, "fails", "failed")} ${facts.since}, ${afterMark(change, facts.firstAt)} (${change.text})${facts.othersText && `; ${facts.othersText}`}: the name leads to an address that does not serve, or no longer to one that does`,
    short: `fails since the addresses of ${facts.upstream} changed`,
    reasons: reasonsOf(
      `began ${afterMark(change, facts.firstAt)}`,
      errnoReason(facts),
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(
      shell("What does the name lead to now?", `dig +noall +answer ${quoted(facts.parts[0]?.host || facts.upstream)}`),
      facts.parts[0] && listening(facts.parts[0]),
    ),
    fixes: stepsOf({
      text: "Correct the record, or start what should serve at the new address; keep the old address serving until its TTL has passed.",
    }),
    against: "the change and the failures may only have met in time",
  };
};

/** The system forbids it. */
export const notPermitted: Pattern = (facts) => {
  if (facts.share("connect-permission-denied") < 0.5) return null;
  return {
    pattern: "not-permitted",
    entry: "connect-permission-denied",
    confidence: facts.total >= 3 ? "proven" : "likely",
    weight: 85,
    sentence: `the gateway ${verb(facts, "is", "was")} not allowed to connect to ${facts.names} ${facts.since}: file rights of the socket, SELinux, seccomp or a local firewall forbid it`,
    short: `the gateway may not connect to ${facts.names}`,
    reasons: reasonsOf(errnoReason(facts, "connect-permission-denied"), facts.outcome),
    settle: stepsOf(shell("Did SELinux refuse it?", "ausearch -m avc -ts recent | tail")),
    fixes: stepsOf({
      text: "Give the gateway's user the right to write to the socket and to enter its directories, or allow the connection in the policy that refused it.",
    }),
  };
};

export const way: readonly Pattern[] = [hostDown, partition, dnsFailure, addressesChanged, notPermitted];
