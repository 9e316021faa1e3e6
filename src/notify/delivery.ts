// One message to one receiver: a POST with a deadline, tried again while it makes sense. An answer of 2xx is taken
// for delivered; 408, 425, 429, 5xx, no answer and no connection are tried again after growing waits, or when
// Retry-After says. A redirect is not followed: it could lead to what only this machine reaches, with our signature.
// Nothing of the address but its host is ever logged: its path is a secret (Slack), and so are its credentials.
import { randomUUID } from "node:crypto";
import type { WebhookConfig } from "../config/observability.ts";
import { retryAfterMs } from "../resilience/backoff.ts";
import { escapeControls } from "../std/log.ts";
import { redactText } from "../std/redact.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { SIGNATURE_FIELD, sign } from "./signature.ts";

/** Waits behind each try, each shortened by up to a half at random: about eight minutes for all six tries. */
export const WAITS_MS: readonly Ms[] = [2000, 8000, 32_000, 120_000, 300_000];
const TIMEOUT_MS: Ms = 5000;
const RETRY_AFTER_MAX_MS: Ms = 600_000;
const SAID_CHARACTERS_MAX = 200;
const ANSWER_BYTES_MAX: Bytes = 4096;

export interface DeliveryOptions {
  readonly fetch: typeof fetch;
  readonly wallClock: () => Ms;
  readonly random: () => number;
  readonly waitsMs: readonly Ms[];
  readonly timeoutMs: Ms;
}

export const DELIVERY_DEFAULTS: Omit<DeliveryOptions, "fetch"> = {
  wallClock: Date.now,
  random: Math.random,
  waitsMs: WAITS_MS,
  timeoutMs: TIMEOUT_MS,
};

/** Where a webhook goes, with credentials of the address as a field: fetch takes none in an address. */
export interface Receiver {
  readonly url: string;
  readonly host: string;
  readonly authorization: string | null;
}

export function receiverOf({ url: text }: WebhookConfig): Receiver {
  const url = new URL(text);
  const { username, password, host } = url;
  url.username = "";
  url.password = "";
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = username || password ? `Basic ${Buffer.from(pair).toString("base64")}` : null;
  return { url: url.href, host, authorization };
}

/** How one try ended. */
type Tried =
  | { readonly kind: "delivered" }
  | { readonly kind: "refused" | "again"; readonly why: string; readonly waitMs: Ms | null };

/** What is sent: made once, the same at every try. */
export interface Message {
  readonly event: string;
  readonly delivery: string;
  readonly body: string;
}

/** An id that a receiver sees at every try of the same message. */
export function newDeliveryId(): string {
  return randomUUID();
}

/** Waits; ends early where the gateway ends. */
export type Wait = (ms: Ms) => Promise<void>;

/** Delivers one message; resolves to null, or to why it is lost. `onTry` is told of each try that failed. */
export async function deliver(
  receiver: Receiver,
  secret: string,
  message: Message,
  options: DeliveryOptions,
  ending: { readonly hurry: () => boolean; readonly signal: AbortSignal; readonly wait: Wait },
  onTry: (why: string, waitMs: Ms) => void,
): Promise<string | null> {
  for (let number = 0; ; number++) {
    const tried = await post(receiver, secret, message, options, ending.signal);
    if (tried.kind === "delivered") return null;
    const wait = options.waitsMs[number];
    if (tried.kind === "refused" || wait === undefined || ending.hurry()) return tried.why;
    const waitMs = tried.waitMs ?? wait * (0.5 + options.random() / 2);
    onTry(tried.why, waitMs);
    await ending.wait(waitMs);
  }
}

async function post(
  receiver: Receiver,
  secret: string,
  { event, delivery, body }: Message,
  { fetch: send, wallClock, timeoutMs }: DeliveryOptions,
  ended: AbortSignal,
): Promise<Tried> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await send(receiver.url, {
      method: "POST",
      redirect: "manual",
      signal: AbortSignal.any([timeout, ended]),
      headers: {
        "content-type": "application/json",
        "user-agent": "goodgate",
        "x-goodgate-event": event,
        "x-goodgate-delivery": delivery,
        ...(receiver.authorization !== null && { authorization: receiver.authorization }),
        ...(secret !== "" && { [SIGNATURE_FIELD]: sign(secret, body, wallClock()) }),
      },
      body,
    });
    if (response.ok) {
      await response.body?.cancel();
      return { kind: "delivered" };
    }
    const why = `answered ${response.status}${await excerptOf(response)}`;
    const waitMs = retryAfterMs(response.headers.get("retry-after"), wallClock(), RETRY_AFTER_MAX_MS);
    return { kind: isWorthARepeat(response.status) ? "again" : "refused", why, waitMs };
  } catch (error) {
    const why = ended.aborted
      ? "had not answered when the gateway ended"
      : timeout.aborted
        ? `did not answer within ${timeoutMs / 1000} s`
        : reasonOf(error);
    return { kind: "again", why, waitMs: null };
  }
}

function isWorthARepeat(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** The beginning of what was answered, fit for a log line. */
async function excerptOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  const text = redactText(Buffer.concat(chunks).toString("utf8").trim().slice(0, ANSWER_BYTES_MAX));
  const said = escapeControls(text).slice(0, SAID_CHARACTERS_MAX);
  return said === "" ? "" : `: ${said}`;
}

/** A code where there is one; a message that names an address could name its secrets. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message = "" } = cause as { code?: unknown; message?: string };
  const why = typeof code === "string" ? code : message.includes("/") ? "" : message;
  return why === "" ? "cannot be reached" : `cannot be reached (${escapeControls(why)})`;
}
