// The address that counts where proxies stand before us: the lines in which they tell for whom they ask (X-Forwarded-For
// and the like) are read from their end, as long as whoever tells is trusted. Nothing is allocated on the way.
import { type AddressSet, isAmong, readNumber, UNIX } from "./address-set.ts";
import { type AddressFamily, formatIp, readIp } from "./ip-address.ts";

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
