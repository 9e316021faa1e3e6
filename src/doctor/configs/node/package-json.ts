// package.json: the framework from its dependencies, how it is started from its scripts. Only start and serve count:
// what dev does is not what runs behind a gateway.
import type { SoftwareId } from "../../software.ts";
import { readYaml } from "../documents.ts";
import type { ConfigEvidence } from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { at, pairsOf, textOf } from "../tree.ts";
import { wordsOfLine } from "./command-words.ts";
import { commandSays } from "./commands.ts";

const FRAMEWORKS: readonly (readonly [name: string, software: SoftwareId])[] = [
  ["next", "nextjs"],
  ["fastify", "fastify"],
  ["@nestjs/platform-fastify", "fastify"],
  ["express", "express"],
  ["@nestjs/platform-express", "express"],
  ["@nestjs/core", "express"],
  ["koa", "node"],
  ["@hapi/hapi", "node"],
  ["hono", "node"],
];

/** Reads a package.json. */
export function readPackageJson({ file, text }: ReadInput): ConfigEvidence {
  const { documents, problems } = readYaml(text, file);
  const root = documents[0];
  const names = new Set(pairsOf(at(root, "dependencies")).map(({ key }) => key));
  const framework = FRAMEWORKS.find(([name]) => names.has(name));
  const script = ["start", "start:prod", "serve"]
    .map((name) => at(root, "scripts", name))
    .find((each) => textOf(each) !== undefined);
  const line = textOf(script) ?? "";
  const says = script ? commandSays(wordsOfLine(line.replace(/&&|\|\||;/g, " $& ")), {}, script.at) : null;
  const software = framework?.[1] ?? says?.software ?? null;
  const dependency = framework
    ? pairsOf(at(root, "dependencies")).find(({ key }) => key === framework[0])?.value
    : undefined;
  const place = script?.at ?? dependency?.at ?? { file, line: 1, column: 1 };
  const listen = says?.listen ?? null;
  const hop = {
    software: software ?? ("node" as const),
    name: textOf(at(root, "name")) ?? "package.json",
    at: place,
    listens: listen
      ? [{ host: listen.host ?? "*", port: listen.port, socket: null, tls: false, names: [], at: listen.at }]
      : [],
    routes: [],
    pools: [],
    timers: says?.timers ?? [],
    logs: [],
  };
  const isServer = software !== null;
  return evidence(file, "package-json", {
    hops: isServer ? [hop] : [],
    problems: problems.map(({ at: where, text: said }) => problem(file, where, said, "check the JSON of the file")),
    platform: { containers: [], kube: null, apps: listen ? [listen] : [] },
  });
}
