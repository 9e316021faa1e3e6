// bcrypt ("$2a$", "$2b$", "$2y$"), after Provos and Mazières: Blowfish with a key schedule that is repeated 2^cost times.
// Blowfish's constants are digits of pi, so they are computed, not listed. A generator, since a cost of 12 takes half a
// second; entries of a cost that would take minutes are refused.

const ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ENTRY = /^(\$2[aby]\$(\d\d)\$)([./A-Za-z0-9]{22})/;
const COST_MAX = 17;
const PASSWORD_BYTES_MAX = 72;
const SUBKEYS = 18;
const BOX_WORDS = 4 * 256;
const MAGIC = "OrpheanBeholderScryDoubt";
/** About a millisecond each. */
const EXPANSIONS_BETWEEN_PAUSES = 8;
const TERMS_BETWEEN_PAUSES = 250;

interface Schedule {
  readonly subkeys: Uint32Array;
  readonly boxes: Uint32Array;
}

let initial: Schedule | null = null;

/** The whole entry for this password, with salt and cost of `entry`; null = that is no such entry, or costs too much. */
export function* bcrypt(password: Buffer, entry: string): Generator<void, string | null> {
  const match = ENTRY.exec(entry);
  const cost = Number(match?.[2]);
  if (!match || cost < 4 || cost > COST_MAX) return null;
  const saltText = match[3]!;
  const salt = decode(saltText);
  const key = Buffer.concat([password, Buffer.alloc(1)]).subarray(0, PASSWORD_BYTES_MAX);
  initial ??= yield* digitsOfPi();
  const schedule = { subkeys: initial.subkeys.slice(), boxes: initial.boxes.slice() };
  expand(schedule, key, salt);
  const nothing = Buffer.alloc(16);
  for (let round = 0; round < 2 ** cost; round++) {
    expand(schedule, key, nothing);
    expand(schedule, salt, nothing);
    if (round % EXPANSIONS_BETWEEN_PAUSES === EXPANSIONS_BETWEEN_PAUSES - 1) yield;
  }
  const text = wordsOf(Buffer.from(MAGIC, "latin1"));
  for (let pair = 0; pair < text.length; pair += 2) {
    for (let round = 0; round < 64; round++) encipher(schedule, text, pair);
  }
  const out = Buffer.alloc(text.length * 4);
  text.forEach((word, index) => {
    out.writeUInt32BE(word, index * 4);
  });
  // The last two bits of the salt's 22 characters say nothing; they are normalised as others do.
  return match[1]! + encode(salt) + encode(out.subarray(0, 23));
}

function expand({ subkeys, boxes }: Schedule, key: Buffer, salt: Buffer): void {
  for (let index = 0, at = 0; index < SUBKEYS; index++) {
    let word = 0;
    for (let byte = 0; byte < 4; byte++, at++) word = (word << 8) | key[at % key.length]!;
    subkeys[index]! ^= word;
  }
  const saltWords = wordsOf(salt);
  const block = new Uint32Array(2);
  let at = 0;
  for (const target of [subkeys, boxes]) {
    for (let index = 0; index < target.length; index += 2, at += 2) {
      block[0]! ^= saltWords[at % 4]!;
      block[1]! ^= saltWords[(at + 1) % 4]!;
      encipher({ subkeys, boxes }, block, 0);
      target[index] = block[0]!;
      target[index + 1] = block[1]!;
    }
  }
}

function encipher({ subkeys, boxes }: Schedule, words: Uint32Array, at: number): void {
  let left = words[at]!;
  let right = words[at + 1]!;
  for (let round = 0; round < SUBKEYS - 2; round++) {
    left ^= subkeys[round]!;
    const sum = (boxes[left >>> 24]! + boxes[256 + ((left >>> 16) & 0xff)]!) ^ boxes[512 + ((left >>> 8) & 0xff)]!;
    right ^= sum + boxes[768 + (left & 0xff)]!;
    const swap = left;
    left = right;
    right = swap;
  }
  words[at] = right ^ subkeys[SUBKEYS - 1]!;
  words[at + 1] = left ^ subkeys[SUBKEYS - 2]!;
}

/** The fraction of pi in words of 32 bits, by Machin's formula. */
function* digitsOfPi(): Generator<void, Schedule> {
  const words = SUBKEYS + BOX_WORDS;
  const bits = BigInt(words * 32);
  const guard = 32n;
  const one = 1n << (bits + guard);
  const fifth = yield* arctan(5n, one);
  const other = yield* arctan(239n, one);
  const pi = (16n * fifth - 4n * other) >> guard;
  const digits = (pi & ((1n << bits) - 1n)).toString(16).padStart(words * 8, "0");
  const all = wordsOf(Buffer.from(digits, "hex"));
  return { subkeys: all.slice(0, SUBKEYS), boxes: all.slice(SUBKEYS) };
}

/** The arctangent of 1/inverse in units of 1/one. */
function* arctan(inverse: bigint, one: bigint): Generator<void, bigint> {
  const square = inverse * inverse;
  let power = one / inverse;
  let sum = power;
  for (let divisor = 3, sign = -1n; power > 0n; divisor += 2, sign = -sign) {
    power /= square;
    sum += sign * (power / BigInt(divisor));
    if (divisor % (2 * TERMS_BETWEEN_PAUSES) === 1) yield;
  }
  return sum;
}

function wordsOf(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32BE(index * 4));
}

/** bcrypt's base64 is the ordinary one with another alphabet and without padding. */
function encode(bytes: Buffer): string {
  const ordinary = bytes.toString("base64").replace(/=+$/, "");
  return ordinary.replace(/./g, (digit) => ALPHABET[STANDARD.indexOf(digit)]!);
}

function decode(text: string): Buffer {
  return Buffer.from(
    text.replace(/./g, (digit) => STANDARD[ALPHABET.indexOf(digit)]!),
    "base64",
  );
}
