// One call as the caller made it, in the form that every try of it needs: what is sent, whether it may be sent again,
// and whose abort ends it.
import type { Settings } from "./options.ts";

export type Input = Parameters<typeof fetch>[0];
export type Init = NonNullable<Parameters<typeof fetch>[1]>;

export interface Call {
  readonly input: Input;
  readonly init: Init;
  readonly method: string;
  /** Whole, as the platform resolved it. */
  readonly url: string;
  readonly origin: string;
  /** The caller's. */
  readonly signal: AbortSignal | null;
  readonly headers: Headers;
  /** The method is safe to repeat, or an Idempotency-Key makes it so. */
  readonly repeatable: boolean;
  readonly bodyReplayable: boolean;
}

const KEY = "Idempotency-Key";

/** Throws what fetch would reject with where the call is invalid: such a call is not tried at all. */
export function readCall(input: Input, init: Init = {}, settings: Settings): Call {
  const given = input instanceof Request ? input : null;
  // Only to be checked: with its body it would be used up, and its signal would follow the caller's for nothing.
  const { method, url } = new Request(given?.url ?? String(input), {
    ...init,
    method: init.method ?? given?.method ?? "GET",
    body: (init.body ?? null) && "",
    signal: null,
  });
  const headers = new Headers(init.headers ?? given?.headers);
  // So that the gateway tells a program its cause rather than a person.
  if (!headers.has("Accept")) headers.set("Accept", "application/problem+json, */*;q=0.8");
  const isSafe = settings.methods.has(method);
  if (!isSafe && settings.newKey && !headers.has(KEY)) headers.set(KEY, settings.newKey());
  return {
    input,
    init,
    method,
    url,
    origin: new URL(url).origin,
    signal: (init.signal === undefined ? given?.signal : init.signal) ?? null,
    headers,
    // Without CORS the platform strips the key.
    repeatable: isSafe || (headers.has(KEY) && (init.mode ?? given?.mode) !== "no-cors"),
    bodyReplayable: isReplayable(init.body),
  };
}

/** What one try sends: where there may be another, a copy of a Request, since a body is there only once. */
export function inputOf({ input, repeatable }: Call): Input {
  return repeatable && input instanceof Request ? input.clone() : input;
}

/** Streams and iterators are used up by the first try. */
function isReplayable(body: unknown): boolean {
  return (
    typeof (body ?? "") === "string" ||
    ArrayBuffer.isView(body) ||
    [ArrayBuffer, Blob, FormData, URLSearchParams].some((type) => body instanceof type)
  );
}
