// A page as a person reads it: tags, scripts, styles and comments go, each tag between blocks leaves a line end, the
// common entities become their characters. Only a text that begins as a page, or has one behind a response's head.
import type { Part, Peeled } from "./mapped-text.ts";

const OPENS = /<(?:!doctype html|html|head|title|body|center|h1|hr)\b/i;
const INLINE = /^<\/?(?:a|b|i|u|em|strong|span|code|small|tt|font|address|abbr|sup|sub)\b/i;
const HIDDEN = /^<(script|style|svg|noscript)\b/i;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ndash: "–",
  mdash: "—",
  middot: "·",
  bull: "•",
  copy: "©",
  rsquo: "’",
};
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi;

/** The text of an HTML page. */
export function peelHtml(text: string): Peeled | null {
  const start = pageStart(text);
  if (start < 0) return null;
  const parts: Part[] = start > 0 ? [[0, start]] : [];
  let at = start;
  let changed = false;
  while (at < text.length) {
    const open = text.indexOf("<", at);
    if (open < 0 || !/[A-Za-z/!?]/.test(text[open + 1] ?? "")) {
      const end = open < 0 ? text.length : open + 1;
      pushText(parts, text, at, end);
      at = end;
      continue;
    }
    pushText(parts, text, at, open);
    const end = tagEnd(text, open);
    const tag = text.slice(open, Math.min(open + 16, end));
    if (!INLINE.test(tag)) parts.push([open, end, "\n"]);
    changed = true;
    at = end;
  }
  return changed ? { name: "html", parts: joinBlank(text, parts), facts: {} } : null;
}

/** Where the page begins: at the beginning, or on a line of its own behind a head. */
function pageStart(text: string): number {
  const open = text.indexOf("<");
  if (open < 0) return -1;
  const found = OPENS.exec(text);
  if (!found) return -1;
  const before = text.slice(0, found.index).trim();
  if (before === "" || (before.startsWith("<!--") && before.endsWith("-->"))) return 0;
  const ownLine = /\n[ \t]*$/.test(text.slice(Math.max(0, found.index - 80), found.index));
  return ownLine && /^(?:HTTP\/|[*<>] |< HTTP)/m.test(before) ? found.index : -1;
}

/** Behind a tag, a comment, or an element that shows nothing. */
function tagEnd(text: string, open: number): number {
  if (text.startsWith("<!--", open)) {
    const close = text.indexOf("-->", open + 4);
    return close < 0 ? text.length : close + 3;
  }
  const hidden = HIDDEN.exec(text.slice(open, open + 12))?.[1];
  const from = hidden === undefined ? open : closingTag(text, hidden, open);
  const close = text.indexOf(">", from);
  return close < 0 ? text.length : close + 1;
}

function closingTag(text: string, name: string, from: number): number {
  const close = text.indexOf(`</${name}`, from);
  return close < 0 ? text.length : close;
}

function pushText(parts: Part[], text: string, start: number, end: number): void {
  if (start >= end) return;
  let clean = start;
  const inside = text.slice(start, end);
  if (inside.includes("&")) {
    for (const match of inside.matchAll(ENTITY)) {
      const decoded = entityText(match);
      if (decoded === undefined) continue;
      const at = start + match.index;
      parts.push([clean, at], [at, at + match[0].length, decoded]);
      clean = at + match[0].length;
    }
  }
  parts.push([clean, end]);
}

function entityText([, decimal, hex, name]: RegExpMatchArray): string | undefined {
  if (name !== undefined) return Object.hasOwn(ENTITIES, name.toLowerCase()) ? ENTITIES[name.toLowerCase()] : undefined;
  const code = decimal === undefined ? Number.parseInt(hex!, 16) : Number(decimal);
  return code > 0 && code < 0xd800 ? String.fromCharCode(code) : undefined;
}

/** Runs of blank parts become one: a page is mostly the white space between its tags. */
function joinBlank(text: string, parts: readonly Part[]): Part[] {
  const kept: Part[] = [];
  let gap: Part | null = null;
  for (const part of parts) {
    const [from, to, instead] = part;
    if (instead === "\n" || (instead === undefined && text.slice(from, to).trim() === "")) {
      if (instead === "\n" && (gap === null || gap[2] === undefined)) gap = part;
      else gap ??= part;
      continue;
    }
    if (gap && kept.length > 0) kept.push(gap);
    gap = null;
    kept.push(part);
  }
  return kept;
}
