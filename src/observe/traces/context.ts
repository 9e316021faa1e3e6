// W3C Trace Context (https://www.w3.org/TR/trace-context/, level 2 where it says more than level 1): what a caller's
// traceparent and tracestate say, and the lines that go on to an upstream. A traceparent that is not valid, or is
// there more than once, is none: the trace begins anew and tracestate is dropped with it. Pure: text in, values out.

/** Fields of a caller that was part of a trace. */
export interface ParentContext {
  /** 32 hex digits, not all 0. */
  readonly traceId: string;
  /** Span of the caller: 16 hex digits, not all 0. */
  readonly parentId: string;
  /** "sampled" (1) and "random" (2); what else a later version may say is not passed on. */
  readonly flags: number;
}

export const SAMPLED = 1;
const KNOWN_FLAGS = 3;

/** version "-" trace-id "-" parent-id "-" flags; later versions may say more behind them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** What the values of the traceparent fields say; null = no valid context. */
export function parseTraceparent(values: readonly string[]): ParentContext | null {
  if (values.length !== 1) return null;
  const [, version, traceId, parentId, flags, more] = TRACEPARENT.exec(values[0]!) ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined || flags === undefined) return null;
  // ff is forbidden, and the first version is exactly this long.
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  if (traceId === NO_TRACE || parentId === NO_SPAN) return null;
  return { traceId, parentId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}

/** As it is sent: version 00. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & KNOWN_FLAGS}`;
}

const MEMBERS_MAX = 32;
/** Systems have to pass on 512 characters; more is passed on as far as this. */
const STATE_CHARACTERS_MAX = 4096;
/** Members above this go first where there is too much (§3.3.1.5). */
const LONG_MEMBER_CHARACTERS = 128;
const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** The values of all tracestate fields as one, in order; "" where there is none, or it is not valid. */
export function combineTracestate(values: readonly string[]): string {
  if (values.length === 0) return "";
  const members: string[] = [];
  for (const part of values.join(",").split(",")) {
    const member = part.replace(/^[ \t]+|[ \t]+$/g, "");
    if (member === "") continue;
    if (!MEMBER.test(member) || members.length === MEMBERS_MAX) return "";
    members.push(member);
  }
  return withinLimit(members).join(",");
}

/** Whole members only: the long ones go first, then the last, which are the oldest. */
function withinLimit(members: readonly string[]): readonly string[] {
  let length = members.reduce((sum, member) => sum + member.length + 1, -1);
  if (length <= STATE_CHARACTERS_MAX) return members;
  const kept: string[] = [];
  for (const member of members) {
    if (length > STATE_CHARACTERS_MAX && member.length > LONG_MEMBER_CHARACTERS) length -= member.length + 1;
    else kept.push(member);
  }
  while (length > STATE_CHARACTERS_MAX) length -= (kept.pop() ?? "").length + 1;
  return kept;
}
