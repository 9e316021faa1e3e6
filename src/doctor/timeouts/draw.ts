// The chain as lines of text: hop under hop, between two hops how long the outer one waits for the inner one, and how
// their idle times stand to each other. What is not a default carries a sign, what breaks a rule a number that the list
// below explains. Symbols carry the meaning, colour only repeats it. No line is wider than the columns allow.

import { SOFTWARE } from "../software.ts";
import { called } from "./inversion.ts";
import { timerOf } from "./link.ts";
import type { ChainHop, HopTimer, Inversion, TimeoutChain, TimerId } from "./model.ts";
import { shownValue } from "./values.ts";

/** How the chain is drawn. */
export interface DrawOptions {
  readonly columns: number;
  readonly colour: boolean;
  /** Whether notes are marked and listed too; only risks are without it. */
  readonly notes?: boolean;
}

const COLUMNS_MIN = 30;
const VALUES_MAX = 3;
const SIGNS: Readonly<Record<HopTimer["from"], string>> = {
  config: "*",
  measured: "~",
  header: "~",
  "what-if": "?",
  default: "",
};
const CODES = { risk: "31", note: "33", dim: "2", bold: "1" } as const;
type Paint = (style: keyof typeof CODES, text: string) => string;

/** The lines, without their ends. */
export function drawChain(chain: TimeoutChain, { columns, colour, notes = false }: DrawOptions): readonly string[] {
  const width = Math.max(COLUMNS_MIN, columns);
  const paint: Paint = (style, text) => (colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
  const listed = chain.inversions.filter(({ severity }) => notes || severity === "risk");
  const hidden = chain.inversions.length - listed.length;
  return [
    ...chain.hops.flatMap((hop, index) => hopLines(chain.hops, hop, index, listed, width, paint)),
    ...legend(chain.hops, width, paint),
    ...listed.flatMap((each, index) => ["", ...inversionLines(each, index + 1, width, paint)]),
    ...(chain.whatIf ? ["", ...whatIfLines(chain.whatIf, width)] : []),
    ...(listed.length === 0 ? ["", ...wrap("No order is broken that is a risk.", width, "", "")] : []),
    ...(hidden > 0 ? wrap(`${hidden} ${hidden === 1 ? "note" : "notes"}: shown with --verbose.`, width, "", "") : []),
  ];
}

function hopLines(
  hops: readonly ChainHop[],
  hop: ChainHop,
  index: number,
  listed: readonly Inversion[],
  width: number,
  paint: Paint,
): readonly string[] {
  const next = hops[index + 1];
  const program = called(hop);
  const title = program.toLowerCase() === hop.name ? hop.name : `${hop.name}  ${plainProgram(hop, program)}`;
  const own = items(hop, ["worker", "total"]).join(", ");
  const head = wrap(own === "" ? title : `${title}  (${own})`, width, "", "  ").map((line, at) =>
    at === 0 ? paint("bold", hop.name) + line.slice(hop.name.length) : line,
  );
  const marks = listed.flatMap((each, at) =>
    each.between[0] === hop.name ? [markOf(each, at + 1, next?.name ?? hop.name)] : [],
  );
  const marked = marks.flatMap(({ text, style }) =>
    wrap(text, width, "  ▼  ", next ? "  │  " : "     ").map((line) => paint(style, line)),
  );
  if (!next) return [...head, ...marked.map((line) => line.replace("▼", "!"))];
  const between = betweenItems(hop, next);
  const lines = between.length === 0 ? [] : wrapItems(between, width, "  │  ");
  return [...head, ...(lines.length > 0 ? lines : ["  │"]), ...marked];
}

function plainProgram({ name }: ChainHop, program: string): string {
  return program.replace(` (${name})`, "");
}

/** "connect 60s", "response 60s", "idle 60s > 5s". */
function betweenItems(hop: ChainHop, next: ChainHop): readonly string[] {
  const isHttp = SOFTWARE[next.software].kind !== "database" && next.software !== "php-fpm";
  const reuse = isHttp ? timerOf(hop, "upstream-idle") : null;
  const keeps = timerOf(next, "client-idle");
  const idle: string[] = [];
  if (reuse && keeps) idle.push(`idle ${signed(reuse)} ${relation(reuse, keeps)} ${signed(keeps)}`);
  else if (reuse) idle.push(`idle ${signed(reuse)}`);
  else if (keeps && keeps.value !== null) idle.push(`${next.name} keeps idle ${signed(keeps)}`);
  return [...items(hop, ["connect", "response", "try-total", "tries"]), ...idle];
}

function items(hop: ChainHop, ids: readonly TimerId[]): readonly string[] {
  return ids.flatMap((id) => {
    const timer = timerOf(hop, id);
    // What is off and nobody touched says nothing.
    const shown = timer !== null && (timer.value !== null || timer.from !== "default" || id === "response");
    return timer !== null && shown ? [`${id} ${valuesOf(hop, timer)}`] : [];
  });
}

/** Routes with values of their own show theirs too. */
function valuesOf(hop: ChainHop, timer: HopTimer): string {
  const others = hop.timers.filter(
    ({ id, from, value }) => id === timer.id && from !== "default" && value !== timer.value,
  );
  const all = [...new Set([timer, ...others].map(signed))];
  return all.length > VALUES_MAX ? `${all.slice(0, VALUES_MAX).join("/")}/…` : all.join("/");
}

const signed = (timer: HopTimer): string => shownValue(timer) + SIGNS[timer.from];

function relation(reuse: HopTimer, keeps: HopTimer): string {
  const [a, b] = [reuse.value ?? Number.POSITIVE_INFINITY, keeps.value ?? Number.POSITIVE_INFINITY];
  return a < b ? "<" : a > b ? ">" : "=";
}

function markOf({ rule, severity, between }: Inversion, number: number, next: string) {
  const towards = between[1] === next || between[0] === between[1] ? "" : ` (with ${between[1]})`;
  return { style: severity, text: `${severity === "risk" ? "RISK" : "note"} ${number}: ${rule}${towards}` } as const;
}

function legend(hops: readonly ChainHop[], width: number, paint: Paint): readonly string[] {
  const used = new Set(hops.flatMap(({ timers }) => timers.map(({ from }) => SIGNS[from])));
  const said = [
    used.has("*") ? "* configured" : null,
    used.has("~") ? "~ measured or said" : null,
    used.has("?") ? "? what if" : null,
  ].filter((each) => each !== null);
  const text = said.length === 0 ? "All values are defaults." : `${said.join(", ")}; the others are defaults.`;
  return ["", ...wrap(text, width, "", "").map((line) => paint("dim", line))];
}

function inversionLines(each: Inversion, number: number, width: number, paint: Paint): readonly string[] {
  const label = `${each.severity === "risk" ? "RISK" : "note"} ${number}`;
  const title = `${label}  ${each.between.join(" > ")}: ${each.rule}${each.certain ? "" : " (by defaults)"}`;
  return [
    ...wrap(title, width, "", "  ").map((line) => paint(each.severity, line)),
    ...wrap(each.text, width, "  ", "  "),
    ...wrap(`Fix: ${each.fix}`, width, "  ", "       "),
  ];
}

function whatIfLines({ changes, solved, created }: NonNullable<TimeoutChain["whatIf"]>, width: number) {
  const named = (each: Inversion): string => `${each.between.join(" > ")}: ${each.rule} (${each.severity})`;
  const lines = changes.map(({ hop, setting, before, after }) => `What if ${hop}.${setting}: ${before} → ${after}`);
  const results = [
    ...solved.map((each) => `  solved   ${named(each)}`),
    ...created.map((each) => `  created  ${named(each)}`),
  ];
  const none = results.length === 0 ? ["  No order changes."] : results;
  return [...lines, ...none].flatMap((line) =>
    wrap(line.trimStart(), width, line.startsWith("  ") ? "  " : "", "    "),
  );
}

function wrapItems(all: readonly string[], width: number, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const item of all) {
    const joined = line === "" ? item : `${line} · ${item}`;
    if (line !== "" && indent.length + joined.length > width) {
      lines.push(indent + line);
      line = item;
    } else line = joined;
  }
  return [...lines, ...(line === "" ? [] : [indent + line])].flatMap((each) =>
    wrap(each.slice(indent.length), width, indent, indent),
  );
}

/** Broken at blanks; a word that is wider than a line is cut. */
function wrap(text: string, width: number, firstIndent: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = firstIndent;
  let empty = true;
  const room = width - Math.max(firstIndent.length, indent.length);
  for (const word of wordsOf(text, room).flatMap((each) => pieces(each, room))) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** Words, runs of blanks kept as empty ones. Code stays in one piece where it fits into a line: it is copied. */
function wordsOf(text: string, max: number): readonly string[] {
  const words: string[] = [];
  let code: string[] = [];
  for (const word of text.split(" ")) {
    const opensOrCloses = word.split("`").length % 2 === 0;
    if (code.length === 0 && !opensOrCloses) words.push(word);
    else code.push(word);
    if (code.length < 2 || !opensOrCloses) continue;
    const whole = code.join(" ");
    words.push(...(whole.length <= max ? [whole] : code));
    code = [];
  }
  return [...words, ...code];
}

function pieces(word: string, max: number): readonly string[] {
  if (word.length <= max) return [word];
  const count = Math.ceil(word.length / max);
  return Array.from({ length: count }, (_, index) => word.slice(index * max, (index + 1) * max));
}
