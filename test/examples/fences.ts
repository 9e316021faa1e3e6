// The code of the reference's entries, with what each fence says about how to run it (knowledge/README.md).
import type { Entry } from "../../src/knowledge/entry.ts";

export interface Example {
  /** "cause/connect-refused:57" */
  readonly name: string;
  readonly language: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly code: string;
}

/** Every fence of the entries. */
export function examplesOf(entries: readonly Entry[]): Example[] {
  return entries.flatMap(({ id, sections }) =>
    sections.flatMap(({ markdown, line }) => fencesIn(markdown).map((fence) => exampleOf(id, line, fence))),
  );
}

interface Fence {
  readonly info: string;
  readonly code: string;
  /** Lines above it in its section. */
  readonly above: number;
}

function fencesIn(markdown: string): Fence[] {
  return [...markdown.matchAll(/^([ \t]*)(`{3,}|~{3,})([^\n]*)\n([\s\S]*?)^[ \t]*\2[ \t]*$/gm)].map((found) => ({
    info: found[3]!.trim(),
    // Inside a list the code is indented as the fence is.
    code: found[4]!.replace(new RegExp(`^${found[1]}`, "gm"), ""),
    above: markdown.slice(0, found.index).split("\n").length,
  }));
}

function exampleOf(id: string, line: number, { info, code, above }: Fence): Example {
  const [language = "", ...rest] = info.split(/\s+/);
  const settings: Record<string, string> = {};
  for (const [, key, quoted, plain] of rest.join(" ").matchAll(/([\w-]+)=(?:"([^"]*)"|(\S+))/g))
    settings[key!] = quoted ?? plain ?? "";
  return { name: `${id}:${line + above}`, language, settings, code };
}
