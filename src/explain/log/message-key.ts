// What makes two entries of a log the same: their format, their codes, what decides a class beside them, and the parts
// that speak with everything masked that changes from one to the next: words with digits, paths, host names. One pass.
import type { Recognised } from "../recognised.ts";

const LENGTH_MAX = 400;

/** Equal keys are explained alike. */
export function keyOf(text: string, { format, facts, codes, messages, benign }: Recognised): string {
  let key = `${format ?? ""}|${facts.software ?? ""}|${facts.side ?? ""}|${facts.phase ?? ""}|${facts.status ?? ""}|${facts.upstreamStatus ?? ""}|${facts.level ?? ""}|${facts.cause ?? ""}|${benign}`;
  if (facts.upstream?.includes("unix:")) key += "|unix";
  for (const { of, code } of codes) key += `|${of}=${code}`;
  for (const [start, end] of messages) key += `|${maskMessage(text, start, Math.min(end, start + LENGTH_MAX))}`;
  return key;
}

/** text[start, end) with its changing words masked: "connect() to # failed (#: Connection refused)". */
export function maskMessage(text: string, start: number, end: number): string {
  let masked = "";
  let word = start;
  let changes = false;
  for (let at = start; at <= end; at++) {
    const code = at < end ? text.charCodeAt(at) : 32;
    if (!separates(code)) {
      changes ||= marksChange(code, text, at, word, end);
      continue;
    }
    if (at > word) masked += changes ? "#" : text.slice(word, at);
    if (at < end) masked += code === 10 ? " " : text[at]!;
    word = at + 1;
    changes = false;
  }
  return masked;
}

/** Blanks and the signs around words; "." ":" "/" "-" "_" are parts of words. */
function separates(code: number): boolean {
  if (code <= 32) return true;
  return (
    code === 34 || // "
    code === 39 || // '
    code === 40 || // (
    code === 41 || // )
    code === 44 || // ,
    code === 59 || // ;
    code === 61 || // =
    code === 91 || // [
    code === 93 || // ]
    code === 123 || // {
    code === 125 // }
  );
}

/** A digit, a slash, or a dot between small letters: a number, a path, a host. Classes of Java have capitals. */
function marksChange(code: number, text: string, at: number, word: number, end: number): boolean {
  if ((code >= 48 && code <= 57) || code === 47) return true;
  if (code !== 46 || at === word || at + 1 >= end) return false;
  const next = text.charCodeAt(at + 1);
  const before = text.charCodeAt(at - 1);
  return next >= 97 && next <= 122 && before >= 97 && before <= 122 && !hasCapital(text, word, end);
}

function hasCapital(text: string, word: number, end: number): boolean {
  for (let at = word; at < end && !separates(text.charCodeAt(at)); at++) {
    const code = text.charCodeAt(at);
    if (code >= 65 && code <= 90) return true;
  }
  return false;
}
