// --chain: "cloudflare > alb > nginx(proxy_read_timeout=300s) > node > postgres", outermost first, in any of the arrows
// people type. A word that is no program is left out with a problem; the others still make a chain. A program that
// comes twice gets names: nginx, nginx-2.
import { suggest } from "../../config/suggest.ts";
import type { Ms } from "../../std/units.ts";
import type { InputProblem } from "../evidence.ts";
import { SOFTWARE, SOFTWARE_IDS, type SoftwareId, softwareOf } from "../software.ts";
import { defaultLink, knownTimer, type Link, withoutReuse, withTimer } from "./link.ts";
import type { TimerId } from "./model.ts";
import { problemOf } from "./problems.ts";
import { findSetting } from "./settings.ts";
import { readValue } from "./values.ts";

const HOPS_MAX = 20;
const TEXT_MAX = 4000;

interface Part {
  readonly word: string;
  readonly settings: string | null;
}

/** The hops of a text, with defaults and with what stands in brackets. */
export function parseSpec(spec: string): {
  readonly links: readonly Link[];
  readonly problems: readonly InputProblem[];
} {
  const problems: InputProblem[] = [];
  const links: Link[] = [];
  const parts = partsOf(spec.slice(0, TEXT_MAX), problems);
  if (spec.length > TEXT_MAX || parts.length > HOPS_MAX) {
    const text = `only the first ${HOPS_MAX} hops are read`;
    problems.push(problemOf("--chain", spec, text, "write the hops of one request's way"));
  }
  for (const { word, settings } of parts.slice(0, HOPS_MAX)) {
    const { program, version } = versioned(word);
    const software = softwareOf(program);
    if (software === null) {
      problems.push(unknownWord(word));
      continue;
    }
    const link = defaultLink(freeName(nameOf(program, software), links), software, "default");
    links.push(withSettings(ofVersion(withVariant(link, program), version), settings, problems));
  }
  if (links.length === 0 && problems.length === 0) {
    problems.push(problemOf("--chain", spec, "there is no hop in it", 'write it as "cloudflare > alb > nginx > node"'));
  }
  return { links, problems };
}

/** The name that no other hop has: "nginx", "nginx-2". */
export function freeName(wanted: string, links: readonly Link[]): string {
  const taken = new Set(links.map(({ hop }) => hop.name));
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!taken.has(name)) return name;
  }
}

/** Short words stay as they were written ("alb"); names with spaces become the id. */
function nameOf(word: string, software: SoftwareId): string {
  const plain = word.trim().toLowerCase();
  return /^[a-z0-9-]+$/.test(plain) ? plain : software;
}

function partsOf(spec: string, problems: InputProblem[]): readonly Part[] {
  const parts: Part[] = [];
  for (const piece of splitOutside(spec)) {
    const match = /^([^()[\]]*)(?:[([]([^()[\]]*)[)\]]?\s*)?$/.exec(piece.trim());
    const word = match?.[1]?.trim() ?? "";
    if (match && word !== "") parts.push({ word, settings: match[2] ?? null });
    else if (piece.trim() !== "") {
      const next = 'settings stand after the program, in brackets: "nginx(proxy_read_timeout=300s)"';
      problems.push(problemOf("--chain", piece.trim(), "the brackets cannot be read", next));
    }
  }
  return parts;
}

/** At arrows and commas that stand in no brackets. */
function splitOutside(spec: string): readonly string[] {
  const pieces: string[] = [];
  let depth = 0;
  let piece = "";
  for (const char of spec.replaceAll(/(?:[-=–—]+>)|→|➜|➔|⇒|»/g, ">")) {
    if (char === "(" || char === "[") depth += 1;
    if (char === ")" || char === "]") depth = Math.max(0, depth - 1);
    const ends = depth === 0 && (char === ">" || char === "," || char === ";" || char === "|" || char === "\n");
    if (ends) pieces.push(piece);
    piece = ends ? "" : piece + char;
  }
  return [...pieces, piece];
}

function unknownWord(word: string): InputProblem {
  const words = SOFTWARE_IDS.flatMap((id) => [id, ...SOFTWARE[id].aliases]);
  const near = suggest(word, words);
  const known = `known: ${SOFTWARE_IDS.join(", ")}; for another one write app(client-idle=5s), with its own values`;
  const next = near === undefined ? known : `did you mean "${near}"?`;
  return problemOf(
    "--chain",
    word,
    `"${word.slice(0, 40)}" is no program that is known; the chain is made without it`,
    next,
  );
}

/** Programs that are made of another one and come with other defaults. */
const VARIANTS: Readonly<Record<string, Readonly<Partial<Record<TimerId, Ms | null>>>>> = {
  istio: { total: null },
  "ingress-nginx": { connect: 5000 },
};

function withVariant(link: Link, word: string): Link {
  const values = VARIANTS[word.trim().toLowerCase()];
  if (values === undefined) return link;
  const timers = link.hop.timers.map((timer) => {
    const value = values[timer.id];
    return value === undefined ? timer : { ...timer, value };
  });
  return { ...link, hop: { ...link.hop, timers } };
}

/** "nginx/1.24.0", "puma 6", "node:20-alpine", "Next.js": the program, and its version where one is written. */
function versioned(word: string): { readonly program: string; readonly version: readonly number[] | null } {
  const match = /^(.*?)\s*[\s:@/]v?(\d+(?:\.\d+){0,3})(?:[-+.\w]*)$/i.exec(word.trim());
  if (!match || softwareOf(word) !== null) return { program: word, version: null };
  return { program: match[1] ?? word, version: (match[2] ?? "").split(".").map(Number) };
}

/** Defaults that were others in older releases. */
function ofVersion(link: Link, version: readonly number[] | null): Link {
  if (version === null) return link;
  const { hop } = link;
  if (hop.software === "nginx") return isBefore(version, [1, 29, 7]) ? withoutReuse(link) : { ...link, reuse: "yes" };
  if (hop.software !== "puma" || !isBefore(version, [7])) return link;
  const timers = hop.timers.map((timer) => (timer.id === "client-idle" ? { ...timer, value: 20_000 } : timer));
  return { ...link, hop: { ...hop, timers } };
}

function isBefore(version: readonly number[], limit: readonly number[]): boolean {
  const at = limit.findIndex((part, index) => part !== (version[index] ?? 0));
  return at >= 0 && (version[at] ?? 0) < (limit[at] ?? 0);
}

function withSettings(link: Link, settings: string | null, problems: InputProblem[]): Link {
  let hop = link.hop;
  for (const pair of (settings ?? "").split(/[,;]/)) {
    if (pair.trim() === "") continue;
    const [name = "", ...rest] = pair.split(/[=:]/);
    const found = findSetting(hop, name);
    if ("wrong" in found) {
      problems.push(problemOf("--chain", pair.trim(), found.wrong, found.next));
      continue;
    }
    for (const id of found.ids) {
      const read = readValue(rest.join("="), id, hop.software);
      if ("wrong" in read) {
        problems.push(problemOf("--chain", pair.trim(), read.wrong, read.next));
        break;
      }
      const timer = { id, setting: found.setting, value: read.value, from: "config", place: null } as const;
      hop = withTimer(hop, knownTimer(hop.software, timer));
    }
  }
  // Who says how long connections are reused says that they are.
  const reuses = hop.timers.some(({ id, from }) => id === "upstream-idle" && from === "config");
  return { ...link, hop, reuse: reuses ? "yes" : link.reuse };
}
