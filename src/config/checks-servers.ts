// Names in virtual servers: what the file uses has to be there. Works on what is written, so that each mistake has its
// place; what blocks inherit is told once, where it stands.

import { errorOf } from "./address.ts";
import type { Problem } from "./config.ts";
import type { Path } from "./document.ts";
import type { NameKind } from "./forms.ts";
import { patternFrom } from "./forms.ts";
import { compilePattern } from "./pcre.ts";
import { serversSections } from "./schema-servers.ts";
import type { ServersConfig } from "./servers.ts";
import { suggest, suggestionHint } from "./suggest.ts";
import { textParts } from "./text.ts";
import { builtinNames, isKnown, isOfMissingModule } from "./variable-names.ts";

interface Name {
  readonly kind: NameKind;
  readonly value: string;
  readonly path: Path;
}

/** Everything in the file that has or is a name; `written` are its plain values. */
export function namesIn(written: unknown): readonly Name[] {
  const names: Name[] = [];
  serversSections.visit?.(written, [], (kind, value, path) => names.push({ kind, value, path }));
  return names;
}

/** Variables that have a place in each request: "" where `set` makes them, not there where a pattern does. */
export function slotsOf(names: readonly Name[], made: readonly string[]): NonNullable<ServersConfig["slots"]> {
  const slots = new Map<string, "empty" | "not-found">();
  const isMade = new Set(made);
  for (const { kind, value } of names) {
    if (kind === "pattern") for (const name of capturedBy(value)) slots.set(name, "not-found");
    else if ((kind === "slot" || kind === "captured") && !isMade.has(value) && !slots.has(value))
      slots.set(value, kind === "slot" ? "empty" : "not-found");
  }
  for (const { kind, value } of names) {
    if (kind !== "text") continue;
    for (const name of variablesIn(value))
      if (isOfMissingModule(name) && !isKnown(name) && !slots.has(name) && !isMade.has(name))
        slots.set(name, "not-found");
  }
  return [...slots].map(([name, unset]) => ({ name, unset }));
}

function capturedBy(written: string): readonly string[] {
  const pattern = patternFrom(written);
  if (!pattern || "message" in pattern) return [];
  const compiled = compilePattern(pattern);
  return "problem" in compiled ? [] : compiled.names.map((name) => name.toLowerCase());
}

function variablesIn(text: string): readonly string[] {
  return textParts(text).flatMap((part) => (part.kind === "variable" ? [part.name] : []));
}

/** Names that nothing has. */
export function unknownNames(
  names: readonly Name[],
  servers: ServersConfig,
  upstreams: readonly string[],
): readonly { readonly problem: Problem; readonly path: Path }[] {
  const variables = [...servers.variables.map(({ name }) => name), ...(servers.slots ?? []).map(({ name }) => name)];
  const known: Partial<Record<NameKind, { readonly what: string; readonly names: readonly string[] }>> = {
    upstream: { what: "upstream", names: upstreams },
    cache: { what: "cache", names: servers.caches.map(({ name }) => name) },
    format: { what: "log format", names: servers.formats.map(({ name }) => name) },
    "rate-zone": zonesOf(servers, "rate"),
    "connections-zone": zonesOf(servers, "connections"),
  };
  const isVariable = new Set(variables);
  return names.flatMap(({ kind, value, path }) => {
    if (kind === "text")
      return variablesIn(value)
        .filter((name) => !isKnown(name) && !isVariable.has(name))
        .map((name) => ({ problem: unknownVariable(name, variables), path }));
    const all = known[kind];
    const isText = kind === "cache" && variablesIn(value).length > 0;
    if (!all || isText || value === "off" || all.names.includes(value)) return [];
    return [{ problem: errorOf(`unknown ${all.what} "${value}"`, suggestionHint(value, all.names)), path }];
  });
}

/** Named locations that nobody has: the request fails when it is sent there. */
export function unknownTargets(names: readonly Name[]): readonly { readonly problem: Problem; readonly path: Path }[] {
  const serverOf = (path: Path) => (path[0] === "servers" ? path[1] : undefined);
  const there = names.filter(({ kind }) => kind === "target");
  return names.flatMap(({ kind, value, path }) => {
    const isGoingOn = path.includes("error-pages") || path.includes("try-files");
    if (kind !== "text" || !isGoingOn || !/^@[^{]*$/.test(value)) return [];
    const server = serverOf(path);
    const near = there
      .filter((each) => server === undefined || serverOf(each.path) === server)
      .map((each) => each.value);
    if (near.includes(value)) return [];
    return [
      {
        problem: { ...errorOf(`there is no location "${value}"`, suggestionHint(value, near)), severity: "warning" },
        path,
      },
    ];
  });
}

function zonesOf({ zones }: ServersConfig, kind: "rate" | "connections") {
  return { what: `${kind} zone`, names: zones.filter((zone) => zone.kind === kind).map(({ name }) => name) };
}

function unknownVariable(name: string, variables: readonly string[]): Problem {
  const meant = suggest(name, [...variables, ...builtinNames()]);
  return errorOf(
    `unknown variable "${name}"`,
    meant === undefined ? "define it in variables, or by a set step" : `did you mean "{$${meant}}"?`,
  );
}
