// A file that is only a part of a configuration (sites-available/shop, a snippet of locations): nginx cannot test it
// by itself, but it can be held against the block that it fits into. It is read as if that block included it.
import type { Context } from "./directives/spec.ts";
import { DIRECTIVES, specIn } from "./directives/table.ts";
import { type Files, loadNginx, type NginxConfiguration, type ReadFailure } from "./load.ts";

export type PartOf = "http" | "server" | "location";

export interface Loaded {
  readonly configuration: NginxConfiguration;
  /** null = it is whole. */
  readonly partOf: PartOf | null;
}

/** The blocks around the part, from outside. */
const AROUND: Readonly<Record<PartOf, readonly [string, string]>> = {
  http: ["events {} http {", "}"],
  server: ["events {} http { server {", "}}"],
  location: ["events {} http { server { location / {", "}}}"],
};

/** Reads a configuration, or a part of one; byte text. */
export function loadWholeOrPart(path: string, files: Files): Loaded | ReadFailure {
  const whole = loadNginx(path, files);
  if ("errno" in whole) return whole;
  const partOf = partOfWhat(whole);
  const name = path.slice(path.lastIndexOf("/") + 1);
  // What an `include` would take for a pattern or for an escape is left alone.
  if (partOf === null || /[*?[\\"]/.test(path)) return { configuration: whole, partOf: null };
  const [before, after] = AROUND[partOf];
  const text = `${before} include "${name}"; ${after}`;
  const around = `${path} `;
  const read: Files["read"] = (each) => (each === around ? text : files.read(each));
  const configuration = loadNginx(around, { ...files, read });
  if ("errno" in configuration) return configuration;
  return { configuration: { ...configuration, files: configuration.files.slice(1) }, partOf };
}

/** The outermost block that most of the directives may stand in, where the main context is none. */
function partOfWhat({ main }: NginxConfiguration): PartOf | null {
  const names = main.file.directives.map(({ name }) => name);
  if (names.some((name) => name === "http" || name === "events")) return null;
  const misplaced = (context: Context) =>
    names.filter((name) => DIRECTIVES.has(name) && !specIn(DIRECTIVES, name, context)).length;
  let best: { context: PartOf | null; count: number } = { context: null, count: misplaced("main") };
  for (const context of ["http", "server", "location"] as const) {
    const count = misplaced(context);
    if (count < best.count) best = { context, count };
  }
  return best.context;
}
