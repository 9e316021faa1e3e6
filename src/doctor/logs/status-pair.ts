// Who made the status, where a line has the gateway's and the upstream's. The trap: nginx enters the 502 and 504 that it
// made itself as $upstream_status, too; there only a header time (or another sign of an answer) tells that the upstream
// sent them. Pure.
import type { Facts } from "../../explain/explanation.ts";
import type { Attempt } from "./attempts.ts";

/** passthrough = the upstream sent it; own = the gateway made it; mirrored = nginx's 502 or 504, either way. */
export type StatusPair = "passthrough" | "own" | "mirrored";

const NGINX = /nginx|openresty|kong|tengine/;

/** Of a request that was answered with an error; null = the line has no pair. */
export function pairOf(facts: Facts, attempts: readonly Attempt[]): StatusPair | null {
  const { status, upstreamStatus, upstream, software, format, durations, flags } = facts;
  if (status === undefined || status < 500) return null;
  if (attempts.length > 1) return null;
  if (upstreamStatus === undefined)
    return saysNone(facts) && upstream !== undefined && flags === undefined ? "own" : null;
  if (upstreamStatus !== status) return "own";
  // Records with nginx's variables do not say that nginx wrote them.
  const isNginx = software === undefined || NGINX.test(`${software} ${format ?? ""}`);
  if (!isNginx || (status !== 502 && status !== 504)) return "passthrough";
  // 0.000 is printed for an answer that came at once; where none came it is "-", and no number.
  const header = durations?.["upstream_header_time"];
  return header !== undefined && header >= 0 ? "passthrough" : "mirrored";
}

/** The load balancers that always print the pair print "-" where the target did not answer. */
const saysNone = ({ format }: Facts): boolean => format !== undefined && /^(?:aws-alb|aws-clb)/.test(format);
