// Problems as people read them: where, what, the line with a caret, what to do.
import type { Problem } from "./config.ts";

const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const BOLD = "\x1b[1m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";
/** Longer lines are shown around the place that is meant. */
const SOURCE_MAX = 110;

/** A problem in the form of compilers: "file:line:column: error: message", the line, a caret, the hint. */
export function formatProblem(problem: Problem, colour = false): string {
  const paint = (style: string, text: string) => (colour ? `${style}${text}${RESET}` : text);
  const { position, severity, source } = problem;
  const where = position ? paint(BOLD, `${position.file}:${position.line}:${position.column}: `) : "";
  const shade = severity === "error" ? RED : YELLOW;
  const head = `${where}${paint(shade, `${severity}:`)} ${printable(problem.message)}`;
  const hint = problem.hint === undefined ? "" : printable(problem.hint);
  if (!position || source === undefined) return hint === "" ? head : `${head}\n  ${hint}`;
  const cut = Math.max(0, Math.min(position.column - 40, source.length - SOURCE_MAX));
  const line = printable(source.slice(cut, cut + SOURCE_MAX).replaceAll("\t", " "));
  const number = String(position.line).padStart(4);
  const indent = position.column - 1 - cut;
  const caret = "^".repeat(Math.max(1, Math.min(problem.length ?? 1, line.length - indent)));
  const bar = paint(DIM, "|");
  const pointer = `${" ".repeat(indent)}${paint(shade, caret)}${hint === "" ? "" : ` ${hint}`}`;
  return `${head}\n${paint(DIM, number)} ${bar} ${line}\n     ${bar} ${pointer}`;
}

/** Errors before warnings, each in the order of the file. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const rank = ({ severity, position }: Problem) =>
    [severity === "error" ? 0 : 1, position?.line ?? 0, position?.column ?? 0] as const;
  return problems.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
  });
}

/** Escapes what could steer a terminal. */
function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
