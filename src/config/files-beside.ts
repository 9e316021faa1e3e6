// Names of files in virtual servers are relative to the configuration file, as all others are: they are made whole
// before the file is read, also where the names are defaults.
import { dirname, resolve } from "node:path";
import type { Path } from "./document.ts";
import { serversSections } from "./schema-servers.ts";

type Mapping = Readonly<Record<string, unknown>>;

/** Plain values of a file with whole names of files. */
export function withFilesBeside(value: unknown, configFile: string): unknown {
  if (typeof value !== "object" || value === null || !("servers" in value)) return value;
  const folder = dirname(resolve(configFile));
  const found: { readonly path: Path; readonly name: string }[] = [];
  const standard = withStandard(value as Mapping);
  serversSections.visit?.(standard, [], (kind, _, path) => {
    const name = at(standard, path);
    if (kind === "file" && typeof name === "string" && isRelative(name)) found.push({ path, name });
  });
  return found.reduce((all, { path, name }) => withValue(all, path, resolve(folder, name)), standard as unknown);
}

/** What is relative where nobody says. */
function withStandard(value: Mapping): Mapping {
  const given = value["server-defaults"] ?? {};
  if (typeof given !== "object" || given === null) return value;
  const { root = "html", request = {} } = given as Mapping;
  if (typeof request !== "object" || request === null) return value;
  return { ...value, "server-defaults": { ...given, root, request: { "body-folder": "body-files", ...request } } };
}

/** A text that begins with a variable says by itself where it is; "data:" has the content. */
function isRelative(name: string): boolean {
  return name !== "" && !/^(?:\/|\{\$|data:|engine:|store:)/.test(name);
}

function at(value: unknown, path: Path): unknown {
  let inner = value;
  for (const key of path) inner = (inner as Record<PropertyKey, unknown> | undefined)?.[key];
  return inner;
}

function withValue(value: unknown, [first, ...rest]: Path, put: unknown): unknown {
  if (first === undefined) return put;
  const inner = withValue((value as Record<PropertyKey, unknown>)[first], rest, put);
  if (Array.isArray(value)) return value.with(Number(first), inner);
  return { ...(value as object), [first]: inner };
}
