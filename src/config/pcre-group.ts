// The head of a group: what "(" and the characters behind it say.
import { RECURSION } from "./pcre-escape.ts";
import type { Modes, PatternParser } from "./pcre-parse.ts";
import { PatternError } from "./pcre-tree.ts";

export type GroupHead =
  | { readonly kind: "plain" }
  | { readonly kind: "capture"; readonly number: number }
  | { readonly kind: "look"; readonly behind: boolean; readonly negated: boolean }
  | { readonly kind: "atomic" };

const PLAIN: GroupHead = { kind: "plain" };
/** "(?|": each alternative counts its groups from the same number. */
export const BRANCH_RESET: GroupHead = { kind: "plain" };
const NAME_MAX = 32;

const ASSERTIONS: readonly (readonly [text: string, head: GroupHead])[] = [
  ["<=", { kind: "look", behind: true, negated: false }],
  ["<!", { kind: "look", behind: true, negated: true }],
  ["=", { kind: "look", behind: false, negated: false }],
  ["!", { kind: "look", behind: false, negated: true }],
  [">", { kind: "atomic" }],
  ["|", BRANCH_RESET],
  [":", PLAIN],
];

/**
 * Reads what follows "(" (`skip` = 1: the "(" as well); null = there is no group: a comment, or modes that hold from
 * here on; "never" = (*FAIL), up to its ")".
 */
export function readGroupHead(parser: PatternParser, skip = 0): GroupHead | "never" | null {
  parser.at += skip;
  const start = parser.at - 1;
  if (parser.source[parser.at] === "*") return readVerb(parser, start);
  if (!parser.take("?")) return parser.modes.noCapture ? PLAIN : { kind: "capture", number: ++parser.groupCount };
  if (parser.take("#")) return skipComment(parser);
  for (const [text, head] of ASSERTIONS) if (parser.take(text)) return head;
  if (parser.match(/P?<|'/y) !== null) return readNamed(parser);
  refuse(parser, start);
  return readModes(parser);
}

function skipComment(parser: PatternParser): null {
  const end = parser.source.indexOf(")", parser.at);
  if (end < 0) throw new PatternError("missing ) after (?# comment", parser.source.length);
  parser.at = end + 1;
  return null;
}

function readVerb(parser: PatternParser, start: number): "never" {
  if (parser.match(/\*(?:F|FAIL)(?=\))/y) !== null) return "never";
  if (parser.match(/\*(?:ACCEPT|COMMIT|MARK|PRUNE|SKIP|THEN)?(?::[^)]*)?\)/y) !== null) {
    throw new PatternError("backtracking verbs are not supported", start);
  }
  if (parser.match(/\*[a-z_]+:/y) !== null) {
    throw new PatternError("groups with a name of letters, such as (*atomic:, are not supported", start);
  }
  parser.match(/\*\w*/y);
  throw new PatternError("(*VERB) not recognized or malformed", parser.at);
}

function readNamed(parser: PatternParser): GroupHead {
  const start = parser.at;
  const terminator = parser.source[start - 1] === "'" ? "'" : ">";
  const name = parser.match(/\w*/y)![0];
  if (name === "") throw new PatternError("subpattern name expected", start);
  if (/^\d/.test(name)) throw new PatternError("subpattern name must start with a non-digit", start);
  if (name.length > NAME_MAX) {
    throw new PatternError(`subpattern name is too long (maximum ${NAME_MAX} code units)`, start + NAME_MAX + 1);
  }
  if (!parser.take(terminator)) {
    throw new PatternError("syntax error in subpattern name (missing terminator?)", parser.at);
  }
  const number = ++parser.groupCount;
  const numbers = parser.names.get(name);
  if (numbers === undefined) parser.names.set(name, [number]);
  else if (parser.modes.duplicateNames) numbers.push(number);
  else if (!numbers.includes(number)) {
    throw new PatternError("two named subpatterns have the same name (PCRE2_DUPNAMES not set)", parser.at);
  }
  return { kind: "capture", number };
}

function refuse(parser: PatternParser, start: number): void {
  const rest = parser.source.slice(parser.at, parser.at + 48);
  if (/^(?:R|[+-]?\d+|&\w*|P>\w*)\)/.test(rest)) throw new PatternError(RECURSION, start);
  if (rest.startsWith("(")) throw new PatternError("conditional groups are not supported", start);
  if (rest.startsWith("C")) throw new PatternError("callouts are not supported", start);
  if (parser.at >= parser.source.length) throw new PatternError("missing closing parenthesis", parser.at);
}

const MODES: Readonly<Record<string, keyof Modes>> = {
  i: "ignoreCase",
  m: "multiLine",
  s: "dotAll",
  x: "extended",
  n: "noCapture",
  U: "ungreedy",
  J: "duplicateNames",
};

/** "(?i)" holds until the end of the group around it; "(?i:" begins one of its own. */
function readModes(parser: PatternParser): GroupHead | null {
  const match = parser.match(/(\^?)([imsxnUJ]*)(?:-([imsxnUJ]*))?([:)])/y);
  if (match === null || (match[1] === "^" && match[3] !== undefined)) {
    throw new PatternError("unrecognized character after (? or (?-", parser.at);
  }
  const modes: { -readonly [Mode in keyof Modes]: Modes[Mode] } = { ...parser.modes };
  if (match[1] === "^") {
    for (const letter of "imsxn") modes[MODES[letter]!] = false;
    modes.extendedMore = false;
  }
  turn(modes, match[2]!, true);
  turn(modes, match[3] ?? "", false);
  parser.modes = modes;
  return match[4] === ":" ? PLAIN : null;
}

function turn(modes: { -readonly [Mode in keyof Modes]: Modes[Mode] }, letters: string, on: boolean): void {
  for (const letter of letters) modes[MODES[letter]!] = on;
  if (letters.includes("x")) modes.extendedMore = on && letters.includes("xx");
}
