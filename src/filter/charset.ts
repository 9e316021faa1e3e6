// charset: says the charset of a response, and recodes where a map leads from the charset that it has to the one that
// it shall have. Maps are between one-byte charsets, or from one to utf-8 and back. A byte without a place in the other
// charset becomes "?", a character of utf-8 without one a reference such as "&#8364;".
import type { CharsetMapConfig } from "../config/servers.ts";
import { readContentType } from "./content-type.ts";
import { type BodyFilter, type ByteSink, NOWHERE } from "./filter.ts";

/** How bytes of a charset become those of another. */
export type Recoder =
  | { readonly kind: "bytes"; readonly table: Buffer }
  | { readonly kind: "to-utf-8"; readonly table: readonly Buffer[] }
  | { readonly kind: "from-utf-8"; readonly table: ReadonlyMap<number, number> };

export interface CharsetFacts {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Whether the type is one of charset_types. */
  readonly typeFits: boolean;
  /** X-Accel-Charset of the upstream; undefined = none. */
  readonly accelCharset: string | undefined;
  /** Rendered; "" = none. */
  readonly charset: string;
  readonly source: string;
  readonly override: boolean;
}

export interface CharsetDecision {
  /** The new Content-Type; null = it stays. */
  readonly contentType: string | null;
  readonly recoder: Recoder | null;
  /** What is to be logged as an error; null = nothing. */
  readonly problem: string | null;
}

const UTF_8 = "utf-8";
const UNCHANGED: CharsetDecision = { contentType: null, recoder: null, problem: null };

/** The charset maps of a configuration. */
export class CharsetMaps {
  readonly #recoders = new Map<string, Recoder>();
  readonly #names: ReadonlySet<string>;

  /** `others`: charsets that the configuration names elsewhere. */
  constructor(maps: readonly CharsetMapConfig[], others: readonly string[] = []) {
    const names = [...others, ...maps.flatMap(({ from, to }) => [from, to])];
    this.#names = new Set(names.map((name) => name.toLowerCase()));
    for (const { from, to, entries } of maps) {
      const [there, back] = to.toLowerCase() === UTF_8 ? utf8Recoders(entries) : byteRecoders(entries);
      this.#recoders.set(keyOf(from, to), there);
      this.#recoders.set(keyOf(to, from), back);
    }
  }

  /** Whether the configuration knows a charset of this name. */
  has(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** undefined = no map leads there. */
  recoder(from: string, to: string): Recoder | undefined {
    return this.#recoders.get(keyOf(from, to));
  }
}

/** What becomes of a response's charset. */
export function decideCharset(facts: CharsetFacts, maps: CharsetMaps): CharsetDecision {
  if (!facts.contentType) return UNCHANGED;
  const { charset: present, bare } = readContentType(facts.contentType);
  const { accelCharset } = facts;
  if (accelCharset && !maps.has(accelCharset)) {
    return { ...UNCHANGED, problem: `unknown charset "${accelCharset}" to override` };
  }
  const wanted = accelCharset || facts.charset;
  if (wanted === "") return UNCHANGED;
  if (!accelCharset && (present === "" ? !facts.typeFits : !facts.override)) return UNCHANGED;
  // A redirect's charset would be taken for that of the page behind it.
  const contentType = facts.status === 301 || facts.status === 302 ? bare : `${bare}; charset=${wanted}`;
  const source = present || facts.source;
  if (source === "" || source.toLowerCase() === wanted.toLowerCase()) return { ...UNCHANGED, contentType };
  const recoder = maps.recoder(source, wanted);
  if (!recoder) {
    return { ...UNCHANGED, problem: `no "charset_map" between the charsets "${source}" and "${wanted}"` };
  }
  return facts.contentEncoding ? UNCHANGED : { contentType, recoder, problem: null };
}

/** Whether the length of a body may change, so that Content-Length has to go. */
export function changesLength({ kind }: Recoder): boolean {
  return kind !== "bytes";
}

/** Recodes a body. */
export class CharsetFilter implements BodyFilter {
  readonly #recoder: Recoder;
  #next: ByteSink;
  /** The beginning of a character of utf-8. */
  #held: Buffer = Buffer.alloc(0);

  constructor(recoder: Recoder, next: ByteSink) {
    this.#recoder = recoder;
    this.#next = next;
  }

  get pendingBytes(): number {
    return this.#held.length;
  }

  write(bytes: Buffer): void {
    const out = this.#recode(bytes);
    if (out.length > 0) this.#next.write(out);
  }

  flush(): void {
    this.#next.flush();
  }

  end(): void {
    if (this.#held.length > 0) this.#next.write(Buffer.from("?"));
    this.#held = Buffer.alloc(0);
    this.#next.end();
  }

  destroy(): void {
    this.#held = Buffer.alloc(0);
    this.#next = NOWHERE;
  }

  #recode(bytes: Buffer): Buffer {
    const recoder = this.#recoder;
    if (recoder.kind === "bytes") {
      for (let index = 0; index < bytes.length; index++) bytes[index] = recoder.table[bytes[index]!]!;
      return bytes;
    }
    if (recoder.kind === "to-utf-8") return Buffer.concat(Array.from(bytes, (byte) => recoder.table[byte]!));
    return this.#fromUtf8(Buffer.concat([this.#held, bytes]), recoder.table);
  }

  #fromUtf8(bytes: Buffer, table: ReadonlyMap<number, number>): Buffer {
    const parts: string[] = [];
    let at = 0;
    while (at < bytes.length) {
      const character = decodeAt(bytes, at);
      if (character.length === 0) break;
      at += character.length;
      const { code } = character;
      const byte = code < 0 ? 0x3f : table.get(code);
      parts.push(byte === undefined ? `&#${code};` : String.fromCharCode(byte));
    }
    this.#held = Buffer.from(bytes.subarray(at));
    return Buffer.from(parts.join(""), "latin1");
  }
}

/** The character at a place; code -1 = it is invalid, length 0 = its end has not come yet. */
function decodeAt(bytes: Buffer, at: number): { readonly code: number; readonly length: number } {
  const first = bytes[at]!;
  if (first < 0x80) return { code: first, length: 1 };
  const length = first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first >= 0xf8) return { code: -1, length: 1 };
  let code = first & (0xff >> (length + 1));
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return { code: 0, length: 0 };
    if ((byte & 0xc0) !== 0x80) return { code: -1, length: index };
    code = (code << 6) | (byte & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length]!;
  return { code: code < least || code > 0x10ffff ? -1 : code, length };
}

function keyOf(from: string, to: string): string {
  return `${from.toLowerCase()}\n${to.toLowerCase()}`;
}

type Entries = CharsetMapConfig["entries"];

function byteRecoders(entries: Entries): readonly [Recoder, Recoder] {
  const tables = [0, 1].map(() => Buffer.from(Array.from({ length: 256 }, (_, byte) => (byte < 0x80 ? byte : 0x3f))));
  for (const { from, to } of entries) {
    tables[0]![from] = to.charCodeAt(0);
    tables[1]![to.charCodeAt(0)] = from;
  }
  return [
    { kind: "bytes", table: tables[0]! },
    { kind: "bytes", table: tables[1]! },
  ];
}

function utf8Recoders(entries: Entries): readonly [Recoder, Recoder] {
  const there = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte < 0x80 ? byte : 0x3f]));
  const back = new Map(Array.from({ length: 128 }, (_, byte) => [byte, byte] as const));
  for (const { from, to } of entries) {
    const bytes = Buffer.from(to, "latin1");
    there[from] = bytes;
    const { code, length } = decodeAt(bytes, 0);
    if (code >= 0 && length > 0) back.set(code, from);
  }
  return [
    { kind: "to-utf-8", table: there },
    { kind: "from-utf-8", table: back },
  ];
}
