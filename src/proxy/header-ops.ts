// Header operations of a route, compiled at load: which received fields are dropped, and which lines are added.
import type { HeaderOps } from "../config/config.ts";
import { compileTemplate, type PlaceholderContext, type Template } from "./placeholders.ts";

export interface CompiledOps {
  /** Lower-case names of received fields that do not go on: removed or set anew. */
  readonly drop: ReadonlySet<string>;
  readonly lines: readonly { readonly name: string; readonly value: Template }[];
}

/** null = the route has none, and the head goes on by the fast path. */
export function compileOps(ops: HeaderOps): CompiledOps | null {
  if (ops.remove.length + ops.set.length + ops.add.length === 0) return null;
  return {
    drop: new Set([...ops.remove, ...ops.set.map((op) => op.name)].map((name) => name.toLowerCase())),
    lines: [...ops.set, ...ops.add].map(({ name, value }) => ({ name, value: template(value) })),
  };
}

/** The lines that the operations add, each ended by CRLF. */
export function addedLines(ops: CompiledOps, context: PlaceholderContext): string {
  let lines = "";
  for (const { name, value } of ops.lines) lines += `${name}: ${value.render(context)}\r\n`;
  return lines;
}

/** `lines` without the fields of these (lower-case) names: what a route sets is said once. */
export function withoutFields(lines: string, names: ReadonlySet<string>): string {
  return lines
    .split("\r\n")
    .filter((line) => line !== "" && !names.has(line.slice(0, line.indexOf(":")).toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join("");
}

/** The lower-case names of fields in `lines`. */
export function fieldNames(lines: string): ReadonlySet<string> {
  return new Set(lines.split("\r\n").map((line) => line.slice(0, line.indexOf(":")).toLowerCase()));
}

/** Templates were checked with the configuration; one that does not compile here is a fault of ours. */
export function template(text: string): Template {
  const compiled = compileTemplate(text);
  if ("message" in compiled) throw new Error(`template ${JSON.stringify(text)}: ${compiled.message}`);
  return compiled;
}
