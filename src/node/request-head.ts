// The head of a request that node has parsed, as HTTP/1.1 text for the engine. Fields go on as they were received
// (rawHeaders: order, case, repetitions); where a middleware has changed req.headers, its word counts. The framing is
// stated anew, and the connection is the engine's and ours: it ends with the exchange.
// What a middleware puts into the method, the target or a field may hold what a visitor sent: whatever would end a line
// makes the request unusable instead of becoming a line of its own.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { encodeTarget } from "../proxy/send-request.ts";
import { CHUNKED } from "../wire/framing.ts";

/** What is said otherwise than node has parsed it. */
export interface HeadChanges {
  /** 0 = no body, n bytes, or CHUNKED. */
  readonly bodyLength: number;
  /** Asks for the upgrade that the client asks for. */
  readonly upgrade: boolean;
  /** Beginning of the path that is taken off: where a Fastify plugin is mounted. */
  readonly strip: string;
  /** Lower-case name → value instead of the received one; null = the field is left out. */
  readonly fields: Readonly<Record<string, string | null>>;
}

/** Every field goes on as it is. */
export const NO_CHANGES: HeadChanges["fields"] = {};

/** Fields that are stated anew; those that begin with a colon are HTTP/2's. */
const RESTATED = new Set(["connection", "content-length", "host", "transfer-encoding", "upgrade"]);
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;

/** The head in bytes, or why there is none. */
export function requestHeadOf(
  request: IncomingMessage | Http2ServerRequest,
  changes: HeadChanges,
): Buffer | { readonly problem: string } {
  const method = request.method ?? "";
  if (!METHOD.test(method)) return { problem: "the method is no token" };
  const lines = [`${method} ${targetOf(request.url ?? "", changes.strip)} HTTP/1.1`, `Host: ${hostOf(request)}`];
  addFields(lines, request, changes.fields);
  addFraming(lines, request.headers, changes);
  const text = `${lines.join("\r\n")}\r\n\r\n`;
  if (countOf(text, "\n") !== lines.length + 1) return { problem: "a line break in a field" };
  // Node reads heads as latin1; what a middleware has added may be anything.
  return Buffer.from(text, /[^\x00-\xff]/.test(text) ? "utf8" : "latin1");
}

function targetOf(url: string, strip: string): string {
  const target = encodeTarget(url);
  if (strip === "" || !target.startsWith(strip)) return target === "" ? "/" : target;
  const rest = target.slice(strip.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || rest.startsWith("?") ? `/${rest}` : target;
}

/** HTTP/1.0 requests may have none: then the address that they came to. */
function hostOf(request: IncomingMessage | Http2ServerRequest): string {
  const { host, ":authority": authority } = request.headers;
  if (typeof authority === "string" && authority !== "") return authority;
  if (host !== undefined) return host;
  const { localAddress = "localhost", localPort = 80 } = request.socket;
  return `${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}

/** The usual case costs one comparison a field: each occurs once, and nobody has changed any. */
function addFields(
  lines: string[],
  request: IncomingMessage | Http2ServerRequest,
  fields: HeadChanges["fields"],
): void {
  const { rawHeaders, headers } = request;
  const begin = lines.length;
  let unchanged = fields === NO_CHANGES && Object.keys(headers).length * 2 === rawHeaders.length;
  for (let i = 0; unchanged && i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lowerName = name.toLowerCase();
    unchanged = headers[lowerName] === rawHeaders[i + 1];
    if (!RESTATED.has(lowerName) && !name.startsWith(":")) lines.push(`${name}: ${rawHeaders[i + 1]}`);
  }
  if (unchanged) return;
  lines.length = begin;
  addChangedFields(lines, request, fields);
}

interface Received {
  readonly name: string;
  readonly values: string[];
}

function addChangedFields(
  lines: string[],
  { rawHeaders, headers }: IncomingMessage | Http2ServerRequest,
  fields: HeadChanges["fields"],
): void {
  const received = new Map<string, Received>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const lowerName = name.toLowerCase();
    if (lowerName.startsWith(":") || RESTATED.has(lowerName)) continue;
    const known = received.get(lowerName);
    if (known) known.values.push(rawHeaders[i + 1]!);
    else received.set(lowerName, { name, values: [rawHeaders[i + 1]!] });
  }
  for (const [lowerName, { name, values }] of received) {
    const change = fields[lowerName];
    if (change === null) continue;
    for (const value of change === undefined ? valuesNow(lowerName, values, headers) : [change])
      lines.push(`${name}: ${value}`);
  }
  for (const name of Object.keys(headers)) {
    if (name.startsWith(":") || RESTATED.has(name) || received.has(name) || fields[name] === null) continue;
    const value = headers[name];
    for (const one of typeof value === "object" ? value : [value ?? ""]) lines.push(`${name}: ${one}`);
  }
}

/** As received, unless req.headers says otherwise by now. */
function valuesNow(lowerName: string, received: readonly string[], headers: IncomingHttpHeaders): readonly string[] {
  const now: unknown = Object.hasOwn(headers, lowerName) ? headers[lowerName] : undefined;
  if (now === undefined) return [];
  if (Array.isArray(now)) return now.map(String);
  const text = String(now);
  // RFC 9113 §8.2.3: HTTP/2 may split the cookies; they are one field elsewhere.
  if (lowerName === "cookie") return [text];
  // Of repeated fields node keeps the first or joins them.
  if (text === received[0] || text === received.join(", ")) return received;
  return [text];
}

function addFraming(lines: string[], headers: IncomingHttpHeaders, { bodyLength, upgrade }: HeadChanges): void {
  // Node takes off the chunks only: of other codings the engine says that it does not know them.
  if (bodyLength === CHUNKED) lines.push(`Transfer-Encoding: ${headers["transfer-encoding"] ?? "chunked"}`);
  else if (bodyLength > 0 || headers["content-length"] !== undefined) lines.push(`Content-Length: ${bodyLength}`);
  // What Connection names is still taken out of the message.
  const options = (headers.connection ?? "").split(",").map((option) => option.trim());
  const named = options.filter((option) => option !== "" && !/^(?:close|keep-alive|upgrade)$/i.test(option));
  const wanted = upgrade ? (headers.upgrade ?? "") : "";
  lines.push(`Connection: ${["close", ...named, ...(wanted === "" ? [] : ["upgrade"])].join(", ")}`);
  if (wanted !== "") lines.push(`Upgrade: ${wanted}`);
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/** Whether the client came by TLS. */
export function isSecure(socket: object): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}
