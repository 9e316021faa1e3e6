// The visitors: requests at a fixed rate whatever the answers do (an open loop; a slow gateway does not get less to
// do), over kept-alive connections and some fresh ones. They do not try again: browsers would for a GET whose connection
// was closed, which is what HAProxy counts on; programs do not. One word says how each ended: "ok", a status, or what
// happened to the connection.
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const TIMEOUT_MS = 30_000;
/** Below what any of the gateways allows: the client's own keep-alive race is not what is measured. */
const IDLE_MS = 15_000;

/**
 * @typedef {{ id: string, method: string, path: string, body?: Buffer, fresh?: boolean, expected: string | Buffer }} Ask
 * @typedef {{ id: string, method: string, path: string, outcome: string, startedAt: number, latencyMs: number, endpoint: string }} Result
 */

/** Clients of the gateway at `port`. */
export function createClient(port) {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  return { send: (/** @type {Ask} */ ask) => send(port, agent, ask), close: () => agent.destroy() };
}

/** @returns {Promise<Result>} */
function send(port, agent, { id, method, path, body, fresh, expected }) {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    let endpoint = "";
    let begun = false;
    const end = (outcome) => {
      clearTimeout(deadline);
      resolve({ id, method, path, outcome, startedAt, latencyMs: performance.now() - startedAt, endpoint });
    };
    const headers = { "X-Request-Id": id, ...(body === undefined ? {} : { "Content-Length": body.length }) };
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent: fresh ? false : agent });
    const deadline = setTimeout(() => {
      end("timeout");
      request.destroy();
    }, TIMEOUT_MS);
    request.on("error", (error) => end(begun ? "cut" : nameOf(error)));
    request.on("response", (response) => {
      begun = true;
      endpoint = response.headers["x-endpoint"] ?? "";
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", () => end("cut"));
      response.on("end", () => {
        if (!response.complete) return end("cut");
        if (response.statusCode !== 200) return end(String(response.statusCode));
        end(Buffer.concat(chunks).equals(Buffer.from(expected)) ? "ok" : "wrong body");
      });
    });
    request.end(body);
  });
}

function nameOf(error) {
  if (error.code === "ECONNREFUSED") return "refused";
  if (error.code === "ECONNRESET" || error.code === "EPIPE") return "reset";
  return error.code ?? error.message;
}

/**
 * Issues `rate` requests a second for `seconds` and waits for the last answer. Returns by how much the client itself
 * was late at most: above some 50 ms the machine was too busy for the latencies to say much.
 * @param {{ rate: number, seconds: number, issue: (number: number) => Promise<void> }} options
 */
export async function openLoop({ rate, seconds, issue }) {
  const from = performance.now();
  const total = Math.round(rate * seconds);
  const pending = new Set();
  let lateMsMax = 0;
  for (let issued = 0; issued < total; issued++) {
    const waitMs = from + (issued / rate) * 1000 - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    lateMsMax = Math.max(lateMsMax, performance.now() - from - (issued / rate) * 1000);
    const exchange = issue(issued).finally(() => pending.delete(exchange));
    pending.add(exchange);
  }
  await Promise.all(pending);
  return { lateMsMax };
}
