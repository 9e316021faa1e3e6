// The body of a request that came through other middleware first. Usually nobody has touched it, and it streams. Where a
// parser (express.json() and its kin) has read it, what the parser left is put together again if that is the same for
// every reader; where it is not, the request fails with words that say so. It never waits for bytes that cannot come.
//
// Put together: rawBody (as many frameworks keep it), text and buffers as they are, JSON, forms of plain fields. Not:
// forms with lists or nesting (a=1&a=2 and a[]=1&a[]=2 look the same once parsed), multipart, what was read halfway.
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { CHUNKED } from "../wire/framing.ts";

/** What there is of the body. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "stream"; readonly length: number }
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly fields: Readonly<Record<string, string | null>> }
  | { readonly kind: "lost"; readonly why: string };

/** What body parsers leave on a request. */
interface Parsed {
  readonly body?: unknown;
  readonly rawBody?: unknown;
}

const FIX = "give the proxy its place before the body parser, or keep the parser off its paths";

/** Looks at a request as it is now. */
export function bodyOf(request: IncomingMessage | Http2ServerRequest): Body {
  const length = announcedLength(request);
  if (length === 0) return { kind: "none" };
  if (!request.readableDidRead && !request.readableEnded) return { kind: "stream", length };
  const { body, rawBody } = request as Parsed;
  const contentType = request.headers["content-type"] ?? "";
  if (!request.readableEnded) return lost("something began to read the request body before the proxy");
  const raw = rawBody ?? body;
  if (typeof raw === "string" || raw instanceof Uint8Array) return asBytes(Buffer.from(raw as string), request, length);
  const text = rebuilt(body, contentType);
  if (text !== undefined) return asBytes(Buffer.from(text), request, -1);
  const what = contentType === "" ? "without a Content-Type" : `of type ${contentType}`;
  return lost(`the request body (${what}) was read before the proxy, and cannot be put together again`);
}

function lost(what: string): Body {
  return { kind: "lost", why: `${what}: ${FIX}` };
}

function announcedLength(request: IncomingMessage | Http2ServerRequest): number {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (coding !== undefined) return CHUNKED;
  if (length !== undefined) return Number(length);
  return "stream" in request && !request.stream.endAfterHeaders ? CHUNKED : 0;
}

function rebuilt(body: unknown, contentType: string): string | undefined {
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) return jsonOf(body);
  if (!/^application\/x-www-form-urlencoded\b/i.test(contentType)) return undefined;
  if (typeof body !== "object" || body === null) return undefined;
  const entries = Object.entries(body as Record<string, unknown>);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) return undefined;
  return new URLSearchParams(entries).toString();
}

function jsonOf(body: unknown): string | undefined {
  try {
    return JSON.stringify(body);
  } catch {
    // A middleware has put in what JSON cannot hold.
    return undefined;
  }
}

/** Parsers undo compression and decode text; what kept its length has kept its bytes. */
function asBytes(bytes: Buffer, request: IncomingMessage | Http2ServerRequest, length: number): Body {
  if (bytes.length === length) return { kind: "bytes", bytes, fields: {} };
  const contentType = request.headers["content-type"];
  return {
    kind: "bytes",
    bytes,
    fields: {
      "content-encoding": null,
      ...(contentType === undefined ? {} : { "content-type": contentType.replace(/(charset=)[^\s;]+/i, "$1utf-8") }),
    },
  };
}
