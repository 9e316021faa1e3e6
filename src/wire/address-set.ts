// Blocks of addresses, and whether an address is in one of them. Blocks are read once; asking them allocates nothing.
// A client of a Unix socket has the address "unix:".
import { type AddressFamily, type AddressWords, isMapped, readIp } from "./ip-address.ts";

/** A block of addresses of one family. */
export interface Block {
  readonly family: 4 | 6;
  readonly mask: AddressWords;
  readonly address: AddressWords;
}

export const UNIX = "unix:";

/** Addresses by blocks. */
export interface AddressSet {
  readonly blocks: readonly Block[];
  readonly unix: boolean;
}

/** Compiles a list of blocks, addresses and "unix:". */
export function compileAddressSet(from: readonly string[]): AddressSet {
  const blocks = from.map(readBlock).filter((block) => block !== null);
  return { blocks, unix: from.includes(UNIX) };
}

/** Whether an address that has been read is one of them. */
export function isAmong(set: AddressSet, address: AddressWords, family: AddressFamily): boolean {
  const own = familyOf(family, address);
  for (let i = 0; i < set.blocks.length; i++) if (isIn(set.blocks[i]!, address, own)) return true;
  return false;
}

/** An IPv4 client of an IPv6 socket goes by the rules for IPv4. */
export function familyOf(family: AddressFamily, address: AddressWords): AddressFamily {
  return family === 6 && isMapped(address) ? 4 : family;
}

/** Whether a block has the address. */
export function isIn({ family, mask, address }: Block, tested: AddressWords, testedFamily: AddressFamily): boolean {
  if (family !== testedFamily) return false;
  for (let i = 3; i >= 0; i--) if (((tested[i]! ^ address[i]!) & mask[i]!) !== 0) return false;
  return true;
}

/** "10.0.0.0/8", "::1": low bits that do not count are left out; null = no block. */
export function readBlock(text: string): Block | null {
  const slash = text.indexOf("/");
  const to = slash < 0 ? text.length : slash;
  const address: AddressWords = new Uint32Array(4);
  const family = readIp(text, 0, to, address);
  if (family === 0) return null;
  const most = family === 4 ? 32 : 128;
  const length = slash < 0 ? most : readNumber(text, slash + 1, text.length, most);
  if (length < 0) return null;
  // IPv4 stands behind 96 bits that are always the same.
  const mask = maskOf(family === 4 ? 96 + length : length);
  for (let i = 0; i < 4; i++) address[i] = address[i]! & mask[i]!;
  return { family, mask, address };
}

function maskOf(length: number): AddressWords {
  return Uint32Array.from({ length: 4 }, (_, i) => {
    const bits = Math.min(32, Math.max(0, length - 32 * i));
    return bits === 0 ? 0 : -1 << (32 - bits);
  });
}

/** Digits up to `most`; -1 = something else. */
export function readNumber(text: string, from: number, to: number, most: number): number {
  if (from >= to) return -1;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = number * 10 + digit;
    if (number > most) return -1;
  }
  return number;
}
