// Names of servers in upstreams, which nginx resolves once, when it reads its configuration: each address is a server of
// its own. Reading is synchronous, so another process asks; it is started only where there are names. What has no
// address is no reason not to start (nginx's is): it is asked for again with each connection, and told as a warning.
import { spawnSync } from "node:child_process";
import { isIP } from "node:net";
import type { Config } from "../../config/config.ts";
import type { NginxConfiguration } from "../../nginx/load.ts";
import { makeProblem, type NginxProblem } from "../../nginx/problem.ts";
import type { Directive } from "../../nginx/tree.ts";

const WAIT_MS = 30_000;
const ASK = `
const { lookup } = require("node:dns").promises;
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", async () => {
  const found = await Promise.all(JSON.parse(text).map(async (name) => {
    try {
      return [name, (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address)];
    } catch {
      return [name, []];
    }
  }));
  process.stdout.write(JSON.stringify(found));
});`;

export interface ResolvedNames {
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly problems: readonly NginxProblem[];
}

/** The addresses of all names that are resolved at load. */
export function resolveNames(config: Config, configuration: Pick<NginxConfiguration, "files">): ResolvedNames {
  const names = namesIn(config);
  if (names.length === 0) return { addresses: {}, problems: [] };
  const answer = spawnSync(process.execPath, ["-e", ASK], {
    input: JSON.stringify(names),
    encoding: "utf8",
    timeout: WAIT_MS,
  });
  const found = answer.status === 0 ? (JSON.parse(answer.stdout) as [string, string[]][]) : [];
  const addresses = Object.fromEntries(
    found.filter(([, list]) => list.length > 0).map(([name, list]) => [name, inOrder(list)]),
  );
  const unknown = names.filter((name) => !Object.hasOwn(addresses, name));
  return { addresses, problems: unknown.flatMap((name) => problemOf(name, configuration)) };
}

function namesIn({ upstreams }: Config): string[] {
  const names = new Set<string>();
  for (const { endpoints } of upstreams.values()) {
    for (const { address, resolve } of endpoints) {
      if (resolve === "at-load" && address.kind === "tcp" && isIP(address.host) === 0) names.add(address.host);
    }
  }
  return [...names];
}

/** IPv4 comes first, each address once. */
function inOrder(addresses: readonly string[]): string[] {
  const unique = [...new Set(addresses)];
  return [...unique.filter((address) => isIP(address) === 4), ...unique.filter((address) => isIP(address) === 6)];
}

function problemOf(name: string, { files }: Pick<NginxConfiguration, "files">): NginxProblem[] {
  for (const { directives } of files) {
    const directive = find(directives, name);
    if (!directive) continue;
    const arg = directive.args[0]!;
    return [
      makeProblem({
        kind: "advice",
        severity: "warning",
        source: directive.source,
        text: `host not found in upstream "${name}"`,
        noticedAt: directive.endsAt,
        at: arg.start,
        length: arg.raw.length,
        hint: "it is asked for again with each connection; requests fail until it has an address",
      }),
    ];
  }
  return [];
}

function find(directives: readonly Directive[], name: string): Directive | undefined {
  for (const directive of directives) {
    const named = directive.name === "server" || directive.name === "proxy_pass";
    if (named && directive.args[0]?.value.toLowerCase().includes(name)) return directive;
    const inner = directive.block && find(directive.block.directives, name);
    if (inner) return inner;
  }
  return undefined;
}
