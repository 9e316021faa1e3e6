// Who may: allow and deny rules over addresses, and the address that counts where proxies stand before us. Rules are
// compiled once; asking them allocates nothing. A client of a Unix socket has the address "unix:".
import type { AccessConfig, RealIpConfig } from "../config/servers.ts";
import { type AddressFamily, type AddressWords, formatIp, isMapped, readIp } from "./ip-address.ts";

/** A block of addresses of one family. */
interface Block {
  readonly family: 4 | 6;
  readonly mask: AddressWords;
  readonly address: AddressWords;
}

interface Rule {
  readonly allow: boolean;
  /** null = any address. */
  readonly block: Block | null;
}

/** Allow and deny rules. */
export interface AccessRules {
  readonly ip: readonly Rule[];
  /** Whether a rule is for IPv4: only then an IPv4 client of an IPv6 socket goes by these. */
  readonly someIpv4: boolean;
  /** The first rule that says something about Unix sockets; null = none does. */
  readonly unix: boolean | null;
}

const UNIX = "unix:";

/** Compiles rules; what is neither "all", "unix:" nor a block fits nobody (the check has refused it). */
export function compileAccess(rules: AccessConfig["rules"]): AccessRules {
  const ip: Rule[] = [];
  for (const { allow, from } of rules) {
    const block = from === "all" ? null : readBlock(from);
    if (block || from === "all") ip.push({ allow, block });
  }
  const unix = rules.find(({ from }) => from === "all" || from === UNIX);
  const someIpv4 = ip.some(({ block }) => block === null || block.family === 4);
  return { ip, someIpv4, unix: unix?.allow ?? null };
}

const words: AddressWords = new Uint32Array(4);

/** Whether this address may; null = no rule is for it. */
export function decideAccess(rules: AccessRules, address: string): boolean | null {
  if (address.startsWith(UNIX)) return rules.unix;
  if (rules.ip.length === 0) return null;
  const own = readIp(address, 0, address.length, words);
  const family = rules.someIpv4 ? familyOf(own, words) : own;
  for (let i = 0; i < rules.ip.length; i++) {
    const { allow, block } = rules.ip[i]!;
    if (block === null || isIn(block, words, family)) return allow;
  }
  return null;
}

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

/** Whether the address is one of them. */
export function contains(set: AddressSet, address: string): boolean {
  if (address.startsWith(UNIX)) return set.unix;
  return isAmong(set, words, readIp(address, 0, address.length, words));
}

function isAmong(set: AddressSet, address: AddressWords, family: AddressFamily): boolean {
  const own = familyOf(family, address);
  for (let i = 0; i < set.blocks.length; i++) if (isIn(set.blocks[i]!, address, own)) return true;
  return false;
}

/** An IPv4 client of an IPv6 socket goes by the rules for IPv4. */
function familyOf(family: AddressFamily, address: AddressWords): AddressFamily {
  return family === 6 && isMapped(address) ? 4 : family;
}

function isIn({ family, mask, address }: Block, tested: AddressWords, testedFamily: AddressFamily): boolean {
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
function readNumber(text: string, from: number, to: number, most: number): number {
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

/** How the address of a client is found behind proxies. */
export interface RealIpRules {
  readonly trusted: AddressSet;
  readonly recursive: boolean;
  /** All lines of the field are one list; of other fields only the first counts. */
  readonly everyLine: boolean;
}

/** An address as a proxy has told it. */
export interface RealAddress {
  readonly address: string;
  /** "" = it told none. */
  readonly port: string;
}

/** Compiles real-ip rules; host names among them have been resolved. */
export function compileRealIp({ from, header, recursive }: RealIpConfig): RealIpRules {
  return { trusted: compileAddressSet(from), recursive, everyLine: header === "x-forwarded-for" };
}

/** The address that is being looked for, and the one that was read last. */
const current = { words: new Uint32Array(4), family: 0 as AddressFamily, port: 0, unix: false };
const read = { words: new Uint32Array(4), family: 0 as AddressFamily, port: 0 };

/**
 * The client that the field's lines (in order) tell of, from the nearest on: the next one counts where whoever tells it
 * is trusted. Null = the peer itself, who is not trusted or tells no address.
 */
export function realAddress(peer: string, lines: readonly string[], rules: RealIpRules): RealAddress | null {
  current.unix = peer.startsWith(UNIX);
  current.family = current.unix ? 0 : readIp(peer, 0, peer.length, current.words);
  let found = false;
  let goesOn = true;
  for (let i = (rules.everyLine ? lines.length : Math.min(1, lines.length)) - 1; i >= 0 && goesOn; i--) {
    const line = lines[i]!;
    let to = line.length;
    do {
      goesOn = isTrusted(rules.trusted);
      if (!goesOn) break;
      to = endOfElement(line, to);
      const from = startOfElement(line, to);
      goesOn = readAddressAndPort(line, from, to);
      if (!goesOn) break;
      current.words.set(read.words);
      current.family = read.family;
      current.port = read.port;
      current.unix = false;
      found = true;
      to = from - 1;
      goesOn = rules.recursive;
    } while (goesOn && to > 0);
  }
  if (!found || current.family === 0) return null;
  return { address: formatIp(current.words, current.family), port: current.port === 0 ? "" : String(current.port) };
}

function isTrusted(trusted: AddressSet): boolean {
  return current.unix ? trusted.unix : isAmong(trusted, current.words, current.family);
}

function endOfElement(line: string, to: number): number {
  let end = to;
  while (end > 1 && isSeparator(line.charCodeAt(end - 1))) end--;
  return end;
}

function startOfElement(line: string, to: number): number {
  let from = to - 1;
  while (from > 0 && !isSeparator(line.charCodeAt(from))) from--;
  return from > 0 ? from + 1 : 0;
}

function isSeparator(c: number): boolean {
  return c === 0x20 || c === 0x2c;
}

/** "1.2.3.4", "1.2.3.4:567", "::1", "[::1]", "[::1]:80", into `read`. */
function readAddressAndPort(text: string, from: number, to: number): boolean {
  read.port = 0;
  read.family = readIp(text, from, to, read.words);
  if (read.family !== 0) return true;
  const bracket = text.charCodeAt(from) === 0x5b;
  const end = text.indexOf(bracket ? "]" : ":", from);
  if (end < 0 || end >= to) return false;
  read.family = readIp(text, bracket ? from + 1 : from, end, read.words);
  if (bracket && end === to - 1) return read.family !== 0;
  if (bracket && text.charCodeAt(end + 1) !== 0x3a) return false;
  read.port = readNumber(text, bracket ? end + 2 : end + 1, to, 65_535);
  return read.port > 0 && read.family !== 0;
}
