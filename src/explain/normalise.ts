// Takes off what stands around a message: colours, quotes, what docker, kubectl, syslog and journald put before each
// line, JSON and HTML. Strategy: a list of peelers, each with a cheap test; whenever one took something off, all are
// asked again, at most ROUNDS_MAX times, so that wrappers may stand in any order. Each peeler reads the text once.
// Offsets: text[i] is input[offsets[i]], except for decoded escapes and a "\n" that stands for what lay between pieces.
import type { Facts } from "./explanation.ts";
import type { Draft } from "./formats/format.ts";
import { peelHtml } from "./html-text.ts";
import { peelLinePrefixes } from "./line-prefixes.ts";
import { keepParts, lineEnd, type Mapped, type Part, type Peeled } from "./mapped-text.ts";
import type { Normalised } from "./recognised.ts";
import { peelRecords } from "./record-text.ts";

type Peeler = (text: string) => Peeled | null;

const ROUNDS_MAX = 12;
const NO_FACTS: Facts = {};

/** The text without its wrappers, with each character's place in the input. */
export function normalise(input: string): Normalised {
  let mapped: Mapped = { text: input, offsets: null };
  const wrappers: string[] = [];
  const facts: Draft = {};
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const peeled = peel(mapped.text);
    if (peeled === null) break;
    mapped = keepParts(mapped, peeled.parts);
    if (peeled.name !== "") wrappers.push(peeled.name);
    // What stands nearest to the message knows best what it is about: inner facts replace outer ones.
    Object.assign(facts, peeled.facts);
  }
  return { text: mapped.text, offsets: mapped.offsets, wrappers, facts };
}

function peel(text: string): Peeled | null {
  for (const peeler of PEELERS) {
    const peeled = peeler(text);
    if (peeled) return peeled;
  }
  return null;
}

const PEELERS: readonly Peeler[] = [
  peelControls,
  peelBlank,
  peelFence,
  peelQuotes,
  peelQuoting,
  peelLinePrefixes,
  peelRecords,
  peelHtml,
];

const STRIPPED = /[\r\ufeff\u200b\x1b\x00]/;
/** Colours as sent (ESC), and as programs print them that show control characters. */
const CONTROLS =
  /(?:\x1b|#033|\^\[|\\x1b|\\u001b|\\033|\\e)\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\r(?=\n|$)|[\ufeff\u200b\x00]/gi;
/** Colours whose ESC got lost on the way; only where one of them ends the colour. */
const BARE_COLOURS = /\[(?:\d{1,3}(?:;\d{1,3}){0,4})?m/g;

function peelControls(text: string): Peeled | null {
  const bare = text.includes("[0m") || text.includes("[39m");
  const shown =
    text.includes("[") && (text.includes("#033[") || text.includes("^[[") || /\\(?:x1b|u001b|033|e)\[/i.test(text));
  if (!bare && !shown && !STRIPPED.test(text)) return null;
  return (
    without(text, CONTROLS, shown || text.includes("\x1b") ? "ansi" : "") ??
    (bare ? without(text, BARE_COLOURS, "ansi") : null)
  );
}

function without(text: string, pattern: RegExp, name: string): Peeled | null {
  const parts: Part[] = [];
  let clean = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push([clean, match.index]);
    clean = match.index + match[0].length;
  }
  if (clean === 0 && parts.length === 0) return null;
  parts.push([clean, text.length]);
  return { name, parts, facts: NO_FACTS };
}

function peelBlank(text: string): Peeled | null {
  if (!isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(text.length - 1))) return null;
  const parts: Part[] = [[text.length - text.trimStart().length, text.trimEnd().length]];
  return { name: "", parts: text.trim() === "" ? [] : parts, facts: NO_FACTS };
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xa0;
}

function peelFence(text: string): Peeled | null {
  if (!text.startsWith("```") && !text.startsWith("~~~")) return null;
  const fence = text.slice(0, 3);
  const first = lineEnd(text, 0);
  const info = first < text.length && /^[\w+-]*$/.test(text.slice(3, first).trim()) ? first + 1 : 3;
  const close = text.lastIndexOf(fence);
  return { name: "code", parts: [[Math.min(info, text.length), close >= info ? close : text.length]], facts: NO_FACTS };
}

const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "“": "”", "«": "»", "‘": "’" };

function peelQuotes(text: string): Peeled | null {
  const close = Object.hasOwn(CLOSING, text[0] ?? "") ? CLOSING[text[0]!]! : undefined;
  if (close === undefined || text.length < 3 || text.at(-1) !== close) return null;
  const inside = text.slice(1, -1);
  const escaped = close === '"' && inside.includes("\\");
  if ((escaped ? inside.replace(/\\[\s\S]/g, "") : inside).includes(close)) return null;
  const parts: Part[] = escaped ? decodeQuotes(text) : [[1, text.length - 1]];
  return { name: "quotes", parts, facts: NO_FACTS };
}

/** Inside double quotes only \" and \\ are taken for escapes: a Windows path has \n in it too. */
function decodeQuotes(text: string): Part[] {
  const parts: Part[] = [];
  let clean = 1;
  for (const match of text.slice(0, -1).matchAll(/\\["\\]/g)) {
    parts.push([clean, match.index], [match.index, match.index + 2, match[0][1]!]);
    clean = match.index + 2;
  }
  parts.push([clean, text.length - 1]);
  return parts;
}

/** A citation in a mail or in Markdown: every line begins with ">". What curl -v sends has it too, but other lines as well. */
function peelQuoting(text: string): Peeled | null {
  if (!text.startsWith(">") || /^> [A-Z]+ \S+ HTTP\//.test(text)) return null;
  const parts: Part[] = [];
  for (let start = 0; start <= text.length; ) {
    const end = lineEnd(text, start);
    if (text[start] === ">") {
      const from = start + (text[start + 1] === " " ? 2 : 1);
      parts.push([Math.min(from, end), Math.min(end + 1, text.length)]);
    } else if (text.slice(start, end).trim() !== "") return null;
    else parts.push([start, Math.min(end + 1, text.length)]);
    start = end + 1;
  }
  return { name: "quoting", parts, facts: NO_FACTS };
}
