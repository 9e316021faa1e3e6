// A Node server's source, as far as it is plain: keepAliveTimeout and its like set to a number, listen with a number or
// `process.env.X || number`, the address where one is given. It is no interpreter: what is computed is not known. Comments
// are blanked, strings are kept; a number may be written as 65 * 1000 or 65_000.
import type { SoftwareId } from "../../software.ts";
import type { TimerId } from "../../timeouts/model.ts";
import { note, timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredTimer, Finding, Listen } from "../model.ts";
import type { AppListen } from "../platform.ts";
import { evidence, placesIn, type ReadInput } from "../reader.ts";

const SETTINGS = {
  keepAliveTimeout: "client-idle",
  headersTimeout: "request",
  requestTimeout: "request",
} as const;

/** Reads a source. */
export function readNodeSource({ file, text }: ReadInput): ConfigEvidence {
  const code = withoutComments(text);
  const place = placesIn(file, text);
  const software = frameworkOf(code);
  const held: ConfiguredTimer[] = [];
  const unknown = new Set<TimerId>();
  for (const [setting, id] of Object.entries(SETTINGS))
    for (const match of code.matchAll(new RegExp(`\\b${setting}\\s*(?::|=(?!=))\\s*([^,;\\n})]+)`, "g"))) {
      const said = (match[1] ?? "").trim();
      const value = numberIn(said, code);
      if (value === undefined) unknown.add(id);
      held.push(...timers(id, setting, value === 0 ? null : value, said.slice(0, PLAIN_MAX), place(match.index)));
    }
  const listens = listensIn(code, software, place);
  const serves = held.length > 0 || listens.length > 0;
  const hop = {
    software,
    name: file.slice(file.lastIndexOf("/") + 1),
    at: listens[0]?.at ?? held[0]?.at ?? { file, line: 1, column: 1 },
    listens: listens.map(
      (each): Listen => ({ host: each.host ?? "*", port: each.port, socket: null, tls: false, names: [], at: each.at }),
    ),
    routes: [],
    pools: [],
    timers: held,
    ...(unknown.size > 0 ? { timersUnknown: [...unknown] } : {}),
    logs: [],
  };
  return evidence(file, "node-source", {
    hops: serves ? [hop] : [],
    findings: headFindings(held).map((each) => ({ ...each, hop: hop.name })),
    platform: { containers: [], kube: null, apps: listens },
  });
}

function frameworkOf(code: string): SoftwareId {
  const uses = (name: string) => new RegExp(`(?:from\\s*|require\\(\\s*|import\\(\\s*)["']${name}["']`).test(code);
  if (uses("fastify") || uses("@nestjs/platform-fastify")) return "fastify";
  if (uses("next")) return "nextjs";
  return uses("express") || uses("@nestjs/core") ? "express" : "node";
}

/** Comments as spaces, so that offsets stay; strings are kept, and what looks like a comment in them. */
export function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`)|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g,
    (part: string, string: string | undefined) => (string === undefined ? part.replace(/[^\n]/g, " ") : part),
  );
}

/** What is longer is worked out, and its patterns would look for long. */
const PLAIN_MAX = 300;

/** A literal, a product of literals, or a constant of the same file that is one; undefined = it is not plain. */
function numberIn(said: string, code: string, depth = 0): number | undefined {
  if (said.length > PLAIN_MAX) return undefined;
  const text = said.trim().replace(/^\((.*)\)$/, "$1");
  const literal = /^\d[\d_]*(?:\.\d+)?(?:e\d+)?$/i;
  if (literal.test(text)) return Number(text.replaceAll("_", ""));
  if (/^[\d\s_*.]+$/.test(text) && text.includes("*")) {
    const factors = text.split("*").map((each) => each.trim());
    return factors.every((each) => literal.test(each))
      ? factors.reduce((product, each) => product * Number(each.replaceAll("_", "")), 1)
      : undefined;
  }
  const fallback =
    /^(?:Number(?:\.parseInt)?\(|parseInt\(|\+)?\s*process\.env(?:\.\w+|\[["']\w+["']\])\s*(?:,\s*10\s*)?\)?\s*(?:\|\||\?\?)\s*["']?(\d[\d_]*)["']?\s*\)?$/.exec(
      text,
    );
  if (fallback) return Number((fallback[1] ?? "").replaceAll("_", ""));
  if (!/^[A-Za-z_$][\w$]*$/.test(text) || depth > 2) return undefined;
  const found = new RegExp(
    `\\b(?:const|let|var)\\s+${text.replaceAll("$", "\\$")}\\s*(?::\\s*\\w+\\s*)?=\\s*([^;\\n]+)`,
  ).exec(code);
  return found?.[1] === undefined ? undefined : numberIn(found[1], code, depth + 1);
}

/** The variable of the environment that a port is taken from. */
function variableIn(said: string, code: string): string | null {
  if (said.length > PLAIN_MAX) return null;
  const direct = /process\.env(?:\.(\w+)|\[["'](\w+)["']\])/.exec(said);
  if (direct) return direct[1] ?? direct[2] ?? null;
  const name = /^[A-Za-z_$][\w$]*$/.exec(said.trim())?.[0];
  const found = name
    ? new RegExp(`\\b(?:const|let|var)\\s+${name.replaceAll("$", "\\$")}\\s*(?::\\s*\\w+\\s*)?=\\s*([^;\\n]+)`).exec(
        code,
      )
    : null;
  return found ? variableIn(found[1]?.replace(/^\w+$/, "") ?? "", code) : null;
}

function textIn(said: string, code: string): string | undefined {
  if (said.length > PLAIN_MAX) return undefined;
  const text = said.trim();
  const literal = /^["'`]([^"'`$]*)["'`]$/.exec(text)?.[1];
  if (literal !== undefined) return literal;
  const fallback = /^process\.env(?:\.\w+|\[["']\w+["']\])\s*(?:\|\||\?\?)\s*["']([^"']*)["']$/.exec(text)?.[1];
  if (fallback !== undefined) return fallback;
  if (!/^[A-Za-z_$][\w$]*$/.test(text)) return undefined;
  const found = new RegExp(
    `\\b(?:const|let|var)\\s+${text.replaceAll("$", "\\$")}\\s*(?::\\s*\\w+\\s*)?=\\s*([^;\\n]+)`,
  ).exec(code)?.[1];
  return found === undefined || found.trim() === text
    ? undefined
    : textIn(found.replace(/^[A-Za-z_$][\w$]*$/, ""), code);
}

function listensIn(
  code: string,
  software: SoftwareId,
  place: (offset: number) => AppListen["at"],
): readonly AppListen[] {
  return [...code.matchAll(/\.listen\s*\(/g)].flatMap((match): readonly AppListen[] => {
    const args = argumentsAt(code, match.index + match[0].length);
    const first = args[0]?.trim() ?? "";
    const isObject = first.startsWith("{");
    const field = (name: string) =>
      new RegExp(`\\b${name}\\s*:\\s*([^,}]+)`).exec(first)?.[1] ??
      (new RegExp(`[{,]\\s*${name}\\s*[,}]`).test(first) ? name : undefined);
    const portSaid = isObject ? field("port") : first;
    if (portSaid === undefined || portSaid === "") return [];
    const port =
      numberIn(portSaid, code) ?? (/^["']\d+["']$/.test(portSaid) ? Number(portSaid.slice(1, -1)) : undefined);
    const portVariable = variableIn(portSaid, code);
    // .listen of something else: an event, a store.
    if (port === undefined && portVariable === null) return [];
    const second = args[1]?.trim() ?? "";
    const hostSaid = isObject
      ? field("host")
      : /^["'`]|^[A-Za-z_$][\w$.[\]"' |?]*$/.test(second) && !/=>|function/.test(second)
        ? second
        : undefined;
    const host = hostSaid === undefined ? undefined : textIn(hostSaid, code);
    const hostVariable = hostSaid === undefined ? null : variableIn(hostSaid, code);
    // A callback by its name, or an address that is worked out: not plain.
    const open = hostSaid !== undefined && host === undefined && (hostVariable !== null || isObject);
    const byDefault = hostSaid === undefined && software === "fastify";
    const said = byDefault ? "localhost" : host;
    if (open && hostVariable === null) return [];
    return [
      {
        software,
        host: said === undefined || /^(?:0\.0\.0\.0|::|\*|)$/.test(said) ? null : said,
        port: port ?? null,
        portVariable,
        hostVariable,
        hostByDefault: byDefault,
        text: `listen(${args.slice(0, 2).join(",").replace(/\s+/g, " ").slice(0, 80)})`,
        at: place(match.index + 1),
      },
    ];
  });
}

/** The arguments of a call, cut at commas that stand in nothing. */
function argumentsAt(code: string, start: number): readonly string[] {
  const args: string[] = [];
  let depth = 0;
  let from = start;
  let quote = "";
  for (let index = start; index < Math.min(code.length, start + 5000); index += 1) {
    const char = code[index] ?? "";
    if (quote !== "") {
      if (char === "\\") index += 1;
      else if (char === quote) quote = "";
    } else if (/["'`]/.test(char)) quote = char;
    else if (/[([{]/.test(char)) depth += 1;
    else if (/[)\]}]/.test(char)) {
      if (depth === 0) return [...args, code.slice(from, index)];
      depth -= 1;
    } else if (char === "," && depth === 0) {
      args.push(code.slice(from, index));
      from = index + 1;
    }
  }
  return args;
}

function headFindings(held: readonly ConfiguredTimer[]): Finding[] {
  const keep = held.find(({ setting }) => setting === "keepAliveTimeout");
  const head = held.find(({ setting }) => setting === "headersTimeout");
  if (!keep?.value || !head?.value || head.value > keep.value) return [];
  return [
    note({
      id: "node-headers-below-keepalive",
      class: "closed-before-response",
      text: `headersTimeout ${head.text} is not above keepAliveTimeout ${keep.text}: in Node before 18 an idle connection is then cut while its next request arrives`,
      fix: `write headersTimeout = ${keep.value + 1000}`,
      at: head.at,
      also: keep.at,
    }),
  ];
}
