// The lexer: one statement (words up to `;`, `{` or `}`) at a time, by nginx's rules:
// a word in quotes is one only where the quote begins the word, and must be followed by space, `;`, `{` or `)`;
// elsewhere quotes and `#` are ordinary characters. A backslash keeps the next character from meaning anything; in
// the value it disappears before quotes and backslashes, makes \t \r \n, and otherwise stays. A `{` directly behind
// `$` belongs to the word. nginx reads into 4,096 bytes and refuses what does not fit, long comments included.
// After a mistake reading goes on as if it had not been made, so that one run finds all of them.
import { makeProblem, type NginxProblem, type ProblemFacts } from "./problem.ts";
import { endOfLine, lineAt, type Source } from "./source.ts";
import { type Arg, endOf } from "./tree.ts";

/** nginx's buffer for one parameter. */
const PARAMETER_BYTES_MAX = 4096;
/** Reading ends with so many: more are consequences rather than mistakes. */
export const PROBLEMS_MAX = 100;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const DOLLAR = 0x24;
const QUOTE = 0x27;
const PARENTHESIS = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

export interface Lexer {
  readonly source: Source;
  /** The next byte to read. */
  at: number;
  /** Where the gap began that is being read: behind the last word, `;`, `{` or `}`. */
  gapFrom: number;
  readonly problems: NginxProblem[];
}

export interface Statement {
  readonly words: Arg[];
  /** In front of the ending. */
  readonly gap: string;
  readonly ending: ";" | "{" | "}" | "end";
  readonly endsAt: number;
  /** The problem of its ending was recorded already. */
  readonly told?: true;
}

/** Records a problem of the language. */
export function complain(lexer: Lexer, facts: Omit<ProblemFacts, "kind" | "source">): void {
  if (lexer.problems.length < PROBLEMS_MAX)
    lexer.problems.push(makeProblem({ kind: "syntax", source: lexer.source, ...facts }));
}

/** Reads up to the next `;`, `{`, `}` or the end of the text; the ending itself is left for `takeEnding`. */
export function readStatement(lexer: Lexer, words: Arg[] = []): Statement {
  const { text } = lexer.source;
  for (;;) {
    skipGap(lexer);
    const { at } = lexer;
    const code = at < text.length ? text.charCodeAt(at) : -1;
    if (code === SEMICOLON && words.length === 0) {
      complain(lexer, { text: 'unexpected ";"', noticedAt: at, at, hint: "one semicolon too many: take it away" });
      lexer.at += 1;
    } else if (code === -1) return statement(lexer, words, "end");
    else if (code === SEMICOLON) return statement(lexer, words, ";");
    else if (code === OPEN) return statement(lexer, words, "{");
    else if (code === CLOSE) return statement(lexer, words, "}");
    else words.push(code === DOUBLE_QUOTE || code === QUOTE ? readQuoted(lexer, code) : readBare(lexer));
  }
}

/** Takes the `;`, `{` or `}` that a statement ended with. */
export function takeEnding(lexer: Lexer): void {
  lexer.at += 1;
  lexer.gapFrom = lexer.at;
}

/** Makes the `{` in front of the lexer part of the word before, with what follows up to the end of the word. */
export function joinToWord(lexer: Lexer, word: Arg, isPart: (text: string, at: number) => boolean): Arg {
  const { text } = lexer.source;
  while (isPart(text, lexer.at)) lexer.at = findBareEnd(text, lexer.at + 1);
  lexer.gapFrom = lexer.at;
  const raw = text.slice(word.start, lexer.at);
  return { ...word, raw, value: resolveEscapes(raw) };
}

/** Whether a quote is missing, so that the word was cut at the end of its line. */
export function isCut({ raw, quote }: Arg): boolean {
  return quote !== "" && (raw.length === 1 || !raw.endsWith(quote));
}

/** Takes the last byte of a word back, to be read again. */
export function giveBackLastByte(lexer: Lexer, word: Arg): Arg {
  const raw = word.raw.slice(0, -1);
  lexer.at = word.start + raw.length;
  lexer.gapFrom = lexer.at;
  return { ...word, raw, value: resolveEscapes(raw) };
}

/** The value of a word as nginx copies it from the file. */
function resolveEscapes(inner: string): string {
  if (!inner.includes("\\")) return inner;
  return inner.replace(/\\(["'\\trn])/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n" };

function statement(lexer: Lexer, words: Arg[], ending: Statement["ending"]): Statement {
  // Without words the gap belongs to what comes next, or to the block that ends.
  const gap = words.length === 0 && ending !== "{" ? "" : lexer.source.text.slice(lexer.gapFrom, lexer.at);
  if (words.length > 0) lexer.gapFrom = lexer.at;
  return { words, gap, ending, endsAt: lexer.at };
}

/** Spaces, line ends and comments. */
function skipGap(lexer: Lexer): void {
  const { text } = lexer.source;
  let { at } = lexer;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === SPACE || code === LF || code === TAB || code === CR) at += 1;
    else if (code === HASH) {
      const end = endOfLine(lexer.source, at);
      if (isTooLong(lexer, at, end)) {
        complainTooLong(lexer, at, at);
      }
      at = end;
    } else break;
  }
  lexer.at = at;
}

function readBare(lexer: Lexer): Arg {
  const { text } = lexer.source;
  const start = lexer.at;
  const end = findBareEnd(text, start);
  // The space behind a word is read into the same buffer.
  const readTo = isSpace(text.charCodeAt(end)) ? end + 1 : end;
  if (isTooLong(lexer, start, readTo)) complainTooLong(lexer, start, start);
  return word(lexer, start, end, "");
}

/** Where a word without quotes ends that begins (or goes on) at `at`. */
function findBareEnd(text: string, from: number): number {
  let variable = false;
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === OPEN) {
      if (!variable) break;
      continue;
    }
    variable = code === DOLLAR;
    if (code === BACKSLASH) at += 1;
    else if (code === SEMICOLON || isSpace(code)) break;
  }
  return Math.min(at, text.length);
}

function readQuoted(lexer: Lexer, quote: number): Arg {
  const { source } = lexer;
  const { text } = source;
  const start = lexer.at;
  const close = findQuote(lexer, start + 1, quote);
  const lineEnd = endOfLine(source, start);
  if (close === -1 || close - start > PARAMETER_BYTES_MAX) {
    if (isTooLong(lexer, start + 1, close === -1 ? text.length : close)) {
      const character = String.fromCharCode(quote);
      complain(lexer, {
        text: `too long parameter, probably missing terminating "${character}" character`,
        noticedAt: start,
        at: start,
        hint: close !== -1 && close < lineEnd ? LENGTH_HINT : `the quote that begins here is not closed`,
      });
    } else complainUnclosedAtEnd(lexer, start);
    return close !== -1 && close < lineEnd ? word(lexer, start, close + 1, "quoted") : cutAtLineEnd(lexer, start);
  }
  const next = text.charCodeAt(close + 1);
  const mayFollow = isSpace(next) || next === SEMICOLON || next === OPEN || next === PARENTHESIS || next === CLOSE;
  if (close + 1 >= text.length || mayFollow) {
    const readTo = isSpace(next) ? close + 2 : close + 1;
    if (isTooLong(lexer, start + 1, readTo)) complainTooLong(lexer, start + 1, start);
    return word(lexer, start, close + 1, "quoted");
  }
  const spansLines = close > lineEnd;
  complain(lexer, {
    text: `unexpected "${text[close + 1]}"`,
    noticedAt: close + 1,
    order: start,
    at: spansLines ? start : close + 1,
    hint: spansLines
      ? `the quote that begins here is closed only in line ${lineAt(source, close)}: one is missing between`
      : "behind a closing quote a space or a semicolon is due; within quotes write a quote as \\" + text[close],
  });
  return spansLines ? cutAtLineEnd(lexer, start) : word(lexer, start, close + 1, "quoted");
}

/** The closing quote; -1 where there is none, or none that nginx would come to. */
function findQuote({ source: { text, kind } }: Lexer, from: number, quote: number): number {
  // A quote that closes on its line is found however long the line is, to say that the parameter is too long.
  const near = kind === "file" ? from + PARAMETER_BYTES_MAX : text.length;
  let sameLine = true;
  for (let at = from; at < text.length && (sameLine || at <= near); at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at;
    if (code === BACKSLASH) at += 1;
    else if (code === LF) sameLine = false;
  }
  return -1;
}

/** A quoted word that was never closed, as if it had been closed at the end of its line. */
function cutAtLineEnd(lexer: Lexer, start: number): Arg {
  const { source } = lexer;
  const line = source.text.slice(start, endOfLine(source, start));
  const kept = line.replace(/[\s;{]+$/, "");
  return word(lexer, start, start + Math.max(1, kept.length), "cut");
}

function complainUnclosedAtEnd(lexer: Lexer, start: number): void {
  const { source } = lexer;
  const unit = source.kind === "file" ? 'file, expecting ";" or "}"' : 'parameter, expecting ";"';
  complain(lexer, {
    text: `unexpected end of ${unit}`,
    noticedAt: source.text.length,
    order: start,
    at: start,
    hint: "the quote that begins here is not closed",
  });
}

const LENGTH_HINT = "nginx takes 4,095 bytes at most";

/** Whether nginx would have to read behind its buffer: `end` is the next byte that it needs. */
function isTooLong({ source: { text, kind } }: Lexer, start: number, end: number): boolean {
  return kind === "file" && end - start >= PARAMETER_BYTES_MAX && start + PARAMETER_BYTES_MAX < text.length;
}

function complainTooLong(lexer: Lexer, start: number, at: number): void {
  const { text } = lexer.source;
  const hint = text[at] === "#" ? `${LENGTH_HINT}, comments included: break the line` : LENGTH_HINT;
  complain(lexer, {
    text: `too long parameter "${text.slice(start, start + 10)}..." started`,
    noticedAt: at,
    at,
    length: 10,
    hint,
  });
}

function word(lexer: Lexer, start: number, end: number, form: "" | "quoted" | "cut"): Arg {
  const { text } = lexer.source;
  const raw = text.slice(start, end);
  const inner = form === "" ? raw : form === "cut" ? raw.slice(1) : raw.slice(1, -1);
  const arg: Arg = {
    raw,
    value: resolveEscapes(inner),
    quote: form === "" ? "" : raw.startsWith('"') ? '"' : "'",
    gap: text.slice(lexer.gapFrom, start),
    start,
  };
  lexer.at = endOf(arg);
  lexer.gapFrom = lexer.at;
  return arg;
}

function isSpace(code: number): boolean {
  return code === SPACE || code === LF || code === TAB || code === CR;
}
