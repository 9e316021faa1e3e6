// Traefik's files, static or dynamic or both in one, YAML or TOML. Old files (1.x: frontends, backends) are told, not
// read. Labels and options in compose files come here too, by labelHop.

import { readYaml } from "../documents.ts";
import type { ConfigEvidence, ConfiguredHop, Finding } from "../model.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { readToml } from "../toml.ts";
import { at, type Tree } from "../tree.ts";
import { dynamicOf } from "./dynamic.ts";
import { entryPointsOf, logsOf, staticTimers } from "./static.ts";

/** Reads a file of Traefik's. */
export function readTraefik({ file, text }: ReadInput): ConfigEvidence {
  const isToml =
    /\.toml$/i.test(file) || (!/\.(?:ya?ml|json)$/i.test(file) && /^\s*\[\[?[\w."'-]+\]\]?\s*$/m.test(text));
  const { documents, problems } = isToml ? readToml(text, file) : readYaml(text, file);
  const told = problems.map(({ at: place, text: said }) =>
    problem(file, place, said, `check the ${isToml ? "TOML" : "YAML"} of the file`),
  );
  const old = documents.map((tree) => at(tree, "backends") ?? at(tree, "frontends")).find((each) => each !== undefined);
  if (old)
    told.push(
      problem(
        file,
        old.at,
        "frontends and backends are Traefik 1.x's, which is not read",
        "name the file that Traefik 2 or 3 reads",
      ),
    );
  const hops = documents.map((tree, index) => hopOf(tree, index === 0 ? "traefik" : `traefik-${index + 1}`));
  return evidence(file, "traefik", {
    hops: hops.map(({ hop }) => hop),
    findings: hops.flatMap(({ findings }) => findings),
    problems: told,
  });
}

/** The hop that a document sets up. */
export function hopOf(
  tree: Tree,
  name: string,
): { readonly hop: ConfiguredHop; readonly findings: readonly Finding[] } {
  const { routes, pools, findings } = dynamicOf(at(tree, "http"), null, at(tree, "serversTransport"));
  const hop: ConfiguredHop = {
    software: "traefik",
    name,
    at: tree.at,
    listens: entryPointsOf(tree),
    routes,
    pools,
    timers: staticTimers(tree),
    logs: logsOf(tree),
  };
  return { hop, findings: findings.map((each) => ({ ...each, hop: name })) };
}
