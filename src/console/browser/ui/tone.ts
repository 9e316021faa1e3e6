// The five tones of the page. A tone never stands alone: with it go a shape (ui/shape.tsx) and a word.
import type { Severity } from "../../../incidents/model.ts";
import type { EndpointState } from "../../model.ts";

/** good = works; warn = look at it; bad = visitors are hurt; info = somebody did that; quiet = nothing to say. */
export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

export type ShapeName =
  | "disc"
  | "ring"
  | "half"
  | "cross"
  | "diamond"
  | "triangle"
  | "down"
  | "bar"
  | "square"
  | "star";

export interface Look {
  readonly tone: Tone;
  readonly shape: ShapeName;
  readonly word: string;
}

/** How each state of an endpoint looks. Order: worst first (see STATE_ORDER). */
export const STATE_LOOK: Readonly<Record<EndpointState, Look & { readonly says: string }>> = {
  gone: { tone: "bad", shape: "cross", word: "gone", says: "nothing listens at the address" },
  unhealthy: { tone: "bad", shape: "diamond", word: "unhealthy", says: "health checks fail" },
  ejected: { tone: "bad", shape: "triangle", word: "ejected", says: "requests failed; it rests" },
  warming: { tone: "warn", shape: "half", word: "warming up", says: "its share still grows" },
  draining: { tone: "info", shape: "down", word: "draining", says: "no new requests; those in flight end" },
  disabled: { tone: "info", shape: "bar", word: "disabled", says: "somebody took it out" },
  down: { tone: "quiet", shape: "square", word: "down", says: "the file says so" },
  ok: { tone: "good", shape: "disc", word: "ok", says: "takes requests" },
};

/** Worst first. */
export const STATE_ORDER = Object.keys(STATE_LOOK) as EndpointState[];

/** How each severity of an incident looks. */
export const SEVERITY_LOOK: Readonly<Record<Severity, Look & { readonly says: string }>> = {
  outage: { tone: "bad", shape: "cross", word: "outage", says: "every request of this part fails" },
  degraded: { tone: "bad", shape: "triangle", word: "degraded", says: "some visitors are shown an error" },
  saved: { tone: "good", shape: "star", word: "saved", says: "failures, and no visitor saw one" },
  notice: { tone: "quiet", shape: "ring", word: "notice", says: "neither the gateway's fault nor the upstream's" },
};
