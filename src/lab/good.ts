// What the lab does when it behaves: plain endpoints that tests and people put behind a gateway.
import { createHash } from "node:crypto";
import type { LabResponse } from "./answer.ts";
import type { LabRequest } from "./fault.ts";
import { filler } from "./fault.ts";

const PIECE_BYTES = 16_384;
const BYTES_MAX = 2 ** 32;
const SLOW_MS_MAX = 600_000;

/** Answers the plain endpoints; null = none of them. */
export async function goodResponse(request: LabRequest): Promise<LabResponse | null> {
  const { path, query } = request;
  if (path === "/lab/echo") return echo(request);
  if (path === "/lab/bytes") return someBytes(query);
  if (path === "/lab/slow") return slow(request);
  const status = /^\/lab\/status\/([2-5]\d\d)$/.exec(path)?.[1];
  if (status) return { status: Number(status), body: `${status}\n` };
  if (path === "/")
    return { status: 200, headers: [["Content-Type", "text/plain"]], body: "Goodgate lab. See /lab/\n" };
  return null;
}

/** A JSON answer. */
export function json(value: unknown, status = 200): LabResponse {
  return { status, headers: [["Content-Type", "application/json"]], body: JSON.stringify(value, null, 1) + "\n" };
}

/** A number of the query, within bounds. */
function wholeNumber(text: string | null, otherwise: number, max: number): number {
  return text && /^\d{1,12}$/.test(text) ? Math.min(Number(text), max) : otherwise;
}

async function echo(request: LabRequest): Promise<LabResponse> {
  const hash = createHash("sha256");
  for await (const piece of request.body.read()) hash.update(piece);
  const { method, target, version, headers, body, connectionId, requestIndexOnConnection } = request;
  return json({
    method,
    target,
    version,
    headers,
    connectionId,
    requestIndexOnConnection,
    body: { bytes: body.bytes, complete: body.complete, sha256: hash.digest("hex"), trailers: body.trailers },
  });
}

function someBytes(query: URLSearchParams): LabResponse {
  const count = wholeNumber(query.get("n"), 1024, BYTES_MAX);
  const trailers = query.has("trailers");
  async function* pieces(): AsyncGenerator<Buffer> {
    const piece = filler(PIECE_BYTES);
    for (let left = count; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
  }
  const chunked = trailers || query.has("chunked");
  return {
    status: 200,
    headers: [["Content-Type", "text/plain"], ...(trailers ? ([["Trailer", "X-Bytes"]] as const) : [])],
    body: pieces(),
    ...(chunked ? {} : { length: count }),
    ...(trailers ? { trailers: [["X-Bytes", String(count)]] as const } : {}),
  };
}

async function slow({ query, gone }: LabRequest): Promise<LabResponse> {
  await pauseUnlessGone(wholeNumber(query.get("ms"), 1000, SLOW_MS_MAX), gone);
  return { status: 200, headers: [["Content-Type", "text/plain"]], body: "slow, but here\n" };
}

/** Waits; ends early when the connection is closed. */
export function pauseUnlessGone(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, gone.aborted ? 0 : ms);
    function done() {
      clearTimeout(timer);
      gone.removeEventListener("abort", done);
      resolve();
    }
    gone.addEventListener("abort", done);
  });
}
