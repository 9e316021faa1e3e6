// Base64 as strictly as nginx reads it: an invalid character or a lone one at the end makes the whole invalid, padding
// may be missing, and nothing behind a "=" counts. Buffer.from passes over what it does not know, which would let
// several texts mean one credential.

/** The bytes; null = it is not valid. The URL alphabet has "-" and "_" for "+" and "/". */
export function decodeBase64(text: string, alphabet: "standard" | "url" = "standard"): Buffer | null {
  const end = text.indexOf("=");
  const digits = end < 0 ? text : text.slice(0, end);
  const valid = alphabet === "url" ? /^[A-Za-z0-9_-]*$/ : /^[A-Za-z0-9+/]*$/;
  if (digits.length % 4 === 1 || !valid.test(digits)) return null;
  return Buffer.from(digits, alphabet === "url" ? "base64url" : "base64");
}
