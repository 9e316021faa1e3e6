// Blocks of addresses: "10.0.0.0/8", "::1", "2001:db8::/32".
import { isIPv4, isIPv6 } from "node:net";

export interface Cidr {
  readonly bits: number;
  readonly family: 4 | 6;
  /** With the bits cleared that do not count, and the length: "10.0.0.0/8". */
  readonly text: string;
  /** There were bits that do not count. */
  readonly hadLowBits: boolean;
}

/** Reads a block; undefined = it is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length, ...more] = text.split("/");
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes("%") ? 6 : undefined;
  if (family === undefined || more.length > 0) return undefined;
  const width = family === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const bits = length === undefined ? width : Number(length);
  if (bits > width) return undefined;
  const value = family === 4 ? v4Value(address) : v6Value(address);
  const kept = (value >> BigInt(width - bits)) << BigInt(width - bits);
  const shown = family === 4 ? v4Text(kept) : v6Text(kept);
  return { bits, family, text: `${shown}/${bits}`, hadLowBits: kept !== value };
}

/** A dotted address as a number. */
export function v4Value(text: string): bigint {
  return text.split(".").reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/** A number as a dotted address. */
export function v4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

function v6Value(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const low = dotted ? v4Value(dotted[2]!) : 0n;
  const all = dotted ? `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}` : text;
  const [head = "", tail] = all.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const missing = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => "0");
  return [...before, ...missing, ...after].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function v6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(16 * (7 - index))) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
