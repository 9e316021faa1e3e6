// Troubles of this gateway itself: resources, configuration, loops, our own errors. And what is said of a cause that no
// pattern tells more of.
import { CAUSES } from "../../failure/causes.ts";
import { afterMark, count, type Facts } from "../facts.ts";
import {
  type Candidate,
  direct,
  errnoReason,
  journal,
  type Pattern,
  reasonsOf,
  shell,
  stepsOf,
  verb,
} from "./candidate.ts";

const exhausted: Pattern = (facts) => {
  if (facts.share("gateway-resource-exhausted") < 0.4) return null;
  const codes = facts.merged("errnos", "gateway-resource-exhausted");
  const ports = codes.get("EADDRNOTAVAIL") > 0.5 * codes.total;
  const memory = codes.get("ENOMEM") + codes.get("ENOBUFS") > 0.5 * codes.total;
  const files = codes.get("EMFILE") + codes.get("ENFILE") > 0.5 * codes.total;
  const what = ports
    ? "local ports"
    : memory
      ? "memory for sockets"
      : files
        ? "file descriptors"
        : "a resource of the system";
  return {
    pattern: "gateway-exhausted",
    entry: "gateway-resource-exhausted",
    confidence: ports || memory || files ? "proven" : "likely",
    weight: 92,
    sentence: `the gateway itself ${verb(facts, "has", "had")} no ${what} left ${facts.since} (${errnoReason(facts, "gateway-resource-exhausted") || count(facts.total, "failure")}): the upstreams are not at fault`,
    short: `the gateway is out of ${what}`,
    reasons: reasonsOf(
      errnoReason(facts, "gateway-resource-exhausted"),
      facts.trouble.upstreams.size > 1 && `${facts.trouble.upstreams.size} upstreams at once`,
      facts.outcome,
    ),
    settle: stepsOf(
      shell(
        "On the gateway's machine:",
        ports
          ? "ss -s; sysctl net.ipv4.ip_local_port_range"
          : "for p in $(pgrep -f goodgate); do ls /proc/$p/fd | wc -l; grep 'open files' /proc/$p/limits; done",
      ),
    ),
    fixes: stepsOf(
      ports
        ? {
            text: "Keep more connections to the upstreams (keepalive), so that fewer are opened; widen net.ipv4.ip_local_port_range.",
          }
        : {
            text: "Raise the limit of open files of the service (LimitNOFILE= in its unit), and find what holds so many connections.",
          },
    ),
  };
};

const configured: Pattern = (facts) => {
  const causes = ["gateway-config-invalid", "proxy-loop", "gateway-internal-error"] as const;
  const cause = causes.find((id) => facts.share(id) >= 0.5);
  if (cause === undefined) return null;
  const mark = facts.markBefore(["reload", "upgrade", "started"]);
  const told: Record<(typeof causes)[number], readonly [pattern: string, text: string, fix: string]> = {
    "gateway-config-invalid": [
      "bad-reload",
      "the configuration asks for something that cannot work",
      "goodgate check names it; go back to the file before if it came with the reload.",
    ],
    "proxy-loop": [
      "proxy-loop",
      "requests come back to this gateway: an upstream leads to the gateway itself, or to a proxy in front of it",
      "Give the upstream the application's address instead of the public name.",
    ],
    "gateway-internal-error": [
      "gateway-error",
      "an error of the gateway itself",
      "Please report it with the log line of that second; it is not the upstream's fault.",
    ],
  };
  const [pattern, text, fix] = told[cause];
  const [detail] = facts.merged("details", cause).top(1);
  const [head = text, why] = text.split(": ");
  return {
    pattern,
    entry: cause,
    confidence: cause === "proxy-loop" ? "proven" : "likely",
    weight: 88,
    sentence: `${head} ${facts.since}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}${detail === undefined ? "" : ` (${detail[0]})`}${why === undefined ? "" : `: ${why}`} (${count(facts.total, "request")})`,
    short: text.split(":")[0]!.slice(0, 60),
    reasons: reasonsOf(detail?.[0], mark?.text, facts.outcome),
    settle: stepsOf(shell("What does check say?", `goodgate check ${facts.around.setting.file ?? "goodgate.yaml"}`)),
    fixes: stepsOf({ text: fix }),
  };
};

/** The cause alone: when nothing tells more. */
export function plainVerdict(facts: Facts): Candidate {
  const { cause } = facts.trouble;
  const { title } = CAUSES[cause];
  return {
    pattern: cause,
    entry: cause,
    confidence: "possible",
    weight: 0,
    sentence: `${facts.names}: ${title.charAt(0).toLowerCase()}${title.slice(1)} ${facts.since} (${count(facts.total, "failure")})${facts.othersText && `; ${facts.othersText}`}`,
    short: `${facts.names}: ${title}`,
    reasons: reasonsOf(errnoReason(facts), facts.outcome),
    settle: stepsOf(journal(facts, facts.parts[0]), direct(facts, facts.parts[0])),
    fixes: [],
  };
}

export const gateway: readonly Pattern[] = [exhausted, configured];
