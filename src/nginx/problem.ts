// What is wrong with a configuration: nginx's own words and line, so that whoever knows nginx recognises them, and
// besides where we think that the mistake is, and what was meant. nginx names the line where it noticed (the end of
// the statement, often far behind the mistake) and stops at the first; we go on and put the mark on the mistake.
import type { Problem } from "../config/config.ts";
import { shown } from "./byte-text.ts";
import { lineAt, positionAt, type Source, textOfLine } from "./source.ts";

/** What kind of rule was broken. */
export type ProblemKind =
  /** The language: quotes, semicolons, braces. */
  | "syntax"
  /** A file that is included. */
  | "include"
  /** Name, place, number or form of arguments. */
  | "directive"
  /** nginx runs it, Goodgate does not. */
  | "scope"
  /** nginx accepts it, and it is hardly meant. */
  | "advice";

export interface NginxProblem extends Problem {
  readonly kind: ProblemKind;
  /** What nginx says, without level and place; null where nginx has nothing to say. */
  readonly nginx: string | null;
  /** The text that nginx was reading. */
  readonly in: Source;
  /** The line that nginx names. */
  readonly nginxLine: number;
  /** How far nginx had read in `in`: problems in this order are in nginx's order. */
  readonly order: number;
  /** nginx names no line for it. */
  readonly placeless?: true;
}

/** What a problem is made from. */
export interface ProblemFacts {
  readonly kind: ProblemKind;
  readonly severity?: Problem["severity"];
  readonly source: Source;
  /** Byte text: nginx's words, or ours where nginx has none. */
  readonly text: string;
  /** False where nginx says nothing here. */
  readonly saidByNginx?: boolean;
  /** The offset at which nginx noticed. */
  readonly noticedAt: number;
  /** How far nginx had read, where that is another offset. */
  readonly order?: number;
  /** The offset of the mistake, and how many bytes are meant. */
  readonly at: number;
  readonly length?: number;
  readonly hint?: string | undefined;
}

/** A problem with its position and its line of text. */
export function makeProblem(facts: ProblemFacts): NginxProblem {
  const { kind, source, text, noticedAt, at, hint } = facts;
  const position = positionAt(source, at);
  const message = shown(text);
  const line = textOfLine(source, position.line);
  const meant = source.text.slice(at, at + (facts.length ?? 1));
  return {
    kind,
    severity: facts.severity ?? "error",
    message,
    position,
    length: Math.max(1, shown(meant).length),
    nginx: facts.saidByNginx === false ? null : message,
    in: source,
    nginxLine: lineAt(source, noticedAt),
    order: facts.order ?? noticedAt,
    ...(line === undefined ? {} : { source: line }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** The line that nginx writes: `nginx: [emerg] unexpected "}" in /etc/nginx/nginx.conf:12`. */
export function nginxLine(problem: NginxProblem): string {
  const level = problem.severity === "error" ? "emerg" : "warn";
  const { path, kind } = problem.in;
  const told = `nginx: [${level}] ${problem.nginx ?? problem.message}`;
  if (problem.placeless) return told;
  const place = kind === "file" ? `in ${shown(path)}:${problem.nginxLine}` : "in command line";
  return `${told} ${place}`;
}
