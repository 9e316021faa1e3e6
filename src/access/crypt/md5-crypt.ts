// crypt by MD5, as Poul-Henning Kamp made it for FreeBSD ("$1$") and Apache took it over ("$apr1$"): a thousand rounds
// over password, salt and the digest so far.
import { hash } from "node:crypto";
import { encodeGroups } from "./crypt-base64.ts";

const ROUNDS = 1000;
const SALT_MAX = 8;
const OUTPUT = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]] as const;

/** The whole entry for this password, with the salt of `entry`, which begins with `magic`. */
export function md5Crypt(magic: "$1$" | "$apr1$", password: Buffer, entry: string): string {
  const saltText = entry.slice(magic.length).split("$", 1)[0]!.slice(0, SALT_MAX);
  const salt = Buffer.from(saltText, "latin1");
  const parts = [password, Buffer.from(magic, "latin1"), salt];
  const inner = md5([password, salt, password]);
  for (let left = password.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(left, 16)));
  // An oddity of the first implementation that all have kept: the bits of the length choose NUL or the first byte.
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push(bits & 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  }
  let digest = md5(parts);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1;
    const mixed = [odd ? password : digest];
    if (round % 3 !== 0) mixed.push(salt);
    if (round % 7 !== 0) mixed.push(password);
    mixed.push(odd ? digest : password);
    digest = md5(mixed);
  }
  return `${magic}${saltText}$${encodeGroups(digest, OUTPUT)}`;
}

function md5(parts: readonly Buffer[]): Buffer {
  return hash("md5", Buffer.concat(parts), "buffer");
}
