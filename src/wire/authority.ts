// host [":" port] (RFC 3986 §3.2, RFC 9110 §7.2), as Host and absolute targets carry it. No userinfo, and no
// percent-encoding in names: both serve only to make two readers see different hosts.
import { BYTE_CLASS, COLON, DIGIT_0, DIGIT_9, DOT, HEX_VALUE, IN_HOST } from "./bytes.ts";

const BRACKET = 0x5b;
const PORT_DIGITS_MAX = 5;

/** Whether [from, to) of a latin1 text is a host with an optional port; an empty host is none. */
export function isAuthority(text: string, from: number, to: number): boolean {
  let i = from;
  if (text.charCodeAt(from) === BRACKET) {
    i = text.indexOf("]", from) + 1;
    if (i === 0 || i > to || !isIPLiteral(text.slice(from + 1, i - 1))) return false;
  } else while (i < to && (BYTE_CLASS[text.charCodeAt(i)]! & IN_HOST) !== 0) i++;
  if (i === from) return false;
  return i === to || (text.charCodeAt(i) === COLON && isPort(text, i + 1, to));
}

/** Digits up to 65535; may be empty (RFC 3986 §3.2.3). */
function isPort(text: string, from: number, to: number): boolean {
  if (to - from > PORT_DIGITS_MAX) return false;
  let port = 0;
  for (let i = from; i < to; i++) {
    const c = text.charCodeAt(i);
    if (c < DIGIT_0 || c > DIGIT_9) return false;
    port = port * 10 + c - DIGIT_0;
  }
  return port <= 65_535;
}

/** What may stand in brackets: IPv6, or a form of the future ("v1.x"), RFC 3986 §3.2.2. */
function isIPLiteral(text: string): boolean {
  return isIPv6(text) || /^v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+$/i.test(text);
}

/** RFC 3986 §3.2.2, without zone ids: eight groups, or fewer around one "::"; the last two may be an IPv4 address. */
function isIPv6(address: string): boolean {
  const gap = address.indexOf("::");
  if (gap < 0) return groups(address, true) === 8;
  const before = address.slice(0, gap);
  const behind = address.slice(gap + 2);
  const left = before === "" ? 0 : groups(before, false);
  const right = behind === "" ? 0 : groups(behind, true);
  return left >= 0 && right >= 0 && left + right <= 7;
}

/** How many groups of 16 bits; -1 = malformed. */
function groups(text: string, mayEndInIPv4: boolean): number {
  const parts = text.split(":");
  const last = parts.at(-1)!;
  let count = parts.length;
  if (mayEndInIPv4 && last.includes(".")) {
    if (!isIPv4(last)) return -1;
    parts.pop();
    count++;
  }
  return parts.every(isGroup) ? count : -1;
}

function isGroup(part: string): boolean {
  if (part.length < 1 || part.length > 4) return false;
  for (let i = 0; i < part.length; i++) if (!(HEX_VALUE[part.charCodeAt(i)]! < 16)) return false;
  return true;
}

function isIPv4(text: string): boolean {
  let octets = 1;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && text.charCodeAt(i) !== DOT) continue;
    if (!isOctet(text.slice(from, i))) return false;
    if (i < text.length) octets++;
    from = i + 1;
  }
  return octets === 4;
}

function isOctet(text: string): boolean {
  if (text.length < 1 || text.length > 3 || (text.length > 1 && text.charCodeAt(0) === DIGIT_0)) return false;
  return isPort(text, 0, text.length) && Number(text) <= 255;
}
