// IP addresses as numbers: four words of 32 bits, IPv4 in the last one ("::ffff:" before it, so that an IPv4 client of
// an IPv6 socket is what it is). Read from part of a text into an array that is used again: rules are asked for every
// request. What is taken is what nginx takes, which is more than inet_pton ("1.2.3." is 1.2.3.0) and less (not
// 255.255.255.255).
import { COLON, DIGIT_0, DIGIT_9, DOT, HEX_VALUE } from "./bytes.ts";

/** Four words; see above. */
export type AddressWords = Uint32Array;

/** 0 = no address. */
export type AddressFamily = 0 | 4 | 6;

const MAPPED = 0xffff;
const NO_ADDRESS = 0xffff_ffff;

/** Reads [from, to) of a text; what is in `into` where there is no address means nothing. */
export function readIp(text: string, from: number, to: number, into: AddressWords): AddressFamily {
  const v4 = readIpv4(text, from, to);
  if (v4 !== NO_ADDRESS) {
    into[0] = into[1] = 0;
    into[2] = MAPPED;
    into[3] = v4;
    return 4;
  }
  return readIpv6(text, from, to, into) ? 6 : 0;
}

/** Whether an IPv6 address stands for an IPv4 one. */
export function isMapped(words: AddressWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === MAPPED;
}

function readIpv4(text: string, from: number, to: number): number {
  let address = 0;
  let octet = 0;
  let dots = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c === DOT) {
      address = address * 256 + octet;
      octet = 0;
      if (++dots > 3) return NO_ADDRESS;
    } else if (c >= DIGIT_0 && c <= DIGIT_9) {
      octet = octet * 10 + c - DIGIT_0;
      if (octet > 255) return NO_ADDRESS;
    } else return NO_ADDRESS;
  }
  return dots === 3 ? address * 256 + octet : NO_ADDRESS;
}

/** The groups of an address that is being read. */
const groups = new Uint16Array(8);

function readIpv6(text: string, from: number, to: number, into: AddressWords): boolean {
  let count = 0;
  /** How many groups stand before "::"; -1 = there is none. */
  let gap = -1;
  const first = text.charCodeAt(from) === COLON ? from + 1 : from;
  let i = first;
  let start = first;
  for (; i < to && count < 8; i++) {
    const c = text.charCodeAt(i);
    if (c === COLON) {
      if (i > start) count++;
      else if (gap < 0) gap = count;
      else return false;
      start = i + 1;
      if (count < 8) groups[count] = 0;
    } else if (c === DOT && i > start) {
      // The last two groups may be an IPv4 address, but not the first ones.
      const v4 = start === first || count > 6 ? NO_ADDRESS : readIpv4(text, start, to);
      if (v4 === NO_ADDRESS) return false;
      groups[count] = v4 >>> 16;
      groups[count + 1] = v4 & 0xffff;
      return expand(count + 2, gap, into);
    } else {
      const digit = HEX_VALUE[c] ?? 255;
      if (digit > 15 || i - start > 3) return false;
      groups[count] = (i === start ? 0 : groups[count]! * 16) + digit;
    }
  }
  if (count === 8 || (i === start && gap < 0)) return false;
  return expand(count + 1, gap, into);
}

/** Spreads the groups over the words, zeros in the gap. */
function expand(count: number, gap: number, into: AddressWords): boolean {
  if (gap < 0 ? count !== 8 : count > 7) return false;
  into.fill(0);
  for (let i = 0; i < count; i++) {
    const at = gap >= 0 && i >= gap ? 8 - count + i : i;
    into[at >> 1] = into[at >> 1]! | (groups[i]! << (at % 2 === 0 ? 16 : 0));
  }
  return true;
}

/** The address as text, as nginx writes it. */
export function formatIp(words: AddressWords, family: 4 | 6): string {
  const last = words[3]!;
  const v4 = `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
  if (family === 4) return v4;
  const parts = Array.from({ length: 8 }, (_, i) => (words[i >> 1]! >>> (i % 2 === 0 ? 16 : 0)) & 0xffff);
  const { at, length } = longestZeros(parts);
  // Mapped and compatible addresses end in an IPv4 address.
  if (at === 0 && length === 5 && parts[5] === 0xffff) return `::ffff:${v4}`;
  if (at === 0 && (length === 6 || (length === 7 && last >>> 8 !== 0 && (last & 255) !== 1))) return `::${v4}`;
  const hex = parts.map((part) => part.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, at).join(":")}::${hex.slice(at + length).join(":")}`;
}

function longestZeros(parts: readonly number[]): { readonly at: number; readonly length: number } {
  let best = { at: -1, length: 1 };
  let run = 0;
  for (let i = 0; i < parts.length; i++) {
    run = parts[i] === 0 ? run + 1 : 0;
    if (run > best.length) best = { at: i - run + 1, length: run };
  }
  return best;
}
