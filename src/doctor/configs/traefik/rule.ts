// A router's rule as hosts and a path: Host(`a`) && PathPrefix(`/api`). A rule that says more (headers, methods, !) is
// kept as its text: nothing is claimed of what it lets through.
import type { ConfiguredRoute } from "../model.ts";

export interface RuleMeans {
  readonly hosts: readonly string[];
  readonly path: ConfiguredRoute["path"];
}

/** What a rule lets through; one for each part that || joins. */
export function ruleMeans(rule: string): readonly RuleMeans[] {
  const parts = outside(rule, "||");
  return parts.flatMap((part): readonly RuleMeans[] => {
    const hosts: string[] = [];
    const paths: ConfiguredRoute["path"][] = [];
    let plain = true;
    for (const term of outside(part, "&&")) {
      const match = /^\(*\s*(\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*\)*$/.exec(term);
      const values = [...(match?.[2] ?? "").matchAll(/`([^`]*)`|"([^"]*)"|'([^']*)'/g)].map(
        (each) => each[1] ?? each[2] ?? each[3] ?? "",
      );
      const name = match?.[1]?.toLowerCase();
      if (name === "host") hosts.push(...values);
      else if (name === "hostregexp") hosts.push(...values.map((value) => `~${value}`));
      else if (name === "path") paths.push(...values.map((text) => ({ kind: "exact", text }) as const));
      else if (name === "pathprefix") paths.push(...values.map((text) => ({ kind: "prefix", text }) as const));
      else plain = false;
    }
    if (!plain) return [{ hosts, path: { kind: "pattern", text: part.trim() } }];
    if (paths.length === 0) return [{ hosts, path: { kind: "prefix", text: "/" } }];
    return paths.map((path) => ({ hosts, path }));
  });
}

/** Cut at an operator that stands in no parentheses and in no quotes; one pair around the whole is taken off. */
function outside(given: string, operator: string): readonly string[] {
  const text = unwrapped(given.trim());
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let from = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? "";
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === "`" || char === '"' || char === "'") quote = char;
    else if (char === "(") depth += 1;
    else if (char === ")") depth -= 1;
    else if (depth === 0 && text.startsWith(operator, index)) {
      parts.push(text.slice(from, index).trim());
      from = index + operator.length;
    }
  }
  return [...parts, text.slice(from).trim()].filter((part) => part !== "");
}

function unwrapped(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === "(") depth += 1;
    if (text[index] === ")") depth -= 1;
    if (depth === 0 && index < text.length - 1) return text;
  }
  return text.slice(1, -1);
}
