// crypt by SHA-256 ("$5$") and SHA-512 ("$6$"), after Ulrich Drepper's specification: 5,000 rounds unless the entry says
// "rounds=". It is a generator that pauses every few hundred rounds, since a million of them take seconds.
import { hash } from "node:crypto";
import { encodeGroups } from "./crypt-base64.ts";

const ROUNDS_DEFAULT = 5000;
const ROUNDS_MIN = 1000;
const ROUNDS_MAX = 999_999_999;
const SALT_MAX = 16;
/** About a millisecond. */
const ROUNDS_BETWEEN_PAUSES = 500;

interface Scheme {
  readonly magic: string;
  readonly digest: "sha256" | "sha512";
  readonly bytes: number;
  readonly output: readonly (readonly number[])[];
}

const SHA256: Scheme = { magic: "$5$", digest: "sha256", bytes: 32, output: [...turns(10, [0, 10, 20], 2), [31, 30]] };
const SHA512: Scheme = { magic: "$6$", digest: "sha512", bytes: 64, output: [...turns(21, [0, 21, 42], 1), [63]] };

/** The whole entry for this password, with salt and rounds of `entry`. */
export function* shaCrypt(password: Buffer, entry: string): Generator<void, string> {
  const scheme = entry.startsWith(SHA512.magic) ? SHA512 : SHA256;
  const fields = entry.slice(scheme.magic.length).split("$");
  const said = /^rounds=(\d+)$/.exec(fields[0]!);
  const rounds = said ? Math.min(Math.max(Number(said[1]), ROUNDS_MIN), ROUNDS_MAX) : ROUNDS_DEFAULT;
  const saltText = (said ? (fields[1] ?? "") : fields[0]!).slice(0, SALT_MAX);
  const salt = Buffer.from(saltText, "latin1");
  let digest = firstDigest(scheme, password, salt);
  const passwordPart = repeat(digestOf(scheme, new Array<Buffer>(password.length).fill(password)), password.length);
  const saltPart = repeat(digestOf(scheme, new Array<Buffer>(16 + digest[0]!).fill(salt)), salt.length);
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const mixed = [odd ? passwordPart : digest];
    if (round % 3 !== 0) mixed.push(saltPart);
    if (round % 7 !== 0) mixed.push(passwordPart);
    mixed.push(odd ? digest : passwordPart);
    digest = digestOf(scheme, mixed);
    if (round % ROUNDS_BETWEEN_PAUSES === ROUNDS_BETWEEN_PAUSES - 1) yield;
  }
  const roundsText = said ? `rounds=${rounds}$` : "";
  return `${scheme.magic}${roundsText}${saltText}$${encodeGroups(digest, scheme.output)}`;
}

function firstDigest(scheme: Scheme, password: Buffer, salt: Buffer): Buffer {
  const inner = digestOf(scheme, [password, salt, password]);
  const parts = [password, salt, repeat(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? inner : password);
  return digestOf(scheme, parts);
}

function digestOf({ digest }: Scheme, parts: readonly Buffer[]): Buffer {
  return hash(digest, Buffer.concat(parts), "buffer");
}

/** The digest over and over, cut to a length. */
function repeat(digest: Buffer, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

/** Groups of three whose bytes move on by one each time and change seats. */
function turns(count: number, first: readonly [number, number, number], seats: 1 | 2): number[][] {
  return Array.from({ length: count }, (_, turn) => [0, 1, 2].map((seat) => first[(seat + turn * seats) % 3]! + turn));
}
