// How answers are sent: the fields that all have, JSON (compressed where it is large and the client takes it), problems
// as application/problem+json (RFC 9457), and a deadline for what an answer waits for. Text of requests stands in JSON
// or in text/plain only, never in HTML.
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Bytes, Ms } from "../std/units.ts";

/** What is wrong with a request, or why it cannot be answered. `detail` says the next step, too. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The parameter or field, and what it held. */
  readonly field?: string;
  readonly value?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an operation answers. */
export type Reply =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Readonly<Record<string, string>> }
  /** `kept` = it changes rarely: with an ETag. */
  | { readonly text: string; readonly type: string; readonly kept?: boolean }
  | { readonly nothing: true; readonly headers?: Readonly<Record<string, string>> }
  | { readonly problem: Problem };

/** Of the page and of everything that is no page of the reference. */
export const CONSOLE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * No Strict-Transport-Security: it would hold for every port of the host, and the gateway's own may speak plain HTTP.
 */
const FIELDS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": CONSOLE_POLICY,
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "X-Frame-Options": "DENY",
};

const COMPRESSED_FROM: Bytes = 8 * 1024;
const compress = promisify(gzip);

/** Sets the fields that every answer has; a later one of the same name replaces them. */
export function beginAnswer(response: ServerResponse): void {
  for (const [name, value] of Object.entries(FIELDS)) response.setHeader(name, value);
}

/** Sends a body whole. */
export function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  type = "text/plain; charset=utf-8",
): void {
  const bytes = Buffer.from(body as string);
  response.writeHead(status, { "Content-Type": type, "Content-Length": bytes.length });
  response.end(bytes);
}

/** Sends what an operation answers. */
export async function sendReply(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  if ("problem" in reply) return sendProblem(response, reply.problem);
  if ("text" in reply) {
    if (reply.kept && isKnown(request, response, reply.text)) return;
    return sendText(request, response, 200, reply.text, reply.type);
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if ("nothing" in reply) return void response.writeHead(204).end();
  await sendText(request, response, reply.status ?? 200, `${JSON.stringify(reply.json)}\n`, "application/json");
}

async function sendText(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  type: string,
): Promise<void> {
  const bytes = Buffer.from(text);
  if (bytes.length < COMPRESSED_FROM) return send(response, status, bytes, type);
  response.setHeader("Vary", "Accept-Encoding");
  if (!takesGzip(request.headers["accept-encoding"])) return send(response, status, bytes, type);
  const small = await compress(bytes, { level: 4 });
  response.setHeader("Content-Encoding", "gzip");
  send(response, status, small, type);
}

/** Whether Accept-Encoding names gzip (or all) with a weight above 0. */
export function takesGzip(field: string | string[] | undefined): boolean {
  const text = String(field ?? "").slice(0, 500);
  const weights = new Map(
    text.split(",").map((part) => {
      const [coding = "", ...params] = part.split(";").map((piece) => piece.trim().toLowerCase());
      const weight = params.find((param) => param.startsWith("q="));
      return [coding, weight === undefined ? 1 : Number(weight.slice(2))] as const;
    }),
  );
  return (weights.get("gzip") ?? weights.get("*") ?? 0) > 0;
}

/** What a 401 asks for (RFC 9110 §11.6.1). */
export const CHALLENGE = 'Bearer realm="Goodgate console"';

/** Sends a problem; the connection is kept unless a body is still to come. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  const { headers, ...document } = problem;
  if (problem.status === 401) response.setHeader("WWW-Authenticate", CHALLENGE);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  send(
    response,
    problem.status,
    `${JSON.stringify({ type: "about:blank", ...document })}\n`,
    "application/problem+json",
  );
}

/** Marks what changes rarely; true = the client has it, and was told so. */
function isKnown(request: IncomingMessage, response: ServerResponse, body: string): boolean {
  const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  response.setHeader("ETag", `W/${tag}`);
  response.setHeader("Cache-Control", "private, no-cache");
  const known = (request.headers["if-none-match"] ?? "").split(",").map((part) => part.trim().replace(/^W\//, ""));
  if (!known.includes(tag)) return false;
  response.writeHead(304).end();
  return true;
}

/** What was waited for took too long. */
export class LateError extends Error {}

/** Rejects where the answer takes longer than `ms`: a worker that hangs must not hang the scrape. */
export async function within<T>(ms: Ms, answer: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
