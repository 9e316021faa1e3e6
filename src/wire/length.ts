// What Content-Length and Transfer-Encoding say (RFC 9112 §6). Strict: every reader on the way must come to the same
// end of the message, so all that some reader could take for another number or coding is an error.
import { COMMA, DIGIT_0, DIGIT_9 } from "./bytes.ts";
import { FIELD_CONTENT_LENGTH } from "./fields.ts";
import { type Fields, fieldValues, MARK } from "./head.ts";
import { isBlank, listElements } from "./list.ts";

/** Not a list of equal decimal numbers. */
export const BAD_LENGTH = -2;
/** Well-formed numbers that differ. */
const DIFFERING_LENGTHS = -3;

/** The value of all Content-Length fields, of which there is at least one: a number, BAD_LENGTH or DIFFERING_LENGTHS. */
export function contentLength(fields: Fields): number {
  const { text, marks } = fields;
  let length = -1;
  for (let k = 0; k < marks.length; k += MARK) {
    if (marks[k] !== FIELD_CONTENT_LENGTH) continue;
    const value = lengthList(text, marks[k + 3]!, marks[k + 4]!);
    if (value < 0) return value;
    if (length >= 0 && value !== length) return DIFFERING_LENGTHS;
    length = value;
  }
  return length;
}

/** "5", or "5, 5" as some intermediaries join two fields (RFC 9110 §8.6). */
function lengthList(text: string, from: number, to: number): number {
  let length = -1;
  let i = from;
  for (;;) {
    while (i < to && isBlank(text.charCodeAt(i))) i++;
    const digits = i;
    let value = 0;
    for (; i < to; i++) {
      const c = text.charCodeAt(i);
      if (c < DIGIT_0 || c > DIGIT_9) break;
      value = value * 10 + (c - DIGIT_0);
      if (value > Number.MAX_SAFE_INTEGER) return BAD_LENGTH;
    }
    if (i === digits) return BAD_LENGTH;
    if (length >= 0 && value !== length) return DIFFERING_LENGTHS;
    length = value;
    while (i < to && isBlank(text.charCodeAt(i))) i++;
    if (i === to) return length;
    if (text.charCodeAt(i) !== COMMA) return BAD_LENGTH;
    i++;
  }
}

/** Whether Content-Length is one field that spells this number in its plain form ("5", not "05" or "5, 5"). */
export function isPlainLength(fields: Fields, length: number): boolean {
  const { marks } = fields;
  let digits = -1;
  for (let k = 0; k < marks.length; k += MARK) {
    if (marks[k] !== FIELD_CONTENT_LENGTH) continue;
    if (digits >= 0) return false;
    digits = marks[k + 4]! - marks[k + 3]!;
  }
  return digits === String(length).length;
}

/**
 * What Transfer-Encoding says: "chunked" alone, chunked behind other codings ("unknown": nobody here takes them off),
 * or "invalid": it does not end in chunked, has it twice, or is no list of codings.
 */
export function transferCoding(fields: Fields): "chunked" | "unknown" | "invalid" {
  const codings = fieldValues(fields, "transfer-encoding").join(",").toLowerCase();
  if (codings === "chunked") return "chunked";
  const names = listElements(codings);
  const chunkedLast = names.indexOf("chunked") === names.length - 1;
  return chunkedLast && names.every((name) => CODING.test(name)) ? "unknown" : "invalid";
}

/** A coding; parameters (RFC 9112 §7) are of no coding that is in use. */
const CODING = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
