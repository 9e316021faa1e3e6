// Refusals that logs tell of and that are no failure where the site answers: a login that is asked for, and the limits and
// rules that doctor itself met, in this run or one before. And lines of other sites, which are not asked about.
import type { Evidence } from "../evidence.ts";
import type { LogEvent } from "../logs/model.ts";
import { targetAt } from "./clues-logs.ts";

/** Asking for a login is what a gateway is set up to do. */
const LOGIN = /no user\/password was provided|password mismatch|user "?[^"]{0,200}"? was not found in/;

/** The evidence without the lines that tell of such refusals. */
export function withoutPolicy(evidence: Evidence): Evidence {
  // In the gateway's log, doctor has one of these addresses.
  const byDoctor = new Set(evidence.logs.duringProbes.flatMap(({ client }) => client ?? []));
  return without(evidence, (event) => isPolicy(event, byDoctor));
}

/** The evidence without lines of other sites of the same gateway: another host, and a member that is not on the way. */
export function ofThisSite(evidence: Evidence): Evidence {
  const asked = evidence.targets.find(({ target: { role } }) => role === "url")?.target.serverName;
  if (!asked || evidence.way.length === 0) return evidence;
  return without(evidence, ({ host, upstream }) => {
    const name = host?.replace(/:\d+$/, "").toLowerCase() ?? asked;
    return name !== asked && (upstream === null || targetAt(upstream, evidence) === null);
  });
}

/** The evidence as if the logs had no lines of these events. */
function without(evidence: Evidence, drop: (event: LogEvent) => boolean): Evidence {
  const { logs } = evidence;
  const files = logs.files.map((file) => {
    const events = file.events.filter((event) => !drop(event));
    const groups = file.report.groups
      .map((group) => {
        const left = (all: readonly LogEvent[]) => all.filter((event) => event.class === group.class).length;
        return { ...group, count: group.count - (left(file.events) - left(events)) };
      })
      .filter(
        ({ count, class: of }) =>
          count > 0 && (!file.events.some((e) => e.class === of) || events.some((e) => e.class === of)),
      );
    return { ...file, events, report: { ...file.report, groups } };
  });
  return { ...evidence, logs: { ...logs, files } };
}

function isPolicy({ class: of, client, text }: LogEvent, byDoctor: ReadonlySet<string>): boolean {
  if (of !== "request-denied" && of !== "rate-limited") return false;
  return LOGIN.test(text) || (client !== null && byDoctor.has(client));
}
