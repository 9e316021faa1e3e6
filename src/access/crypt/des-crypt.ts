// The traditional crypt: DES with the password as its key, 25 times over a block of zeros, where the salt of twelve bits
// swaps bits of the expansion. Eight characters of the password count. The permutations are those of FIPS 46-3. Bits
// are kept one to an element: slow for a cipher, and a millisecond is fast enough for a password.
import { CRYPT_ALPHABET } from "./crypt-base64.ts";

// biome-ignore format: tables read best as in the standard
const KEY_CHOICE = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const KEY_SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
// biome-ignore format: as above
const ROUND_KEY_CHOICE = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
  41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
// biome-ignore format: as above
const AFTER_BOXES = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];
/** Eight boxes of four rows, a hexadecimal digit per entry. */
const BOXES = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
];
const BLOCK_BITS = 64;
const ITERATIONS = 25;

/** The whole entry for this password, with the salt of `entry`: its first two characters. null = they are no salt. */
export function desCrypt(password: Buffer, entry: string): string | null {
  const salt = [CRYPT_ALPHABET.indexOf(entry[0] ?? " "), CRYPT_ALPHABET.indexOf(entry[1] ?? " ")] as const;
  if (salt[0] < 0 || salt[1] < 0) return null;
  const keys = roundKeys(password);
  const expansion = expansionFor(salt[0] | (salt[1] << 6));
  let left = new Uint8Array(BLOCK_BITS / 2);
  let right = new Uint8Array(BLOCK_BITS / 2);
  // The initial permutation and its inverse cancel out between the iterations; of zeros the first changes nothing.
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    for (const key of keys) {
      const mixed = cipher(right, key, expansion);
      for (let bit = 0; bit < mixed.length; bit++) mixed[bit]! ^= left[bit]!;
      left = right;
      right = mixed;
    }
    [left, right] = [right, left];
  }
  return entry.slice(0, 2) + encode(finalPermutation(left, right));
}

function roundKeys(password: Buffer): Uint8Array[] {
  const keyBits = new Uint8Array(BLOCK_BITS);
  // Seven bits of each character; the eighth place is DES's parity, which is not looked at.
  for (let index = 0; index < 8; index++) {
    for (let bit = 0; bit < 7; bit++) keyBits[index * 8 + bit] = ((password[index] ?? 0) >> (6 - bit)) & 1;
  }
  let halves = KEY_CHOICE.map((place) => keyBits[place - 1]!);
  return KEY_SHIFTS.map((shift) => {
    halves = [...rotated(halves.slice(0, 28), shift), ...rotated(halves.slice(28), shift)];
    return Uint8Array.from(ROUND_KEY_CHOICE, (place) => halves[place - 1]!);
  });
}

function rotated(bits: readonly number[], by: number): number[] {
  return [...bits.slice(by), ...bits.slice(0, by)];
}

/** Which bit of the half each of the 48 inputs of the boxes is; a bit of the salt swaps two, 24 apart. */
function expansionFor(salt: number): Uint8Array {
  const places = Uint8Array.from({ length: 48 }, (_, place) => (Math.floor(place / 6) * 4 + (place % 6) + 31) % 32);
  for (let bit = 0; bit < 12; bit++) {
    if (((salt >> bit) & 1) === 0) continue;
    const other = places[bit + 24]!;
    places[bit + 24] = places[bit]!;
    places[bit] = other;
  }
  return places;
}

function cipher(half: Uint8Array, key: Uint8Array, expansion: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(BLOCK_BITS / 2);
  const input = (place: number): number => half[expansion[place]!]! ^ key[place]!;
  for (let box = 0; box < 8; box++) {
    const first = box * 6;
    const row = (input(first) << 1) | input(first + 5);
    const column = (input(first + 1) << 3) | (input(first + 2) << 2) | (input(first + 3) << 1) | input(first + 4);
    const value = Number.parseInt(BOXES[box]![row * 16 + column]!, 16);
    for (let bit = 0; bit < 4; bit++) out[box * 4 + bit] = (value >> (3 - bit)) & 1;
  }
  return Uint8Array.from(AFTER_BOXES, (place) => out[place - 1]!);
}

/** The inverse of the initial permutation: rows of the block become columns, the halves in turn. */
function finalPermutation(left: Uint8Array, right: Uint8Array): number[] {
  const bits: number[] = [];
  for (let column = 7; column >= 0; column--) {
    for (let row = 0; row < 4; row++) bits.push(right[row * 8 + column]!, left[row * 8 + column]!);
  }
  return bits;
}

/** Eleven characters, the highest bit first: the block and two zeros. */
function encode(bits: readonly number[]): string {
  let text = "";
  for (let first = 0; first < 66; first += 6) {
    let value = 0;
    for (let bit = first; bit < first + 6; bit++) value = (value << 1) | (bits[bit] ?? 0);
    text += CRYPT_ALPHABET[value]!;
  }
  return text;
}
