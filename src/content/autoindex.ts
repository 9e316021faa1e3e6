// Listings of folders, byte for byte as nginx writes them: people parse them. Folders first, then by bytes of the name.
// In HTML a long name is cut to 50 columns, counted in characters where the listing is UTF-8.
import type { AutoindexConfig } from "../config/servers.ts";
import { escapeEntities, escapeJson, escapeUriComponent } from "../wire/escape.ts";
import { formatHttpDate } from "../wire/http-date.ts";
import type { DirectoryEntry } from "./directory.ts";

/** What a listing says beside its entries. */
export interface ListingFacts {
  readonly uri: string;
  readonly config: AutoindexConfig;
  /** Whether the listing is sent as UTF-8: then a character may have several bytes. */
  readonly isUtf8: boolean;
  /** Of the server's time zone, east of Greenwich; for autoindex_localtime. */
  readonly zoneOffsetMinutes: number;
  /** JSONP; "" = plain JSON. */
  readonly callback: string;
}

/** charset "" = as the location says. */
export function listingType(
  config: AutoindexConfig,
  callback: string,
): { readonly type: string; readonly charset: string } {
  if (config.format === "xml") return { type: "text/xml", charset: "utf-8" };
  if (config.format === "html") return { type: "text/html", charset: "" };
  return { type: callback === "" ? "application/json" : "application/javascript", charset: "" };
}

/** The listing as byte text. */
export function listingText(entries: readonly DirectoryEntry[], facts: ListingFacts): string {
  const sorted = [...entries].sort(inOrder);
  if (facts.config.format === "html") return html(sorted, facts);
  if (facts.config.format === "xml") return xml(sorted);
  const { callback } = facts;
  return callback === "" ? json(sorted) : `/* callback */\r\n${callback}(${json(sorted)});`;
}

/** The callback that the query asks for ("" = none), or what is wrong with it. */
export function jsonpCallback(args: string): { readonly callback: string } | { readonly problem: string } {
  const callback = /(?:^|&)callback=([^&]*)/i.exec(args)?.[1] ?? "";
  if (callback.length > 128) return { problem: `client sent too long callback name: "${callback}"` };
  if (/[^A-Za-z0-9_.]/.test(callback)) return { problem: `client sent invalid callback name: "${callback}"` };
  return { callback };
}

function inOrder(one: DirectoryEntry, other: DirectoryEntry): number {
  if (one.isDirectory !== other.isDirectory) return one.isDirectory ? -1 : 1;
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

const NAME_COLUMNS = 50;

function html(entries: readonly DirectoryEntry[], facts: ListingFacts): string {
  const title = escapeEntities(facts.uri);
  return [
    `<html>\r\n<head><title>Index of ${title}</title></head>\r\n<body>\r\n<h1>Index of ${title}</h1>`,
    '<hr><pre><a href="../">../</a>\r\n',
    ...entries.map((entry) => `${link(entry, facts.isUtf8)} ${dateAndSize(entry, facts)}\r\n`),
    "</pre><hr></body>\r\n</html>\r\n",
  ].join("");
}

function link({ name, isDirectory }: DirectoryEntry, isUtf8: boolean): string {
  const href = `${escapeUriComponent(name)}${isDirectory ? "/" : ""}`;
  const chars = isUtf8 ? charactersOf(name) : null;
  const columns = chars ? chars.length : name.length;
  if (columns > NAME_COLUMNS) {
    const cut = chars ? chars.slice(0, NAME_COLUMNS - 3).join("") : name.slice(0, NAME_COLUMNS - 3);
    return `<a href="${href}">${escapeEntities(cut)}..&gt;</a>`;
  }
  const slash = isDirectory && columns < NAME_COLUMNS ? "/" : "";
  return `<a href="${href}">${escapeEntities(name)}${slash}</a>${" ".repeat(NAME_COLUMNS - columns - slash.length)}`;
}

/** UTF-8 characters, each as byte text; null = it is not UTF-8. */
function charactersOf(name: string): string[] | null {
  const chars = name.match(UTF8_CHARACTER) ?? [];
  return chars.reduce((length, char) => length + char.length, 0) === name.length ? chars : null;
}

/** No overlong forms and nothing above U+10FFFF. */
const UTF8_CHARACTER =
  /[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xef][\x80-\xbf])[\x80-\xbf]|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}/g;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function dateAndSize({ modifiedSeconds, isDirectory, sizeBytes }: DirectoryEntry, facts: ListingFacts): string {
  const { config, zoneOffsetMinutes } = facts;
  const date = new Date((modifiedSeconds + (config.localTime ? zoneOffsetMinutes * 60 : 0)) * 1000);
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  const size = isDirectory ? "-" : config.exactSize ? String(sizeBytes) : roundedSize(sizeBytes);
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())} ${size.padStart(config.exactSize ? 19 : 7)}`;
}

const SCALES = [
  ["G", 2 ** 30, 2 ** 30],
  ["M", 2 ** 20, 2 ** 20],
  ["K", 2 ** 10, 10_000],
] as const;

function roundedSize(bytes: number): string {
  const scale = SCALES.find(([, , from]) => bytes >= from);
  return scale ? `${Math.floor(bytes / scale[1] + 0.5)}${scale[0]}` : String(bytes);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function kindOf({ isDirectory, isFile }: DirectoryEntry): string {
  return isDirectory ? "directory" : isFile ? "file" : "other";
}

function json(entries: readonly DirectoryEntry[]): string {
  const lines = entries.map((entry) => {
    const size = entry.isFile ? `, "size":${entry.sizeBytes}` : "";
    const mtime = formatHttpDate(entry.modifiedSeconds);
    return `\r\n{ "name":"${escapeJson(entry.name)}", "type":"${kindOf(entry)}", "mtime":"${mtime}"${size} }`;
  });
  return `[${lines.join(",")}\r\n]`;
}

function xml(entries: readonly DirectoryEntry[]): string {
  const lines = entries.map((entry) => {
    const kind = kindOf(entry);
    const mtime = `${new Date(entry.modifiedSeconds * 1000).toISOString().slice(0, 19)}Z`;
    const size = entry.isFile ? ` size="${entry.sizeBytes}"` : "";
    return `<${kind} mtime="${mtime}"${size}>${escapeEntities(entry.name)}</${kind}>\r\n`;
  });
  return `<?xml version="1.0"?>\r\n<list>\r\n${lines.join("")}</list>\r\n`;
}
