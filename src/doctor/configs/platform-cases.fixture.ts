// Cases of test/corpus/doctor-configs: KIND/NAME.txt has the files of a case, each behind "=== name", a divider, and as
// JSON what is read from them. ID.risk is a case in which that finding is made, ID.fine one that is right and looks
// like it, good-… a whole configuration without a risk. A word before ".risk" may tell several cases of an id apart.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { filesInMemory } from "./files.ts";
import { joinConfigs } from "./join.ts";
import type { ConfigEvidence, ConfiguredHop, ConfiguredTimer, Finding } from "./model.ts";
import { readConfigs } from "./read-configs.ts";

const folder = fileURLToPath(new URL("../../../test/corpus/doctor-configs/", import.meta.url));
const KINDS = [
  "caddyfile",
  "caddy-json",
  "traefik",
  "envoy",
  "compose",
  "kubernetes",
  "node-source",
  "package-json",
  "dockerfile",
] as const;
const DIVIDER = "\n----------\n";

export interface PlatformCase {
  /** "compose/good-nginx". */
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly expected: unknown;
}

/** All cases of these kinds. */
export function platformCases(): PlatformCase[] {
  return KINDS.flatMap((kind) =>
    readdirSync(join(folder, kind))
      .filter((name) => name.endsWith(".txt"))
      .sort()
      .map((name) => parseCase(`${kind}/${name.slice(0, -4)}`, readFileSync(join(folder, kind, name), "utf8"))),
  );
}

function parseCase(name: string, text: string): PlatformCase {
  const at = text.lastIndexOf(DIVIDER);
  const files = Object.fromEntries(
    `\n${text.slice(0, at)}\n`
      .split("\n=== ")
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]),
  );
  return { name, files, expected: JSON.parse(text.slice(at + DIVIDER.length)) };
}

/** Everything that a case's files say. A file that another includes is not read by itself. */
export async function readCase({ files }: PlatformCase): Promise<ConfigEvidence[]> {
  const own = Object.keys(files).filter((name) => !name.startsWith("sites/"));
  return readConfigs(own, filesInMemory(files));
}

/** Findings of each file and of all together. */
export function findingsOf(configs: readonly ConfigEvidence[]): readonly Finding[] {
  // What nginx's own reader says is that one's to test.
  const own = configs.filter(({ kind }) => kind !== "nginx");
  return [...own.flatMap(({ findings }) => findings), ...joinConfigs(configs)];
}

/** What was read, in short: what a case's JSON has. */
export function summary(configs: readonly ConfigEvidence[]): unknown {
  const lines = (severity: Finding["severity"]) =>
    findingsOf(configs)
      .filter((each) => each.severity === severity)
      .map(({ id, at, also }) => `${id} ${at?.file}:${at?.line}${also ? ` and ${also.file}:${also.line}` : ""}`);
  const problems = configs.flatMap((each) =>
    each.problems.map(({ place, text }) => `${place?.file}:${place?.line} ${text}`),
  );
  return {
    kinds: configs.map(({ kind }) => kind),
    risks: lines("risk"),
    notes: lines("note"),
    ...(problems.length > 0 ? { problems } : {}),
    hops: configs.filter(({ kind }) => kind !== "nginx").flatMap(({ hops }) => hops.map(hopLine)),
  };
}

function hopLine(hop: ConfiguredHop): unknown {
  const texts = (timers: readonly ConfiguredTimer[]) =>
    timers.map(({ id, value, text, at }) => `${id} ${value} (${text}, line ${at.line})`);
  return {
    hop: `${hop.software} ${hop.name}`,
    listens: hop.listens.map(
      ({ host, port, socket, tls, names }) => `${socket ?? `${host}:${port}`}${tls ? " tls" : ""} ${names.join(",")}`,
    ),
    routes: hop.routes.map(
      ({ hosts, path, pool, pathBecomes, timers }) =>
        `${hosts.join(",") || "any"} ${path.kind} ${path.text} → ${pool ?? "itself"}${pathBecomes === null ? "" : ` as ${pathBecomes}`}${timers.length > 0 ? `; ${texts(timers).join(", ")}` : ""}`,
    ),
    pools: hop.pools.map((pool) => ({
      pool: `${pool.name} ${pool.scheme}`,
      members: pool.members.map(({ text, spot, backup, down }) => {
        const where = spot === null ? "?" : spot.kind === "unix" ? spot.path : `${spot.host} ${spot.port}`;
        return `${text} = ${where}${backup ? " backup" : ""}${down ? " down" : ""}`;
      }),
      says: `host ${wordOf(pool.host)}, name ${wordOf(pool.serverName)}, verify ${pool.verify}, health ${pool.health?.path ?? (pool.health ? "?" : "none")}`,
      timers: texts(pool.timers),
    })),
    timers: texts(hop.timers),
    ...(hop.logs.length > 0 ? { logs: hop.logs.map(({ kind, file }) => `${kind} ${file}`) } : {}),
  };
}

function wordOf(value: string | { readonly text: string } | null): string {
  return typeof value === "object" && value !== null ? `"${value.text}"` : String(value);
}
