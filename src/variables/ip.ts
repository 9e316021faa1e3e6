// Addresses as bytes, for variables and for geo: byte text of 4 or 16 characters compares and slices as it is.

/** "10.0.0.1" as 4 characters, "2001:db8::1" as 16; undefined = it is no address. */
export function parseIp(text: string): string | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

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

function parseIpv4(text: string): string | undefined {
  let bytes = "";
  let value = -1;
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? DOT : text.charCodeAt(index);
    if (code === DOT) {
      if (value < 0 || bytes.length === 4) return undefined;
      bytes += String.fromCharCode(value);
      value = -1;
      continue;
    }
    if (code < 0x30 || code > 0x39) return undefined;
    value = (value < 0 ? 0 : value) * 10 + code - 0x30;
    if (value > 255) return undefined;
  }
  return bytes.length === 4 ? bytes : undefined;
}

const DOT = 0x2e;

function parseIpv6(text: string): string | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : "";
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return head + "\0".repeat(missing) + tail;
}

/** Groups of four hexadecimal digits; the last may be an IPv4 address where `last` allows. */
function parseGroups(text: string, last: boolean): string | undefined {
  if (text === "") return "";
  const groups = text.split(":");
  let bytes = "";
  for (const [index, group] of groups.entries()) {
    if (last && index === groups.length - 1 && group.includes(".")) {
      const embedded = parseIpv4(group);
      return embedded === undefined ? undefined : bytes + embedded;
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes += String.fromCharCode(value >> 8, value & 0xff);
  }
  return bytes;
}
