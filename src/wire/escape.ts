// Byte text (one character is one byte) where some of its bytes mean something: URIs, HTML, JSON, each as nginx writes
// it. Which bytes each place escapes is a fact of the protocol between configurations and applications, which compare
// the results: neither encodeURIComponent nor libraries for HTML write the same.

// Controls, space, bytes from 0x7f on, and: what no URI has; for a path "#", "%", "?" besides.
const NOT_IN_PATH = /[\0-\x20"#%<>?\\^`{|}\x7f-\xff]/g;
const NOT_IN_ARGUMENT = /[\0-\x20"#%&+;<>?\\^`{|}\x7f-\xff]/g;
const NOT_IN_COMPONENT = /[^A-Za-z0-9\-._~]/g;
const NOT_IN_REFRESH = /[\0-\x20"'<>\\^`{|~\x7f-\xff]/g;
const NOT_IN_ECHO = /[\0-\x20"#%'<>\\^`{|}\x7f-\xff]/g;

/** A decoded path as it is sent in a request line or Location. */
export function escapeUri(uri: string): string {
  return uri.replace(NOT_IN_PATH, triplet);
}

/** A text as it is put into arguments: captures in a rewrite behind "?". */
export function escapeArgs(text: string): string {
  return text.replace(NOT_IN_ARGUMENT, triplet);
}

/** A text as one component of a URI: only unreserved characters stay. */
export function escapeUriComponent(text: string): string {
  return text.replace(NOT_IN_COMPONENT, triplet);
}

/** A URL within the HTML of a refresh page. */
export function escapeRefresh(url: string): string {
  return url.replace(NOT_IN_REFRESH, triplet);
}

/** A value that SSI's echo writes as a URL. */
export function escapeEcho(value: string): string {
  return value.replace(NOT_IN_ECHO, triplet);
}

const TRIPLETS: readonly string[] = Array.from({ length: 256 }, (_, byte) => `%${hex(byte)}`);

function triplet(character: string): string {
  return TRIPLETS[character.charCodeAt(0)] ?? "";
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

const ENTITIES: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };

/** For text and for values in double quotes. */
export function escapeEntities(text: string): string {
  return text.replace(/[<>&"]/g, (character) => ENTITIES[character]!);
}

const JSON_UNSAFE = /[\x00-\x1f"\\]/;
const JSON_UNSAFE_EACH = /[\x00-\x1f"\\]/g;
const JSON_SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  '"': '\\"',
  "\\": "\\\\",
};

/** For a string of JSON; bytes beyond ASCII stay, since they are UTF-8 or nothing that JSON could say. */
export function escapeJson(value: string): string {
  // Almost nothing has to be escaped, and lines of logs are many.
  return JSON_UNSAFE.test(value) ? value.replace(JSON_UNSAFE_EACH, jsonEscape) : value;
}

function jsonEscape(character: string): string {
  return JSON_SHORT[character] ?? `\\u00${hex(character.charCodeAt(0))}`;
}
