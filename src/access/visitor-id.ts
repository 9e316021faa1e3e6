// Cookies that number visitors, in the form that nginx gives them: 16 bytes in base64, of which the address of the
// server, the time, the process and a count make the number unique. Logs show it as four words.
import type { VisitorIdConfig } from "../config/servers.ts";
import { decodeBase64 } from "./base64.ts";

const ENCODED_LENGTH = 22;
const FIRST_COUNT = 0x03030302;
const COUNT_STEP = 0x100;
const FOREVER = "; expires=Thu, 31-Dec-37 23:55:55 GMT";

/** What a request brings and gets. */
export interface Visitor {
  /** The cookie as it came. */
  readonly cookie: string | undefined;
  /** null = there is none that can be read. */
  readonly got: Buffer | null;
  /** undefined = not decided yet; null = none is set. */
  set: Buffer | null | undefined;
  reset: boolean;
}

/** Reads the cookie; `problem` is for the error log. */
export function readVisitor(cookie: string | undefined): {
  readonly visitor: Visitor;
  readonly problem: string | null;
} {
  const none: Visitor = { cookie, got: null, set: undefined, reset: false };
  if (cookie === undefined) return { visitor: none, problem: null };
  if (cookie.length < ENCODED_LENGTH)
    return { visitor: none, problem: `client sent too short userid cookie "${cookie}"` };
  // What stands behind the number may be a mark, or the garbage of older programs.
  const got = decodeBase64(cookie.slice(0, ENCODED_LENGTH));
  if (got?.length !== 16) return { visitor: none, problem: `client sent invalid userid cookie "${cookie}"` };
  return { visitor: { ...none, got: isNumbered(got) ? got : null }, problem: null };
}

/** A count of 0 is none. */
function isNumbered(id: Buffer): boolean {
  return id.readUInt32LE(12) !== 0;
}

/** "uid=00112233…": four words as a little-endian machine has them. */
export function visitorText(name: string, id: Buffer): string {
  const words = [0, 4, 8, 12].map((at) => id.readUInt32LE(at).toString(16).toUpperCase().padStart(8, "0"));
  return `${name}=${words.join("")}`;
}

/** Where a number is made. */
export interface VisitorPlace {
  /** Of the server; "" = a Unix socket. */
  readonly address: string;
  readonly wallNowMs: number;
}

/** Makes numbers; one per process. */
export class VisitorIds {
  readonly #start: number;
  #countV1 = 1;
  #count = FIRST_COUNT;

  /** `start`: a random number of 32 bits. */
  constructor(start: number) {
    this.#start = start >>> 0;
  }

  /** The number that a visitor is given; null = the one it has holds. `reset` is the value of $uid_reset. */
  decide(config: VisitorIdConfig, visitor: Visitor, reset: string, place: VisitorPlace): Buffer | null {
    if (visitor.set !== undefined) return visitor.set;
    const { got, cookie } = visitor;
    if (got && (reset === "" || reset === "0")) {
      const marked = config.mark === "" || (cookie!.length > 23 && cookie!.slice(22, 24) === `${config.mark}=`);
      visitor.set = marked ? null : got;
      return visitor.set;
    }
    visitor.reset = got !== null;
    visitor.set = config.mode === "v1" ? this.#numberV1(config, place) : this.#number(config, place);
    return visitor.set;
  }

  #numberV1({ service }: VisitorIdConfig, { wallNowMs }: VisitorPlace): Buffer {
    const id = Buffer.alloc(16);
    for (const [index, word] of [service ?? 0, Math.floor(wallNowMs / 1000), this.#start, this.#countV1].entries())
      id.writeUInt32LE(word >>> 0, 4 * index);
    this.#countV1 += COUNT_STEP;
    return id;
  }

  #number({ service }: VisitorIdConfig, { address, wallNowMs }: VisitorPlace): Buffer {
    const id = Buffer.alloc(16);
    const from = service ?? addressWord(address);
    for (const [index, word] of [from, Math.floor(wallNowMs / 1000), this.#start, this.#count].entries())
      id.writeUInt32BE(word >>> 0, 4 * index);
    this.#count = (this.#count + COUNT_STEP) >>> 0;
    if (this.#count < FIRST_COUNT) this.#count = FIRST_COUNT;
    return id;
  }
}

/** IPv4, or the last 32 bits of IPv6. */
function addressWord(address: string): number {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted) return dotted.slice(1).reduce((word, part) => word * 256 + Number(part), 0);
  if (!address.includes(":")) return 0;
  const [high, low] = address
    .split("::")
    .at(-1)!
    .split(":")
    .slice(-2)
    .map((part) => Number.parseInt(part || "0", 16));
  return low === undefined ? high! : high! * 65_536 + low;
}

/** The Set-Cookie of a visitor that is given a number. */
export function visitorCookie(config: VisitorIdConfig, visitor: Visitor, id: Buffer, wallNowMs: number): string {
  const { name, mark, expires, domain, path, flags } = config;
  const fresh = visitor.got === null || visitor.reset;
  const encoded = fresh ? id.toString("base64") : `${visitor.cookie!.slice(0, ENCODED_LENGTH)}==`;
  const value = mark === "" ? encoded : `${encoded.slice(0, ENCODED_LENGTH)}${mark}=`;
  const until = expires === null ? "" : expires === "max" ? FOREVER : `; expires=${cookieTime(wallNowMs + expires)}`;
  const rules = [domain === "" ? "" : `; domain=${domain}`, `; path=${path}`, ...flags.map((flag) => `; ${flag}`)];
  return `${name}=${value}${until}${rules.join("")}`;
}

/** "Thu, 31-Dec-37 23:55:55 GMT". */
function cookieTime(wallMs: number): string {
  const [day, date, month, year, time] = new Date(wallMs).toUTCString().split(" ");
  return `${day} ${date}-${month}-${Number(year) > 2037 ? year : year!.slice(2)} ${time} GMT`;
}
