// Lines that belong together: the frames of a stack trace, the fields of an error that Node prints, a Python traceback
// with the line that ends it, what PHP said within nginx's line. Decided by the line and what is pending, looked at
// without the prefixes that collectors put before each line. Bounded: an entry that grows too long ends.
import { peelLinePrefixes } from "../line-prefixes.ts";

const LINES_MAX = 80;
const LENGTH_MAX = 16_384;

const CONTINUES =
  /^(?:[ \t]{1,40}\S|[}\])][}\]),;]{0,6}\s{0,8}$|Caused by: |During handling of the above|The above exception was|\.{3} \d+ more|Stack trace:|#\d{1,3} )/;
/** The line that says what failed, behind one that announces it with ":". */
const ERROR_LINE = /^(?:[\w.$]{0,120}(?:Error|Exception)\b|\[?\w{0,40}Error:)/;
const STDERR = 'FastCGI sent in stderr: "';

/** Collects lines; add returns an entry that has become whole, or null. */
export interface LineJoiner {
  readonly add: (line: string, lineNumber: number) => JoinedEntry | null;
  /** The entry that is still pending. */
  readonly end: () => JoinedEntry | null;
}

export interface JoinedEntry {
  readonly text: string;
  /** Number of its first line. */
  readonly line: number;
  /** How many lines it has. */
  readonly lines: number;
}

/** Starts without anything pending. */
export function joinLines(): LineJoiner {
  let text: string | null = null;
  let line = 0;
  let count = 0;
  let traceback = false;

  const take = (): JoinedEntry | null => (text === null ? null : { text, line, lines: count });

  return {
    add(next, lineNumber) {
      const bare = withoutPrefixes(next);
      if (
        text !== null &&
        count < LINES_MAX &&
        text.length + next.length < LENGTH_MAX &&
        belongs(text, bare, traceback)
      ) {
        // The first line that is not indented ends a traceback: it says what was raised.
        if (traceback && !/^\s/.test(bare)) traceback = false;
        text += `\n${next}`;
        count++;
        return null;
      }
      const whole = take();
      text = next;
      line = lineNumber;
      count = 1;
      traceback = bare.startsWith("Traceback (most recent call last)");
      return whole;
    },
    end() {
      const whole = take();
      text = null;
      return whole;
    },
  };
}

function belongs(pending: string, bare: string, traceback: boolean): boolean {
  if (traceback || CONTINUES.test(bare)) return bare !== "";
  if (pending.includes(STDERR) && !pending.includes('" while ')) return true;
  return pending.charCodeAt(pending.length - 1) === 58 && ERROR_LINE.test(bare);
}

const PREFIXES_MAX = 3;

/** The line as its program printed it, its indentation kept. */
function withoutPrefixes(line: string): string {
  let text = line;
  for (let count = 0; count < PREFIXES_MAX; count++) {
    const peeled = peelLinePrefixes(text);
    if (!peeled) break;
    const [from, to] = peeled.parts[0]!;
    text = text.slice(from, to);
  }
  return text;
}
