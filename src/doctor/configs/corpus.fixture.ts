// Cases of test/corpus/doctor-configs, a folder for each kind: the configuration, "----", what is expected as JSON.
// A case with several files begins each with "=== name"; the first is the one that is given.
// NAME.risk shows where a rule speaks, NAME.fine a near miss, NAME.good a whole configuration in which nothing is a risk.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { filesInMemory } from "./files.ts";
import type { ConfigEvidence, ConfiguredHop, ConfiguredTimer } from "./model.ts";
import { readConfigs } from "./read-configs.ts";

const ROOT = fileURLToPath(new URL("../../../test/corpus/doctor-configs/", import.meta.url));
const FOLDER = "/case/";

/** What may be said of a case; what is absent is not looked at. */
export interface Expected {
  /** "id line", of findings that are risks: these and no others. */
  readonly risks?: readonly string[];
  /** "id line", of findings that are notes: these among others. */
  readonly notes?: readonly string[];
  /** "line text", of problems: these and no others. */
  readonly problems?: readonly string[];
  /** Lines of `hopLines`: these among others. */
  readonly hop?: readonly string[];
}

export interface ConfigCase {
  readonly kind: string;
  /** "no-redispatch.risk". */
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly main: string;
  readonly expected: Expected;
}

/** All cases of some kinds. */
export function configCases(...kinds: readonly string[]): ConfigCase[] {
  return kinds.flatMap((kind) =>
    readdirSync(join(ROOT, kind))
      .filter((name) => name.endsWith(".txt"))
      .sort()
      .map((name) => parseCase(kind, name.slice(0, -4), readFileSync(join(ROOT, kind, name), "utf8"))),
  );
}

function parseCase(kind: string, name: string, text: string): ConfigCase {
  const at = text.lastIndexOf("\n----\n");
  const [content, json] = [text.slice(0, at + 1), text.slice(at + 6)];
  const parts = content.startsWith("=== ") ? content.slice(4).split(/^=== /m) : [`${name}.conf\n${content}`];
  const files = parts.map((part) => {
    const end = part.indexOf("\n");
    const name = part.slice(0, end).trim();
    return [name.startsWith("/") ? name : FOLDER + name, part.slice(end + 1)] as const;
  });
  return { kind, name, files: Object.fromEntries(files), main: files[0]?.[0] ?? "", expected: JSON.parse(json) };
}

/** What a case is read as. */
export async function readCase({ files, main }: ConfigCase): Promise<ConfigEvidence> {
  const [read] = await readConfigs([main], filesInMemory(files));
  if (!read) throw new Error(`${main} was not read`);
  return read;
}

/** A hop as lines that people can compare. */
export function hopLines({ listens, routes, pools, timers, logs }: ConfiguredHop): string[] {
  const spoken = (value: unknown) =>
    typeof value === "string" || value === null ? String(value) : JSON.stringify(value);
  return [
    ...listens.map(({ host, port, socket, tls, names }) =>
      `listen ${socket ?? `${host}:${port}`}${tls ? " tls" : ""} ${names.join(",")}`.trimEnd(),
    ),
    ...routes.map(
      ({ hosts, path, pool, pathBecomes, timers: own }) =>
        `route ${hosts.join(",") || "any"} ${path.kind} ${path.text} -> ${pool}${pathBecomes === null ? "" : ` becomes ${pathBecomes}`}${own.length === 0 ? "" : `; ${own.map(timerText).join(", ")}`}`,
    ),
    ...pools.map(
      (pool) =>
        `pool ${pool.name} ${pool.scheme} [${pool.members.map(({ text, spot, backup, down }) => `${text}${spot ? "" : "?"}${backup ? " backup" : ""}${down ? " down" : ""}`).join(", ")}] host ${spoken(pool.host)}${pool.verify === null ? "" : ` sni ${spoken(pool.serverName)} verify ${pool.verify}`} version ${pool.httpVersion}${pool.reuses ? " reuses" : ""}${pool.health ? ` health ${pool.health.path} ${pool.health.host}` : ""}${pool.timers.length === 0 ? "" : `; ${pool.timers.map(timerText).join(", ")}`}`,
    ),
    ...timers.map((timer) => `timer ${timerText(timer)}`),
    ...logs.map(({ kind, file }) => `log ${kind} ${file}`),
  ];
}

function timerText({ id, setting, value, at }: ConfiguredTimer): string {
  return `${id} ${setting} ${value}@${at.line}`;
}
