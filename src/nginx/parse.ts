// The parser: statements to a tree. It never gives up: a missing semicolon ends the directive, a `}` too many is
// passed over, open blocks end with the file; each is told once, in nginx's words, with the place where the mistake
// is rather than the one where nginx noticed. What is passed over stays in a gap, so that printing loses nothing.
// Names mean nothing here (check.ts knows them), but for *_by_lua_block, which holds a program, not directives.
import { shown } from "./byte-text.ts";
import { commentsIn } from "./comments.ts";
import { endOfLuaBlock } from "./lua-block.ts";
import { complainStrayClose, complainUnclosed, isQuantifier, lookAtIndent, type Suspects } from "./meant.ts";
import type { Source } from "./source.ts";
import {
  complain,
  giveBackLastByte,
  isCut,
  joinToWord,
  type Lexer,
  PROBLEMS_MAX,
  readStatement,
  type Statement,
  takeEnding,
} from "./statement.ts";
import { type Arg, type Block, type Comments, type ConfFile, type Directive, endOf } from "./tree.ts";

/** nginx would run out of stack somewhere; real configurations stay below ten. */
const DEPTH_MAX = 200;
/** In longer statements nobody looks for the word that went wrong. */
const WORDS_SEARCHED_MAX = 200;
const LUA_BLOCK = /^[a-z_]+_by_lua_block$/;
/** Blocks whose lines are entries, not directives. */
const ENTRIES = /^(?:map|geo|types|split_clients|charset_map)$/;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A directive while it is being read. */
interface Draft extends Writable<Omit<Directive, "block" | "comments" | "span">> {
  block: (Writable<Omit<Block, "directives">> & { directives: Draft[] }) | null;
  span: { start: number; end: number };
  comments: Writable<Comments>;
}

interface Parser {
  readonly lexer: Lexer;
  readonly root: Draft[];
  readonly open: Draft[];
  readonly suspects: Suspects;
  /** The directive whose `;`, `{` or `}` was read last. */
  last: Draft | null;
}

/** The tree of one text, and everything that is wrong with its language. */
export function parseNginx(source: Source): ConfFile {
  const lexer: Lexer = { source, at: 0, gapFrom: 0, problems: [] };
  const suspects: Suspects = { unclosed: null, extra: null, last: null };
  const parser: Parser = { lexer, root: [], open: [], suspects, last: null };
  for (;;) {
    const statement = readWhole(parser);
    const { ending, endsAt, words } = statement;
    if (words.length > 0 || ending === "{") addDirective(parser, statement);
    if (ending === "}") closeBlock(parser, endsAt);
    if (ending === "end") complainUnclosed(lexer, suspects, parser.open);
    if (ending === "end" || lexer.problems.length >= PROBLEMS_MAX) break;
    if (parser.open.length > DEPTH_MAX) {
      const text = `blocks are nested more than ${DEPTH_MAX} deep`;
      complain(lexer, { text, saidByNginx: false, noticedAt: endsAt, at: endsAt });
      break;
    }
  }
  for (const { span } of parser.open) span.end = source.text.length;
  const tail = source.text.slice(lexer.gapFrom);
  keepComments(parser, tail);
  lexer.problems.sort((a, b) => a.order - b.order);
  return { source, directives: parser.root, tail, problems: lexer.problems };
}

/** A statement, in which the braces of a regular expression that somebody forgot to quote do not open a block. */
function readWhole(parser: Parser): Statement {
  const { lexer, open } = parser;
  const { text } = lexer.source;
  let statement = readStatement(lexer);
  for (let told = false; ; told = true) {
    const { words, ending, gap } = statement;
    const last = words.at(-1);
    const stray =
      told || ending === ";" || words.length > WORDS_SEARCHED_MAX
        ? -1
        : words.findIndex((word, at) => isStrayClose(word, words[at + 1]));
    if (stray !== -1 && (ending !== "{" || stray < words.length - 1)) {
      const word = words[stray]!;
      complain(lexer, {
        text: textForStray(parser, statement),
        noticedAt: statement.endsAt,
        order: word.start,
        at: endOf(word) - 1,
        hint: 'this "}" belongs to the word: put ";" in front of it',
      });
      const given = giveBackLastByte(lexer, word);
      return { ...readStatement(lexer, [...words.slice(0, stray), given]), told: true };
    }
    if (ending !== "{" || gap !== "" || last?.quote !== "" || !isQuantifier(text, lexer.at)) return statement;
    if (!told)
      complain(lexer, {
        text: textForQuantifier(words[0]!.value, open, last.value, text.slice(lexer.at + 1)),
        noticedAt: lexer.at,
        at: last.start,
        length: last.raw.length,
        hint: 'a "{" begins a block: put a regular expression with "{" into quotes',
      });
    statement = readStatement(lexer, [...words.slice(0, -1), joinToWord(lexer, last, isQuantifier)]);
  }
}

/** A word like "200}", at the end of its line, without a brace that its last one could belong to. */
function isStrayClose({ raw, quote }: Arg, next: Arg | undefined): boolean {
  return quote === "" && /^[^{}]+\}$/.test(raw) && (next === undefined || next.gap.includes("\n"));
}

function textForStray({ lexer, open }: Parser, { ending, words }: Statement): string {
  if (ending === "{") return textForBrace(words[0]!.value, open);
  return ending === "}" ? 'unexpected "}"' : endOfText(lexer);
}

function textForQuantifier(name: string, open: readonly Draft[], last: string, rest: string): string {
  if (name === "location") return `unknown directive "${/^[^\s;{]*/.exec(rest.slice(0, 200))![0]}"`;
  if (name === "if") return `invalid condition "${last}"`;
  return textForBrace(name, open);
}

/** What nginx says of a "{" behind a directive without a block. */
function textForBrace(name: string, open: readonly Draft[]): string {
  return ENTRIES.test(open.at(-1)?.name ?? "") ? 'unexpected "{"' : `directive "${name}" is not terminated by ";"`;
}

function addDirective(parser: Parser, statement: Statement): void {
  const { lexer } = parser;
  const { ending, words, endsAt } = statement;
  const isEnded = ending === ";" || ending === "{";
  if (!isEnded) complainUnterminated(lexer, statement);
  else if (words.length === 0) complainNameless(parser, endsAt);
  else if (ending === "{" && lexer.source.kind === "command-line")
    complain(lexer, { text: "block directives are not supported in -g option", noticedAt: endsAt, at: endsAt });
  const head = words[0] ?? { raw: "", value: "", quote: "", gap: "", start: endsAt };
  const end = isEnded ? endsAt + 1 : endOf(words.at(-1)!);
  const directive: Draft = {
    name: head.value,
    head,
    args: words.slice(1),
    block: null,
    code: null,
    ending: isEnded ? ending : "",
    gap: isEnded ? statement.gap : "",
    endsAt,
    span: { start: head.start, end },
    source: lexer.source,
    comments: NO_COMMENTS,
  };
  const { own } = keepComments(parser, words.length === 0 ? statement.gap : head.gap);
  if (own.length > 0) directive.comments = { ...NO_COMMENTS, before: own };
  (parser.open.at(-1)?.block?.directives ?? parser.root).push(directive);
  parser.last = directive;
  if (isEnded) takeEnding(lexer);
  else lexer.gapFrom = end;
  if (ending !== "{") return;
  if (LUA_BLOCK.test(head.value)) takeProgram(lexer, directive);
  else {
    directive.block = { directives: [], tail: "", closedAt: null };
    parser.open.push(directive);
  }
}

const NO_COMMENTS: Comments = { before: [], trailing: null, end: [] };

/** Gives the comments of a gap to the directive in front of it; those on lines of their own are the caller's. */
function keepComments({ last }: Parser, gap: string): ReturnType<typeof commentsIn> {
  const comments = commentsIn(gap, last === null);
  if (last && comments.sameLine !== null) {
    if (last.block?.closedAt != null)
      last.comments = { ...last.comments, end: [...last.comments.end, comments.sameLine] };
    else last.comments = { ...last.comments, trailing: comments.sameLine };
  }
  return comments;
}

/** A `{` without a name in front of it. */
function complainNameless({ lexer, last }: Parser, endsAt: number): void {
  const wasEnded = last?.ending === ";" && lexer.source.text.slice(last.endsAt + 1, endsAt).trim() === "";
  complain(lexer, {
    text: 'unexpected "{"',
    noticedAt: endsAt,
    at: wasEnded ? last.endsAt : endsAt,
    hint: wasEnded
      ? `the ";" ends "${last.name}" before its block begins: take it away`
      : "the name of the block is missing",
  });
}

function complainUnterminated(lexer: Lexer, { words, ending, endsAt, told }: Statement): void {
  const last = words.at(-1)!;
  // Told already, where the quote began.
  if (told || isCut(last)) return;
  complain(lexer, {
    text: ending === "}" ? 'unexpected "}"' : endOfText(lexer),
    noticedAt: endsAt,
    at: endOf(last),
    hint: `";" is missing behind ${shortened(last)}`,
  });
}

function shortened({ raw, quote }: Arg): string {
  if (raw.length > 60) return `"${shown(raw.slice(0, 59))}…"`;
  return shown(quote === "" ? `"${raw}"` : raw);
}

function endOfText({ source }: Lexer): string {
  return `unexpected end of ${source.kind === "file" ? 'file, expecting ";" or "}"' : 'parameter, expecting ";"'}`;
}

function closeBlock(parser: Parser, at: number): void {
  const { lexer, open, suspects } = parser;
  const directive = open.at(-1);
  if (!directive?.block) {
    complainStrayClose(lexer, suspects, at);
    lexer.at += 1;
    return;
  }
  lookAtIndent(suspects, open, at);
  open.pop();
  const { block } = directive;
  block.tail = lexer.source.text.slice(lexer.gapFrom, at);
  const { own } = keepComments(parser, block.tail);
  if (own.length > 0) directive.comments = { ...directive.comments, end: own };
  block.closedAt = at;
  takeEnding(lexer);
  directive.span.end = lexer.at;
  parser.last = directive;
}

function takeProgram(lexer: Lexer, directive: Draft): void {
  const { source } = lexer;
  const close = endOfLuaBlock(source.text, lexer.at);
  if (close === -1)
    complain(lexer, {
      text: 'unexpected end of file, expecting "}"',
      noticedAt: source.text.length,
      order: directive.endsAt,
      at: directive.head.start,
      length: directive.head.raw.length,
      hint: 'the program that begins here has no "}"',
    });
  const end = close === -1 ? source.text.length : close + 1;
  directive.code = source.text.slice(lexer.at, end);
  lexer.at = end;
  lexer.gapFrom = end;
  directive.span.end = end;
}
