// Addresses as bytes, for variables and for geo: byte text of 4 or 16 characters compares and slices as it is.
import { type AddressWords, readIp } from "../wire/ip-address.ts";

const words: AddressWords = new Uint32Array(4);

/** "10.0.0.1" as 4 characters, "2001:db8::1" as 16; undefined = it is no address. */
export function parseIp(text: string): string | undefined {
  const family = readIp(text, 0, text.length, words);
  if (family === 0) return text === "255.255.255.255" ? BROADCAST : undefined;
  let bytes = "";
  for (let i = family === 4 ? 3 : 0; i < 4; i++) {
    const word = words[i]!;
    bytes += String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
  }
  return bytes;
}

/** nginx cannot read it elsewhere, but geo knows it. */
const BROADCAST = "\xff\xff\xff\xff";

/** The bytes of an address; what is none ("unix:") stays as it is. */
export function packedAddress(text: string): string {
  return parseIp(text) ?? text;
}

/** An IPv4 address where it is one that is written as IPv6 (::ffff:10.0.0.1). */
export function unmapped(bytes: string): string {
  return bytes.length === 16 && bytes.startsWith(MAPPED) ? bytes.slice(12) : bytes;
}

const MAPPED = "\0\0\0\0\0\0\0\0\0\0\xff\xff";

/** A block: its first address and the length of its prefix, in bits. */
export interface IpBlock {
  readonly bytes: string;
  readonly bits: number;
}

/** "10.0.0.0/8", an address by itself too; bits behind the prefix are cleared. */
export function parseBlock(text: string): IpBlock | undefined {
  const slash = text.indexOf("/");
  const bytes = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const given = slash < 0 ? String(bytes.length * 8) : text.slice(slash + 1);
  const bits = /^\d{1,3}$/.test(given) ? Number(given) : Infinity;
  return bits <= bytes.length * 8 ? { bytes: masked(bytes, bits), bits } : undefined;
}

/** The first `bits` bits, the others 0. */
export function masked(bytes: string, bits: number): string {
  const full = bits >> 3;
  if (full >= bytes.length) return bytes;
  const rest = bits & 7;
  const partial = rest === 0 ? 0 : bytes.charCodeAt(full) & (0xff << (8 - rest));
  return bytes.slice(0, full) + String.fromCharCode(partial) + "\0".repeat(bytes.length - full - 1);
}
