// Fields of a request that may be there once only: which of two would hold is anybody's guess, and two readers may guess
// differently. nginx refuses them; equal Content-Lengths, which RFC 9110 lets pass, too.
import {
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_OTHER,
  FIELD_TRANSFER_ENCODING,
  kindBit,
} from "../../wire/fields.ts";
import { MARK, type RequestHead } from "../../wire/head.ts";

const UNIQUE_KINDS = kindBit(FIELD_CONTENT_LENGTH) | kindBit(FIELD_TRANSFER_ENCODING) | kindBit(FIELD_EXPECT);
const UNIQUE = [
  "authorization",
  "content-range",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
];
/** Lengths of their names, by bit: a name of another length needs no look. */
const LENGTHS = UNIQUE.reduce((bits, { length }) => bits | (1 << length), 0);

/** The name of a field that is there twice and may not be; null = there is none. */
export function repeatedField({ text, marks }: RequestHead): string | null {
  let kinds = 0;
  let names = 0;
  for (let k = 0; k < marks.length; k += MARK) {
    const kind = marks[k]!;
    const from = marks[k + 1]!;
    const to = marks[k + 2]!;
    if (kind !== FIELD_OTHER) {
      const bit = kindBit(kind) & UNIQUE_KINDS;
      if ((kinds & bit) !== 0) return text.slice(from, to);
      kinds |= bit;
      continue;
    }
    if (to - from > 19 || (LENGTHS & (1 << (to - from))) === 0) continue;
    const index = UNIQUE.indexOf(text.slice(from, to).toLowerCase());
    if (index < 0) continue;
    if ((names & (1 << index)) !== 0) return text.slice(from, to);
    names |= 1 << index;
  }
  return null;
}
