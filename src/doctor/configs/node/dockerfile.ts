// A Dockerfile: what the image runs, with the addresses and timers of its command line. Only where one stage alone says
// what runs: which of several is built is said elsewhere. Parser: lines that "\" continues, comments between them, words
// as a shell or as JSON has them.

import type { Place } from "../../evidence.ts";
import type { ConfigEvidence, Listen } from "../model.ts";
import { evidence, type ReadInput } from "../reader.ts";
import { wordsOfLine } from "./command-words.ts";
import { commandSays } from "./commands.ts";

interface Instruction {
  readonly name: string;
  readonly text: string;
  readonly at: Place;
}

interface Stage {
  readonly env: Record<string, { readonly text: string | null }>;
  entry: Instruction | null;
  command: Instruction | null;
}

/** Reads it. */
export function readDockerfile({ file, text }: ReadInput): ConfigEvidence {
  const stages: Stage[] = [];
  for (const instruction of instructionsOf(file, text)) {
    if (instruction.name === "FROM") stages.push({ env: {}, entry: null, command: null });
    const stage = stages.at(-1);
    if (!stage) continue;
    if (instruction.name === "ENV") addEnvironment(stage.env, instruction.text);
    if (instruction.name === "ENTRYPOINT") stage.entry = instruction;
    if (instruction.name === "CMD") stage.command = instruction;
  }
  const running = stages.filter(({ entry, command }) => entry !== null || command !== null);
  const [stage] = running;
  const place = stage?.command?.at ?? stage?.entry?.at;
  if (running.length !== 1 || !stage || !place) return evidence(file, "dockerfile", {});
  const words = [stage.entry, stage.command].flatMap((each) => (each ? wordsIn(each.text) : []));
  // What the environment of the container puts in is not known.
  const says = words.some((word) => word.includes("$")) ? null : commandSays(words, stage.env, place);
  if (!says) return evidence(file, "dockerfile", {});
  const { software, listen, timers, timersUnknown } = says;
  const listens: readonly Listen[] = listen
    ? [{ host: listen.host ?? "*", port: listen.port, socket: null, tls: false, names: [], at: listen.at }]
    : [];
  const own = { software, name: "Dockerfile", at: place, listens, routes: [], pools: [], timers, logs: [] };
  return evidence(file, "dockerfile", {
    hops: [timersUnknown ? { ...own, timersUnknown } : own],
    platform: { containers: [], kube: null, apps: listen ? [listen] : [] },
  });
}

function* instructionsOf(file: string, text: string): Generator<Instruction> {
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? "";
    const head = /^(\s*)([A-Za-z]+)\s+(.*)$/.exec(line);
    if (!head) continue;
    const at = { file, line: index + 1, column: (head[1]?.length ?? 0) + 1 };
    const parts = [head[3] ?? ""];
    while (/\\\s*$/.test(parts.at(-1) ?? "") && index + 1 < lines.length) {
      index += 1;
      const next = lines[index] ?? "";
      if (!/^\s*#/.test(next)) parts.push(next);
    }
    yield { name: (head[2] ?? "").toUpperCase(), text: parts.map((part) => part.replace(/\\\s*$/, " ")).join(""), at };
  }
}

function wordsIn(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  } catch {
    // The form of a shell.
  }
  return wordsOfLine(text);
}

/** "ENV A=1 B=2" and the older "ENV A 1". */
function addEnvironment(env: Stage["env"], text: string): void {
  const old = /^(\w+)\s+([^=]*)$/.exec(text.trim());
  if (old) env[old[1] ?? ""] = { text: old[2]?.trim() ?? "" };
  else
    for (const word of wordsOfLine(text)) {
      const equals = word.indexOf("=");
      if (equals > 0) env[word.slice(0, equals)] = { text: word.slice(equals + 1) };
    }
}
