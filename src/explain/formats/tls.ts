// What TLS libraries say: OpenSSL's error strings in all their forms (1.0 with hexadecimal codes and function names, 3.x
// without, BoringSSL with decimal ones, Python's and Node's wrappings), alert numbers and names, and results of the
// check of a certificate. Reasons are given in lower case with blanks: WRONG_VERSION_NUMBER → "wrong version number".
import { ALERT_NAMES } from "../../failure/tls-codes.ts";
import { addCode, type Reading } from "./format.ts";

const REASON = /SSL routines:[\w ]{0,60}:([A-Za-z][\w ./-]{2,60})/g;
const CODE = /error:([0-9A-Fa-f]{8})(?=:)/g;
const PYTHON = /\[SSL: ([A-Z0-9_]{3,60})\]/g;
const PYTHON_TUPLE = /'SSL routines', '[^'\n]{0,60}', '([^'\n]{3,60})'/g;
const NODE = /\bERR_SSL_([A-Z0-9_]{3,60})\b/g;
const ALERT_NUMBER = /SSL alert number (\d{1,3})/g;
const ALERT_NAME =
  /(?:remote error: tls: |fatal alert: |tls: received alert |TLS alert, [\w ]{1,20}: |alert: )([A-Za-z][A-Za-z_ ]{3,40})/g;
const ALERT_BY_NAME = new Map([...ALERT_NAMES].map(([number, name]) => [name, number]));
/** Words of OpenSSL for alerts that RFC 8446 calls otherwise. */
const ALERT_WORDS = /\b(?:ssl\/tls|sslv3|tlsv1|tlsv13|tls) alert ([a-z][a-z ]{3,40})/gi;

const X509: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["CERT_HAS_EXPIRED", /certificate has expired/i],
  ["CERT_NOT_YET_VALID", /certificate is not yet valid/i],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /unable to get local issuer certificate/i],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /unable to verify the first certificate/i],
  ["SELF_SIGNED_CERT_IN_CHAIN", /self[- ]signed certificate in certificate chain/i],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", /self[- ]signed certificate(?! in)/i],
  ["HOSTNAME_MISMATCH", /hostname mismatch/i],
  ["CERT_REVOKED", /certificate (?:is |has been )?revoked/i],
];
/** OpenSSL's result of a check: "verify error:num=20:…", "Verify return code: 21 (…)", nginx's "verify error: (10:…". */
const VERIFY_NUMBER = /\b[Vv]erify (?:error:num=|return code: |error: \()([1-9]\d{0,2})\b/g;
const X509_CODE =
  /\b(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERT_UNTRUSTED|CERT_REJECTED|CERT_REVOKED|CERT_CHAIN_TOO_LONG|CERT_SIGNATURE_FAILURE|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)\b/g;

/** Reasons by their number, where a program prints no text. */
const REASON_NUMBERS: Readonly<Record<number, string>> = {
  134: "certificate verify failed",
  156: "http request",
  193: "no shared cipher",
  191: "no protocols available",
  198: "packet length too long",
  258: "unsupported protocol",
  267: "wrong version number",
  294: "unexpected eof while reading",
  338: "unsafe legacy renegotiation disabled",
};

/** Adds the codes of TLS that stand in a part of the text. */
export function readTls(text: string, start: number, end: number, into: Reading): void {
  const part = text.slice(start, end);
  if (part.includes("SSL")) {
    each(part, REASON, (match, reason) =>
      addReason(into, reason, start + match.index + match[0].length - reason.length),
    );
    each(part, PYTHON, (match, reason) => addReason(into, reason, start + match.index + 6));
    each(part, PYTHON_TUPLE, (match, reason) => addReason(into, reason, start + match.index));
    each(part, NODE, (match, reason) => addReason(into, reason, start + match.index));
    each(part, ALERT_NUMBER, (match, digits) => addAlert(into, Number(digits), start + match.index, match[0].length));
  }
  if (part.includes("error:"))
    each(part, CODE, (match, hex) => addNumber(into, hex, start + match.index, match[0].length));
  if (/alert|tls: /i.test(part)) {
    each(part, ALERT_NAME, (match, name) => addAlertName(into, name, start + match.index, match[0].length));
    each(part, ALERT_WORDS, (match, name) => addAlertName(into, name, start + match.index, match[0].length));
  }
  if (/cert/i.test(part)) {
    for (const [name, pattern] of X509) {
      const found = pattern.exec(part);
      if (found) addCode(into, "x509-error", name, start + found.index, start + found.index + found[0].length);
    }
  }
  each(part, VERIFY_NUMBER, (match, digits) =>
    addCode(into, "x509-error", digits, start + match.index, start + match.index + match[0].length),
  );
  each(part, X509_CODE, (match, name) =>
    addCode(into, "x509-error", name, start + match.index, start + match.index + name.length),
  );
}

function each(
  part: string,
  pattern: RegExp,
  take: (match: RegExpMatchArray & { index: number }, group: string) => void,
): void {
  for (const match of part.matchAll(pattern)) take(match as RegExpMatchArray & { index: number }, match[1] ?? "");
}

function addReason(into: Reading, raw: string, at: number): void {
  const printed = raw.trim();
  const reason = printed
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/ tls error end$/, "");
  addCode(into, "openssl-reason", reason, at, at + printed.length);
  const alert =
    /^(?:sslv3|tlsv1|tlsv13|ssl\/tls|tls) alert (.+)$/.exec(reason)?.[1] ??
    /^tlsv1 (unrecognized name)$/.exec(reason)?.[1];
  if (alert !== undefined) addAlertName(into, alert, at, printed.length);
}

/** OpenSSL 3 has the reason in the low 23 bits, 1.x in the low 12; 1000 + n is the alert n. */
function addNumber(into: Reading, hex: string, at: number, length: number): void {
  const code = Number.parseInt(hex, 16);
  const reason = hex.startsWith("0A") || hex.startsWith("0a") ? code & 0x7fffff : code & 0xfff;
  if (reason > 1000 && reason < 1256) addAlert(into, reason - 1000, at, length);
  const text = REASON_NUMBERS[reason];
  const known = into.codes.some(({ of }) => of === "openssl-reason");
  if (text !== undefined && !known) addCode(into, "openssl-reason", text, at, at + length);
}

function addAlert(into: Reading, number: number, at: number, length: number): void {
  const name = ALERT_NAMES.get(number);
  if (name !== undefined) addCode(into, "tls-alert", name, at, at + length);
  addCode(into, "tls-alert", String(number), at, at + length);
}

function addAlertName(into: Reading, words: string, at: number, length: number): void {
  const parts = words.trim().toLowerCase().split(/[ _]+/);
  // The text goes on behind the name: the longest beginning that is one counts.
  for (let count = Math.min(parts.length, 5); count > 0; count--) {
    const number = ALERT_BY_NAME.get(parts.slice(0, count).join("_"));
    if (number === undefined) continue;
    addAlert(into, number, at, length);
    return;
  }
}
