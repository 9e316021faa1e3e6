// Secure links: a request shows by an MD5 that whoever made its link knew the secret. Two forms: a digest with an
// optional time of expiry ("hash,1700000000"), and the older one in which the digest is a part of the path.
import { createHash, timingSafeEqual } from "node:crypto";
import { decodeBase64 } from "./base64.ts";

/** $secure_link: "1" holds, "0" has expired; undefined = it does not hold. $secure_link_expires. */
export interface SecureLink {
  readonly link: string | undefined;
  readonly expires: string | undefined;
}

const INVALID: SecureLink = { link: undefined, expires: undefined };

/** `value` is "hash" or "hash,expires" (base64url); `text` is what was hashed. All byte text. */
export function checkSecureLink(value: string, text: string, wallNowMs: number): SecureLink {
  const comma = value.indexOf(",");
  const expires = comma < 0 ? undefined : value.slice(comma + 1);
  if (expires !== undefined && (!/^\d{1,15}$/.test(expires) || Number(expires) === 0)) return INVALID;
  const given = decodeBase64(comma < 0 ? value : value.slice(0, comma), "url");
  const made = createHash("md5").update(text, "latin1").digest();
  if (given?.length !== made.length || !timingSafeEqual(given, made)) return { link: undefined, expires };
  const over = expires !== undefined && Number(expires) < Math.floor(wallNowMs / 1000);
  return { link: over ? "0" : "1", expires };
}

/** $secure_link of "/prefix/hash/link" where the hash is of link and secret: the link; undefined = it does not hold. */
export function checkSecretLink(target: string, secret: string): string | undefined {
  const match = /^.[^/]*\/([0-9a-f]{32})\/(.+)$/is.exec(target);
  if (!match) return undefined;
  const made = createHash("md5")
    .update(match[2]! + secret, "latin1")
    .digest();
  return timingSafeEqual(Buffer.from(match[1]!, "hex"), made) ? match[2] : undefined;
}
