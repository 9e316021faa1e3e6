// Which client errors of a soak no gateway can avoid: those where an endpoint was ended while it had the request, and
//  - the request was a POST of which bytes had been sent (by the gateway's log): nobody may send it again;
//  - the same on a reused connection of an endpoint that was frozen: once it runs again its timer for idle connections
//    goes off first, and closes those whose request has not been read yet;
//  - the endpoint was killed after its answer had begun: a status that was sent cannot be taken back.
// An answer that an endpoint which drains cuts, any failed GET without an answer, any wrong body: none is excused.
import { countUp, logLines } from "./log.mjs";

/** Clocks of two processes, and the time from a signal to its effect. */
const SLACK_MS = 150;

/**
 * @param {import("./client.mjs").Result[]} results
 * @param {import("./endpoints.mjs").Endpoints} endpoints
 */
export async function audit(results, endpoints, accessLog) {
  const deliveries = endpoints.deliveries();
  const failed = results.filter(({ outcome }) => outcome !== "ok");
  const lines = await linesOf(failed, accessLog);
  const excused = {};
  const unexcused = [];
  for (const result of failed) {
    const line = lines.get(result.id);
    const why = result.outcome === "wrong body" ? null : excuseOf(result, line, endpoints.disturbances);
    if (why === null) unexcused.push(evidenceOf(result, line, deliveries));
    else countUp(excused, why);
  }
  return {
    excused,
    unexcused,
    wrongBodies: failed.filter(({ outcome }) => outcome === "wrong body").length,
    postTwice: [...deliveries].filter(([, list]) => list.length > 1).map(([id]) => id),
    postLost: results
      .filter(({ method, outcome, id }) => method === "POST" && outcome === "ok" && !deliveries.has(id))
      .map(({ id }) => id),
  };
}

/** The gateway's lines of the requests that failed, by id. */
async function linesOf(failed, accessLog) {
  const wanted = new Set(failed.map(({ id }) => id));
  const lines = new Map();
  for await (const line of logLines(accessLog)) if (wanted.has(line.requestId)) lines.set(line.requestId, line);
  return lines;
}

function excuseOf(result, line, disturbances) {
  const { method, outcome, startedAt, latencyMs, endpoint } = result;
  const endedAt = startedAt + latencyMs;
  const metBy = (address, signals) =>
    disturbances.some(
      (each) =>
        each.address === address &&
        signals.includes(each.kind) &&
        each.from < endedAt + SLACK_MS &&
        each.until > startedAt - SLACK_MS,
    );
  if (outcome === "cut" && metBy(endpoint, ["SIGKILL"])) return "answer cut by a kill";
  const last = line?.tries?.at(-1);
  if (method !== "POST" || last === undefined || last.bytesSent === 0) return null;
  if (metBy(last.endpoint, ["SIGKILL", "SIGTERM"])) return "POST sent to an endpoint that was ended";
  const isClosed = last.reused && last.bytesReceived === 0 && outcome !== "timeout";
  return isClosed && metBy(last.endpoint, ["SIGSTOP"]) ? "POST on a connection that a frozen endpoint closed" : null;
}

function evidenceOf({ id, method, path, outcome, latencyMs, endpoint }, line, deliveries) {
  const { cause, status, tries, heldMs } = line ?? {};
  const delivered = deliveries.get(id)?.length ?? 0;
  return {
    id,
    method,
    path,
    outcome,
    latencyMs: Math.round(latencyMs),
    endpoint,
    delivered,
    log: { cause, status, tries, heldMs },
  };
}
