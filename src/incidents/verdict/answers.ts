// Answers that are no proper HTTP: cut bodies, heads over the limit, broken framing, another protocol. What was read is
// proven; why the application writes so is not.
import type { CauseId } from "../../failure/causes.ts";
import { size } from "../../failure/words.ts";
import { afterMark, count, type Facts, percent } from "../facts.ts";
import {
  direct,
  isSocket,
  journal,
  type Pattern,
  quoted,
  reasonsOf,
  setting,
  shell,
  stepsOf,
  they,
} from "./candidate.ts";

const raw = (facts: Facts): ReturnType<typeof shell> | null => {
  const [part] = facts.parts;
  if (part === undefined || isSocket(part)) return null;
  const scheme = facts.setting?.tls ? "https" : "http";
  return shell(
    "The bytes as the endpoint sends them:",
    `curl --raw -i -sS ${quoted(`${scheme}://${part.address}${facts.topPath().path || "/"}`)} | head -c 2000`,
  );
};

const detailReason = (facts: Facts, ...causes: readonly CauseId[]): string => {
  const [top] = facts.merged("details", ...causes).top(1);
  return top === undefined ? "" : `the parser said: ${top[0]}`;
};

const pathReason = (facts: Facts, ...causes: readonly CauseId[]): string => {
  const { path, share } = facts.topPath(...causes);
  return path !== "" && share >= 0.8 ? `${percent(share)} on ${path}` : "";
};

/** Bodies that end early although nothing else fails. */
const truncated: Pattern = (facts) => {
  if (facts.share("response-truncated") < 0.6) return null;
  const bytes = facts.spans("bytes", "response-truncated");
  const same = bytes.length >= 3 && bytes[0]! > 0 && bytes.at(-1)! - bytes[0]! <= 0.02 * bytes.at(-1)!;
  const { path, share } = facts.topPath("response-truncated");
  const one = path !== "" && share >= 0.8;
  return {
    pattern: "truncated-bodies",
    entry: "response-truncated",
    confidence: facts.n("response-truncated") >= 3 && (same || one) ? "likely" : "possible",
    weight: 68,
    sentence: `${facts.names} ${they(facts, "ends", "ended")} responses too early ${facts.since} (${count(facts.n("response-truncated"), "response")}${one ? ` on ${path}` : ""}${same ? `, always after ${size(bytes[0]!)}` : ""})${facts.othersText && `; ${facts.othersText}`}: ${same ? "a limit, a wrong Content-Length or a buffer on the way cuts them at one size" : "the application breaks off while it answers"}`,
    short: `responses of ${facts.names} end too early`,
    reasons: reasonsOf(
      pathReason(facts, "response-truncated"),
      same && `each was cut after ${size(bytes[0]!)}`,
      detailReason(facts, "response-truncated"),
      facts.outcome,
    ),
    settle: stepsOf(raw(facts), journal(facts, facts.parts[0])),
    fixes: stepsOf(
      same
        ? {
            text: "Compare Content-Length with what the application writes; look for a disk that is full or a limit of temporary files (nginx: proxy_max_temp_file_size) behind.",
          }
        : { text: "The application's log of that second has the exception, the killed worker or the restart." },
    ),
    against: "the endpoint was going away at the same time",
  };
};

/** Heads over the limit. */
const oversizeHead: Pattern = (facts) => {
  if (facts.share("response-header-too-large") < 0.5) return null;
  const mark = facts.markBefore(["deploy", "reload"], 1_800_000);
  const { path, share } = facts.topPath("response-header-too-large");
  return {
    pattern: "oversize-head",
    entry: "response-header-too-large",
    confidence: "proven",
    weight: 84,
    sentence: `${facts.names} ${they(facts, "sends", "sent")} response heads over the gateway's limit ${facts.since}${share >= 0.8 && path !== "" ? ` on ${path}` : ""}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}: headers, mostly cookies, have grown`,
    short: `response heads of ${facts.names} are over the limit`,
    reasons: reasonsOf(
      `${count(facts.n("response-header-too-large"), "response")} over the limit`,
      detailReason(facts, "response-header-too-large"),
      pathReason(facts, "response-header-too-large"),
      mark?.text,
      facts.outcome,
    ),
    settle: stepsOf(
      facts.parts[0] && !isSocket(facts.parts[0])
        ? shell(
            "How large is the head, and which field?",
            `curl -sS -D - -o /dev/null ${quoted(`http${facts.setting?.tls ? "s" : ""}://${facts.parts[0].address}${path || "/"}`)} | awk '{print length, $1}' | sort -rn | head`,
          )
        : null,
    ),
    fixes: stepsOf(
      { text: "Let the application send fewer and smaller cookies (a session id instead of the session)." },
      setting(
        facts,
        "If they must be so large:",
        "limits.head",
        facts.around.setting.language === "nginx" ? "32k" : "64KiB",
      ),
    ),
  };
};

/** What violates HTTP. */
const violation: Pattern = (facts) => {
  const causes: readonly CauseId[] = ["response-malformed", "response-encoding-invalid"];
  if (facts.share(...causes) < 0.5) return null;
  const entry =
    facts.n("response-malformed") >= facts.n("response-encoding-invalid")
      ? "response-malformed"
      : "response-encoding-invalid";
  const mark = facts.markBefore(["deploy"], 1_800_000);
  const [detail] = facts.merged("details", ...causes).top(1);
  return {
    pattern: "protocol-violation",
    entry,
    confidence: "proven",
    weight: 84,
    sentence: `${facts.names} ${they(facts, "sends", "sent")} responses that violate HTTP ${facts.since}${detail === undefined ? "" : ` (${detail[0]})`}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}${facts.othersText && `; ${facts.othersText}`}`,
    short: `${facts.names} ${they(facts, "sends", "sent")} invalid HTTP`,
    reasons: reasonsOf(
      `${count(facts.n(...causes), "response")} could not be read`,
      detailReason(facts, ...causes),
      pathReason(facts, ...causes),
      facts.othersText,
      facts.outcome,
    ),
    settle: stepsOf(raw(facts)),
    fixes: stepsOf({
      text: "Mend the field, the length or the chunks that are named; the HTTP library should do the framing alone.",
    }),
  };
};

/** One path is answered with something that is no HTTP; the server as such speaks it. */
function noHttpOnPath(facts: Facts, path: string): ReturnType<Pattern> {
  const [detail] = facts.merged("details", "protocol-mismatch").top(1);
  return {
    pattern: "protocol-violation",
    entry: "protocol-mismatch",
    confidence: facts.n("protocol-mismatch") >= 3 ? "likely" : "possible",
    weight: 85,
    sentence: `${facts.names} ${they(facts, "answers", "answered")} ${path} with something that is no HTTP ${facts.since} (${count(facts.n("protocol-mismatch"), "time")}${detail === undefined ? "" : `, ${detail[0]}`}); other requests are answered well: what serves this path writes to the connection past the HTTP library`,
    short: `${path} is answered with something that is no HTTP`,
    reasons: reasonsOf(detailReason(facts, "protocol-mismatch"), pathReason(facts, "protocol-mismatch"), facts.outcome),
    settle: stepsOf(raw(facts)),
    fixes: stepsOf({
      text: `Look at what the application writes on ${path}: output of a child process, a debug print, or a second server that shares the socket.`,
    }),
  };
}

/** Another protocol. */
const wrongProtocol: Pattern = (facts) => {
  if (facts.share("protocol-mismatch") < 0.5) return null;
  const never = facts.parts.every(({ seen }) => seen.answeredEver === 0);
  const { path, share } = facts.topPath("protocol-mismatch");
  const meanwhile = facts.parts.reduce((sum, { during }) => sum + during.answered, 0);
  if (!never && meanwhile > 0 && share >= 0.8 && path !== "") return noHttpOnPath(facts, path);
  const [detail] = facts.merged("details", "protocol-mismatch").top(1);
  return {
    pattern: "wrong-protocol",
    entry: "protocol-mismatch",
    confidence: never && facts.total >= 2 ? "proven" : "likely",
    weight: 85,
    sentence: `${facts.names} ${they(facts, "does", "did")} not speak HTTP/1.1 ${facts.since}${detail === undefined ? "" : ` (${detail[0]})`}${facts.othersText && `; ${facts.othersText}`}: another kind of server listens there`,
    short: `${facts.names} ${they(facts, "speaks", "spoke")} another protocol`,
    reasons: reasonsOf(
      detailReason(facts, "protocol-mismatch"),
      never && "it was never seen to answer in HTTP",
      facts.outcome,
    ),
    settle: stepsOf(raw(facts)),
    fixes: stepsOf({
      text: "Use the port that serves HTTP/1.1: a database, FastCGI or uwsgi, HTTP/2 or gRPC alone, or a server that expects the PROXY protocol listens on this one.",
    }),
  };
};

/** Uploads that are not taken. */
const uploads: Pattern = (facts) => {
  if (facts.share("upstream-write-failed") < 0.6) return null;
  const stalled = facts.merged("deadlines", "upstream-write-failed").total > 0;
  const methods = facts.merged("methods", "upstream-write-failed");
  const bodies = methods.get("POST") + methods.get("PUT") + methods.get("PATCH");
  return {
    pattern: "upload-refused",
    entry: "upstream-write-failed",
    confidence: bodies >= 3 && bodies >= 0.9 * methods.total ? "likely" : "possible",
    weight: 67,
    sentence: `${facts.names} ${they(facts, stalled ? "stops" : "ends the connection", stalled ? "stopped" : "ended the connection")} ${stalled ? "reading" : "while"} request bodies ${stalled ? "" : "are being sent "}${facts.since}${facts.topPath().share >= 0.8 ? ` (${facts.topPath().path})` : ""}: ${stalled ? "it does not read what is sent" : "a limit of the application on the size of bodies, which closes instead of answering 413"}`,
    short: `${facts.names} ${they(facts, "does", "did")} not take request bodies`,
    reasons: reasonsOf(
      bodies > 0 && `${count(bodies, "request")} with a body`,
      pathReason(facts, "upstream-write-failed"),
      facts.outcome,
    ),
    settle: stepsOf(journal(facts, facts.parts[0])),
    fixes: stepsOf({
      text: "Raise the application's own limit, or let it answer 413 and read the rest away; the gateway can refuse larger ones first (limits.body of the route).",
    }),
  };
};

const tooLarge: Pattern = (facts) => {
  if (facts.share("response-too-large") < 0.5) return null;
  return {
    pattern: "response-too-large",
    entry: "response-too-large",
    confidence: "proven",
    weight: 80,
    sentence: `${facts.names} ${they(facts, "sends", "sent")} bodies over the limit that is set ${facts.since}${facts.topPath().share >= 0.8 ? ` on ${facts.topPath().path}` : ""}`,
    short: `bodies of ${facts.names} are over the limit`,
    reasons: reasonsOf(pathReason(facts, "response-too-large"), facts.outcome),
    settle: [],
    fixes: stepsOf({
      text: "Let the application send less at once (pages, a file elsewhere), or raise limits.body of the upstream.",
    }),
  };
};

const upgrade: Pattern = (facts) => {
  if (facts.share("upgrade-failed") < 0.5) return null;
  const mark = facts.markBefore(["reload", "deploy"]);
  return {
    pattern: "upgrade-refused",
    entry: "upgrade-failed",
    confidence: mark !== null && facts.total >= 3 ? "likely" : "possible",
    weight: 80,
    sentence: `${facts.names} ${they(facts, "does", "did")} not upgrade connections ${facts.since}${facts.topPath().path === "" ? "" : ` (most on ${facts.topPath().path})`}${mark === null ? "" : `, ${afterMark(mark, facts.firstAt)}`}: the application does not serve WebSocket there, or a proxy between drops the Upgrade field`,
    short: `${facts.names} ${they(facts, "does", "did")} not upgrade connections`,
    reasons: reasonsOf(detailReason(facts, "upgrade-failed"), mark?.text, facts.outcome),
    settle: stepsOf(direct(facts, facts.parts[0], facts.topPath().path || "/")),
    fixes: stepsOf({
      text: "Make the same handshake straight at the application; if it works there, look at upgrade: of the route and at proxies in between.",
    }),
  };
};

export const answers: readonly Pattern[] = [
  truncated,
  oversizeHead,
  violation,
  wrongProtocol,
  uploads,
  tooLarge,
  upgrade,
];
