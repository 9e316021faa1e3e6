// Whether a password fits an entry of a user file. The entry says by its beginning how it was made; the whole entry is
// made again from the password and compared in constant time. {PLAIN}, {SHA} and {SSHA} cost microseconds; the others
// are generators that pause about every millisecond.
import { createHash, hash, timingSafeEqual } from "node:crypto";
import { decodeBase64 } from "./base64.ts";
import { bcrypt } from "./crypt/bcrypt.ts";
import { desCrypt } from "./crypt/des-crypt.ts";
import { md5Crypt } from "./crypt/md5-crypt.ts";
import { shaCrypt } from "./crypt/sha-crypt.ts";

/** "unsupported": made by a scheme that is not known here, or it is no entry at all. */
export type Verdict = "match" | "mismatch" | "unsupported";

/** crypt(3) takes no longer ones; their cost grows with their square. */
const CRYPT_PASSWORD_BYTES_MAX = 512;

/** The verdict where it costs next to nothing; null = verifySlowly has to be asked. */
export function verifyAtOnce(password: string, entry: string): Verdict | null {
  const bytes = passwordBytes(password);
  if (entry.startsWith("{PLAIN}")) return compare("{PLAIN}" + bytes.toString("latin1"), entry);
  if (entry.startsWith("{SSHA}")) return compare(saltedSha(bytes, entry), entry);
  if (entry.startsWith("{SHA}")) return compare("{SHA}" + hash("sha1", bytes, "base64"), entry);
  return bytes.length > CRYPT_PASSWORD_BYTES_MAX ? "mismatch" : null;
}

/** The verdict of the crypt family. */
export function* verifySlowly(password: string, entry: string): Generator<void, Verdict> {
  const made = yield* cryptEntry(passwordBytes(password), entry);
  return made === null ? "unsupported" : compare(made, entry);
}

/** Whether two texts are the same, in a time that depends on neither. */
function compare(made: string, entry: string): Verdict {
  const digests = [made, entry].map((text) => hash("sha256", Buffer.from(text, "latin1"), "buffer"));
  return timingSafeEqual(digests[0]!, digests[1]!) ? "match" : "mismatch";
}

function* cryptEntry(password: Buffer, entry: string): Generator<void, string | null> {
  if (entry.startsWith("$apr1$")) return md5Crypt("$apr1$", password, entry);
  if (entry.startsWith("$1$")) return md5Crypt("$1$", password, entry);
  if (entry.startsWith("$5$") || entry.startsWith("$6$")) return yield* shaCrypt(password, entry);
  if (entry.startsWith("$2")) return yield* bcrypt(password, entry);
  return desCrypt(password, entry);
}

/** The salt is what stands behind the 20 bytes of the digest. */
function saltedSha(password: Buffer, entry: string): string {
  const decoded = decodeBase64(entry.slice("{SSHA}".length));
  const salt = decoded?.subarray(20) ?? Buffer.alloc(0);
  const digest = createHash("sha1").update(password).update(salt).digest();
  return "{SSHA}" + Buffer.concat([digest, salt]).toString("base64");
}

/** A NUL ends it, as it does for crypt(3). */
function passwordBytes(password: string): Buffer {
  const end = password.indexOf("\0");
  return Buffer.from(end < 0 ? password : password.slice(0, end), "latin1");
}
