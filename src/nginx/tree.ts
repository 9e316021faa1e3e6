// The tree of a configuration file. Nothing is lost: every byte of the file belongs to a word, to a `;`, `{` or `}`,
// or to the gap (spaces, line ends, comments, what could not be read) in front of one of them, so that printing the
// tree gives the file back. A directive of an included file is not copied into the tree: load.ts keeps the files
// apart and says which belong to which `include`.
import type { NginxProblem } from "./problem.ts";
import type { Source } from "./source.ts";

/** A word: the name of a directive or one of its arguments. */
export interface Arg {
  /** As it stands in the file, quotes included. */
  readonly raw: string;
  /** As nginx sees it: without quotes, escapes resolved. */
  readonly value: string;
  readonly quote: "" | '"' | "'";
  /** What stands between the word before and this one. */
  readonly gap: string;
  /** Offset of its first byte in the file. */
  readonly start: number;
}

/** Comments that belong to a directive, "#" included. */
export interface Comments {
  /** On the lines in front of it. */
  readonly before: readonly string[];
  /** Behind its `;` or `{`, on the same line. */
  readonly trailing: string | null;
  /** At the end of its block, and behind its `}` on the same line. */
  readonly end: readonly string[];
}

export interface Block {
  readonly directives: readonly Directive[];
  /** What stands between the last directive and the `}`. */
  readonly tail: string;
  /** Offset of the `}`; null where the file ends before. */
  readonly closedAt: number | null;
}

export interface Directive {
  readonly name: string;
  readonly head: Arg;
  readonly args: readonly Arg[];
  /** null = ended by a semicolon (or should have been). */
  readonly block: Block | null;
  /** The program of a `…_by_lua_block` up to and with its `}`; such a directive has no block. */
  readonly code: string | null;
  /** What ends the statement; "" where it is missing. */
  readonly ending: ";" | "{" | "";
  /** What stands between the last word and the ending. */
  readonly gap: string;
  /** Offset of the ending: nginx names its line. */
  readonly endsAt: number;
  /** From the first byte of the name to behind the `;` or the `}`. */
  readonly span: { readonly start: number; readonly end: number };
  readonly source: Source;
  readonly comments: Comments;
}

export interface ConfFile {
  readonly source: Source;
  readonly directives: readonly Directive[];
  /** What stands behind the last directive. */
  readonly tail: string;
  /** Of the language only, in nginx's order. */
  readonly problems: readonly NginxProblem[];
}

/** The file, byte for byte. */
export function printTree(file: ConfFile): string {
  const parts: string[] = [];
  printAll(file.directives, parts);
  parts.push(file.tail);
  return parts.join("");
}

/** Behind the last byte of a word. */
export function endOf({ start, raw }: Arg): number {
  return start + raw.length;
}

/** Every directive, those in blocks behind the one that has the block. */
export function* walk(directives: readonly Directive[]): Generator<Directive> {
  for (const directive of directives) {
    yield directive;
    if (directive.block) yield* walk(directive.block.directives);
  }
}

function printAll(directives: readonly Directive[], parts: string[]): void {
  for (const { head, args, gap, ending, block, code } of directives) {
    parts.push(head.gap, head.raw);
    for (const arg of args) parts.push(arg.gap, arg.raw);
    parts.push(gap, ending);
    if (code !== null) parts.push(code);
    if (block) {
      printAll(block.directives, parts);
      parts.push(block.tail);
      if (block.closedAt !== null) parts.push("}");
    }
  }
}
