// Which address a chain of trusted proxies speaks for: X-Forwarded-For is read from its end as long as the address so
// far is a trusted proxy's. Recursive: until the first that is none; else one step. What a client wrote in front of it
// is never looked at.
import { parseIp } from "./ip.ts";

/** An address that a field names, with its port where it has one. */
export interface ForwardedAddress {
  readonly text: string;
  /** Byte text (ip.ts). */
  readonly bytes: string;
  readonly port: string | undefined;
}

/** The address that `field` (lines joined by ", ") names for the peer; undefined = the peer's own stays. */
export function forwardedAddress(
  peer: string,
  field: string,
  isTrusted: (bytes: string) => boolean,
  recursive: boolean,
): ForwardedAddress | undefined {
  let found: ForwardedAddress | undefined;
  let bytes = peer;
  let end = field.length;
  do {
    if (!isTrusted(bytes)) break;
    while (end > 1 && isSeparator(field.charCodeAt(end - 1))) end--;
    let start = end;
    // The first byte is never taken as a separator: nginx reads ",10.0.0.1" as no address.
    while (start > 0 && (start === 1 || !isSeparator(field.charCodeAt(start - 1)))) start--;
    const next = parseForwarded(field.slice(start, end));
    if (next === undefined) break;
    found = next;
    bytes = next.bytes;
    end = start - 1;
  } while (recursive && end > 0);
  return found;
}

function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2c;
}

/** "10.0.0.1", "10.0.0.1:80", "2001:db8::1", "[2001:db8::1]:80". */
export function parseForwarded(text: string): ForwardedAddress | undefined {
  const plain = parseIp(text);
  if (plain !== undefined) return { text, bytes: plain, port: undefined };
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(text);
  const address = parts?.[1] ?? parts?.[2];
  const bytes = address === undefined ? undefined : parseIp(address);
  if (address === undefined || bytes === undefined) return undefined;
  const port = parts?.[3];
  if (port !== undefined && (Number(port) === 0 || Number(port) > 65_535)) return undefined;
  return { text: address, bytes, port };
}
