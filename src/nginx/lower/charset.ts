// Charsets: what Content-Type says, and the tables that make one of another.
import type { CharsetConfig, CharsetMapConfig } from "../../config/servers.ts";
import { literalText } from "../../config/text.ts";
import type { Directive } from "../tree.ts";
import type { Lowering } from "./lowering.ts";
import { mediaTypes } from "./media-types.ts";
import { argOf, blockScope, flagOf, type Scope } from "./scope.ts";
import { wholeVariable } from "./text.ts";

const TEXTS = [
  ...["text/html", "text/xml", "text/plain", "text/vnd.wap.wml"],
  ...["application/javascript", "application/rss+xml"],
];

/** What a block says of charsets; null = nothing. */
export function charsetOf(scope: Scope, lowering: Lowering): CharsetConfig | null {
  const [charset, source] = [scope.last("charset"), scope.last("source_charset")];
  if (!charset && !source) return null;
  if (charset && source) complainNoMap(scope, charset, source, lowering);
  return {
    charset: argOf(charset) === "off" ? "" : nameOf(scope, charset),
    source: nameOf(scope, source),
    override: flagOf(scope, "override_charset", false),
    types: mediaTypes(scope, "charset_types", TEXTS),
  };
}

function nameOf(scope: Scope, directive: Directive | undefined): string {
  const value = argOf(directive);
  return directive && value.startsWith("$") ? wholeVariable(scope, directive, value) : literalText(value);
}

/** Two charsets that are named and differ need a table. */
function complainNoMap(scope: Scope, charset: Directive, source: Directive, { charsetMaps }: Lowering): void {
  const [to, from] = [argOf(charset), argOf(source)];
  if (to === "off" || to.startsWith("$") || from.startsWith("$") || isSame(from, to)) return;
  if (charsetMaps.some((map) => isBetween(map, from, to))) return;
  const text = `no "charset_map" between the charsets "${from}" and "${to}"`;
  scope.problems.complain(charset, text, undefined, { placeless: true });
}

function isBetween(map: CharsetMapConfig, one: string, other: string): boolean {
  return (isSame(map.from, one) && isSame(map.to, other)) || (isSame(map.from, other) && isSame(map.to, one));
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The tables of the http block. */
export function charsetMapsOf(http: Scope): CharsetMapConfig[] {
  const maps: CharsetMapConfig[] = [];
  for (const directive of http.own("charset_map")) {
    const [from, to] = [argOf(directive), argOf(directive, 1)];
    const names = `"${from}" and "${to}"`;
    const { problems } = http;
    if (isSame(from, to)) problems.complain(directive, `"charset_map" between the same charsets ${names}`);
    else if (isSame(from, "utf-8"))
      problems.complain(directive, '"charset_map" with "utf-8" charset should be given in the second column');
    else if (maps.some((map) => isBetween(map, from, to)))
      problems.complain(directive, `duplicate "charset_map" between ${names}`);
    else maps.push({ from, to, entries: entriesOf(http, directive, isSame(to, "utf-8")) });
  }
  return maps;
}

function entriesOf(http: Scope, directive: Directive, isUtf8: boolean): CharsetMapConfig["entries"] {
  return blockScope(http, "http", directive).directives.flatMap((entry) => {
    const [key, value] = [entry.name, argOf(entry)];
    const to = bytesOfHex(value, isUtf8 ? 3 : 1);
    const wrong = bytesOfHex(key, 1) === undefined ? key : value;
    if (to !== undefined && wrong === value) return [{ from: Number.parseInt(key, 16), to }];
    http.problems.complain(entry, `invalid value "${wrong}"`);
    return [];
  });
}

/** The bytes of "e282ac"; undefined = it is none, or too many. */
function bytesOfHex(text: string, bytesMax: number): string | undefined {
  if (!/^[0-9a-f]+$/i.test(text)) return undefined;
  const even = text.length % 2 === 0 ? text : `0${text}`;
  return even.length > 2 * bytesMax ? undefined : Buffer.from(even, "hex").toString("latin1");
}
