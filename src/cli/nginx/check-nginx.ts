// goodgate check on an nginx.conf: all that nginx would say of it and its included files, each with its place, its
// line and what was meant; what Goodgate does not do, with the reason; and how much of it makes no difference here.

import { formatProblem } from "../../config/problem.ts";
import { type Advice, adviseNginx } from "../../nginx/advice/advise.ts";
import { shown, toByteText } from "../../nginx/byte-text.ts";
import { checkDirectives, type Meaning } from "../../nginx/check.ts";
import { DIRECTIVES } from "../../nginx/directives/table.ts";
import type { NginxConfiguration } from "../../nginx/load.ts";
import { loadWholeOrPart, type PartOf } from "../../nginx/part.ts";
import type { NginxProblem } from "../../nginx/problem.ts";
import { positionAt, type Source } from "../../nginx/source.ts";
import type { Directive } from "../../nginx/tree.ts";
import { FILES_ON_DISK } from "./files-on-disk.ts";
import { directivesOf } from "./meanings.ts";
import { namesOfFile } from "./names.ts";
import { isError, lowerAt } from "./reading.ts";

/** What the check of an nginx.conf found. */
export interface NginxFindings {
  readonly problems: readonly NginxProblem[];
  /** Right in many places, and worth knowing: no findings. */
  readonly notes: readonly Advice[];
  /** The block that the file is a part of; null = it is a whole configuration. */
  readonly partOf: PartOf | null;
  /** Directives that are read and make no difference, each once. */
  readonly accepted: readonly Meaning[];
  readonly files: number;
  readonly directives: number;
  /** Of a problem: the directive that it is about. */
  readonly about: (problem: NginxProblem) => About;
}

interface About {
  readonly directive: string | null;
  /** As nginx's documentation names it: "ngx_http_proxy_module". */
  readonly module: string | null;
  /** Of a finding of ours: which rule found it. */
  readonly rule?: string;
}

/** Reads a configuration and all that it includes; null = the file cannot be read. */
export function checkNginx(file: string): NginxFindings | null {
  const loaded = loadWholeOrPart(toByteText(file), FILES_ON_DISK);
  if ("errno" in loaded) return null;
  const { configuration, partOf } = loaded;
  const sources = new Set(configuration.files.map(({ source }) => source));
  const { problems: checked, accepted } = checkDirectives(configuration, DIRECTIVES);
  // What a file is a part of is not known, and nginx would not come to it where there are errors before.
  const isWhole = partOf === null && !checked.some(isError);
  const lowered = isWhole ? lowerAt(configuration, namesOfFile(file)).problems : [];
  // Of a file with mistakes in its language nothing else can be said.
  const isRead = !checked.some((problem) => isError(problem) && problem.kind === "syntax");
  const advice = isRead ? adviseNginx(configuration, partOf !== null) : [];
  const problems = [...checked, ...lowered, ...advice.filter(({ note }) => !note)];
  const own = accepted.filter(({ directive }) => sources.has(directive.source));
  const unique = new Map(own.map((meaning) => [meaning.directive, meaning]));
  return {
    problems,
    notes: advice.filter(({ note }) => note),
    partOf,
    accepted: [...unique.values()],
    files: configuration.files.length,
    directives: countDirectives(configuration, sources),
    about: aboutIn(configuration),
  };
}

/** Each once, wherever its file is included; lines of a map are none. */
function countDirectives(configuration: NginxConfiguration, sources: ReadonlySet<Source>): number {
  const placed = [...directivesOf(configuration)].filter(
    ({ context, directive }) => context !== undefined && sources.has(directive.source),
  );
  return new Set(placed.map(({ directive }) => directive)).size;
}

function aboutIn(configuration: NginxConfiguration): NginxFindings["about"] {
  const modules = new Map<Directive, string>();
  const byEnd = new Map<string, Directive>();
  for (const { directive, spec } of directivesOf(configuration)) {
    if (spec) modules.set(directive, spec.module);
    byEnd.set(`${directive.source.path}:${directive.endsAt}`, directive);
  }
  return (problem) => {
    const { in: source, order, kind } = problem;
    const rule = isAdvice(problem) ? { rule: problem.rule } : {};
    const directive = kind === "syntax" ? undefined : byEnd.get(`${source.path}:${order}`);
    if (!directive) return { directive: null, module: null, ...rule };
    const module = modules.get(directive) ?? onlyModule(directive.name);
    return { directive: shown(directive.name), module: module === undefined ? null : moduleName(module), ...rule };
  };
}

function isAdvice(problem: NginxProblem): problem is Advice {
  return "rule" in problem;
}

/** The module of a directive that stands in a wrong place, where all of its meanings are of one. */
function onlyModule(name: string): string | undefined {
  const modules = new Set(DIRECTIVES.get(name)?.map(({ module }) => module));
  return modules.size === 1 ? [...modules][0] : undefined;
}

function moduleName(module: string): string {
  return `ngx_${module}_module`;
}

/** The part of the JSON document that an nginx.conf has besides. */
export function nginxToJson({ accepted, files, directives, partOf, notes }: NginxFindings): object {
  return {
    notes: notes.map(({ message, hint, cause, rule, position }) => ({
      rule,
      message,
      hint: hint ?? null,
      cause: cause ?? null,
      file: position?.file ?? null,
      line: position?.line ?? null,
      column: position?.column ?? null,
    })),
    partOf,
    files,
    directives,
    accepted: accepted.map(({ directive: { name, source, head }, spec }) => {
      const { file, line, column } = positionAt(source, head.start);
      return { directive: shown(name), module: moduleName(spec.module), reason: spec.why ?? null, file, line, column };
    }),
  };
}

/** The text in front of the summary. */
export function nginxToText(findings: NginxFindings, colour: boolean, verbose: boolean): string[] {
  const { problems, notes, accepted } = findings;
  const blocks = problems.map((problem) => formatProblem(withRule(problem), colour));
  if (!verbose) return blocks;
  if (notes.length > 0) blocks.push(notesOf(notes));
  if (accepted.length > 0) blocks.push(listOf(accepted));
  return blocks;
}

/** The rule is named, so that it can be looked up, and silenced. */
function withRule(problem: NginxProblem): NginxProblem {
  return isAdvice(problem) ? { ...problem, message: `${problem.message} [${problem.rule}]` } : problem;
}

function notesOf(notes: readonly Advice[]): string {
  const lines = notes.flatMap(({ position, message, hint, rule }) => [
    `  ${position?.file}:${position?.line}  ${message} [${rule}]`,
    `      ${hint}`,
  ]);
  return ["worth knowing:", ...lines].join("\n");
}

/** What the summary adds: how much was read, and how much of it has no effect. */
export function nginxSummary({ accepted, files, directives, partOf, notes }: NginxFindings, verbose: boolean): string {
  const part = partOf === null ? "" : `, read as a part of "${partOf}"`;
  const without = accepted.length === 0 ? "" : `, ${accepted.length} of them without effect here`;
  const noted = notes.length === 0 ? "" : `; ${countOf(notes.length, "note")}`;
  const more = verbose || (without === "" && noted === "") ? "" : " (--verbose lists them)";
  return `${countOf(directives, "directive")} in ${countOf(files, "file")}${part}${without}${noted}${more}`;
}

function listOf(accepted: readonly Meaning[]): string {
  const rows = accepted.map(({ directive: { source, head, name }, spec }) => {
    const { file, line } = positionAt(source, head.start);
    return [`${file}:${line}`, shown(name), spec.why ?? ""] as const;
  });
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map(([place, name, why]) => `  ${place.padEnd(widths[0]!)}  ${name.padEnd(widths[1]!)}  ${why}`);
  return ["accepted, and without effect here:", ...lines.map((line) => line.trimEnd())].join("\n");
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
