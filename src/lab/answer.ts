// Writes an ordinary response: framing by Content-Length where the length is known, else chunked, else (HTTP/1.0) by
// close. What an ordinary server does, so that all that is out of the ordinary comes from a fault.
import type { Bytes } from "../std/units.ts";
import type { LabRequest } from "./fault.ts";
import type { Ending, Peer } from "./peer.ts";
import type { Field } from "./request.ts";

export interface LabResponse {
  readonly status: number;
  readonly headers?: readonly Field[];
  /** A stream is sent as it comes; it should end when the request's `gone` is aborted. */
  readonly body?: string | Buffer | AsyncIterable<string | Buffer>;
  /** Length of a streamed body, where it is known. */
  readonly length?: Bytes;
  /** Sent after a chunked body. */
  readonly trailers?: readonly Field[];
  /** With status 101: takes the connection over after the head. */
  readonly upgrade?: (peer: Peer) => Promise<void>;
}

const REASONS: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  417: "Expectation Failed",
  418: "I'm a teapot",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Status line and fields with the empty line. */
export function headText(status: number, headers: readonly Field[]): string {
  return (
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Unnamed"}\r\n` +
    headers.map(([name, value]) => `${name}: ${value}\r\n`).join("") +
    "\r\n"
  );
}

/** Whether a request lets the connection go on (RFC 9112 §9.3). */
export function wantsKeepAlive(request: LabRequest): boolean {
  const options = (request.header("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  return request.version === "1.0" ? options.includes("keep-alive") : !options.includes("close");
}

/** Sends the response and says how the connection goes on. */
export async function sendAnswer(peer: Peer, request: LabRequest, response: LabResponse): Promise<Ending> {
  const { status, body } = response;
  if (status === 101) {
    await peer.send(headText(101, response.headers ?? []));
    await response.upgrade?.(peer);
    return "fin";
  }
  const bodiless = request.method === "HEAD" || status === 204 || status === 304;
  const whole = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
  const bytes = whole ? Buffer.from(body ?? "") : null;
  const length = bytes?.length ?? response.length;
  const chunked = length === undefined && request.version !== "1.0";
  const keep = wantsKeepAlive(request) && (bodiless || length !== undefined || chunked) && !request.body.awaitsContinue;
  const headers: Field[] = [...(response.headers ?? [])];
  if (chunked) headers.push(["Transfer-Encoding", "chunked"]);
  else if (length !== undefined && status !== 204) headers.push(["Content-Length", String(length)]);
  if (!keep) headers.push(["Connection", "close"]);
  else if (request.version === "1.0") headers.push(["Connection", "keep-alive"]);
  const head = headText(status, headers);
  if (bodiless) await peer.send(head);
  else if (bytes) await peer.send(Buffer.concat([Buffer.from(head, "latin1"), bytes]));
  else {
    await peer.send(head);
    await sendStream(peer, body as AsyncIterable<string | Buffer>, chunked, response.trailers ?? []);
  }
  return keep ? "keep" : "fin";
}

async function sendStream(
  peer: Peer,
  body: AsyncIterable<string | Buffer>,
  chunked: boolean,
  trailers: readonly Field[],
): Promise<void> {
  for await (const piece of body) {
    if (peer.gone.aborted) return;
    const bytes = Buffer.from(piece);
    if (bytes.length === 0) continue;
    await peer.send(chunked ? chunk(bytes) : bytes);
  }
  if (chunked) await peer.send("0\r\n" + trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n");
}

/** One chunk with its size line and CRLF. */
export function chunk(bytes: Buffer | string): Buffer {
  const data = Buffer.from(bytes);
  return Buffer.concat([Buffer.from(data.length.toString(16) + "\r\n"), data, Buffer.from("\r\n")]);
}
