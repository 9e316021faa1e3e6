// Lines that were swallowed: where a semicolon is missing, nginx takes the next line for further arguments, and
// complains of something else, or of nothing (`index index.html` + `root /srv;` is an index of three files). A line
// that begins with the name of a directive which may stand there is taken for one.
import { type Arg, type Directive, endOf } from "./tree.ts";

/** The directives that a statement was meant to be; null = it is one. */
export function splitAtLines(directive: Directive, isName: (word: string) => boolean): readonly Directive[] | null {
  const { args, head } = directive;
  const starts = args.flatMap((arg, index) => (beginsLine(arg) && isName(arg.value) ? [index] : []));
  if (starts.length === 0) return null;
  const words = [head, ...args];
  const cuts = [0, ...starts.map((index) => index + 1), words.length];
  return cuts.slice(0, -1).map((from, index) => {
    const isLast = index === cuts.length - 2;
    const part = words.slice(from, cuts[index + 1]);
    return isLast ? lastPart(directive, part) : earlierPart(directive, part);
  });
}

function beginsLine({ quote, gap }: Arg): boolean {
  return quote === "" && gap.includes("\n");
}

function lastPart(directive: Directive, words: readonly Arg[]): Directive {
  const [head = directive.head, ...args] = words;
  return { ...directive, name: head.value, head, args };
}

function earlierPart(directive: Directive, words: readonly Arg[]): Directive {
  const [head = directive.head, ...args] = words;
  const end = endOf(args.at(-1) ?? head);
  const span = { start: head.start, end };
  // nginx notices where the whole statement ends.
  return { ...directive, name: head.value, head, args, block: null, code: null, ending: ";", gap: "", span };
}
