// Forwarded (RFC 7239) and its forerunner X-Forwarded-For: written for the next hop, read from proxies that are trusted.
// What is read came from the network: a malformed list is no list (null), never a part of one.
import { isAuthority } from "./authority.ts";
import { trimBlanks } from "./list.ts";

/** One element of Forwarded; absent parameters are "". */
export interface ForwardedElement {
  readonly for: string;
  readonly by: string;
  readonly host: string;
  readonly proto: string;
}

/** Our element: whom the request came from, which host it asked for, and how. `host` "" is left out. */
export function forwardedElement(clientAddress: string, host: string, proto: string): string {
  const forwardedFor = `for=${parameterValue(nodeOf(clientAddress))}`;
  return `${forwardedFor}${host === "" ? "" : `;host=${parameterValue(host)}`};proto=${proto}`;
}

/** A node (RFC 7239 §6): an IPv6 address in brackets; "unknown" where there is no address (Unix sockets). */
function nodeOf(address: string): string {
  if (address === "") return "unknown";
  return address.includes(":") ? `[${address}]` : address;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Quoted where it is no token: ":" and "[" are none. */
function parameterValue(value: string): string {
  return TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

const PAIR = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)")/y;

/** The elements of a Forwarded value, nearest to the client first; null = malformed. */
export function parseForwarded(value: string): ForwardedElement[] | null {
  const elements: ForwardedElement[] = [];
  let element = new Map<string, string>();
  let at = skipBlanks(value, 0);
  for (;;) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(value);
    if (!pair) return null;
    const name = pair[1]!.toLowerCase();
    // RFC 7239 §4: each parameter once per element.
    if (element.has(name)) return null;
    element.set(name, pair[2] ?? pair[3]!.replace(/\\(.)/g, "$1"));
    at = skipBlanks(value, PAIR.lastIndex);
    const separator = value[at];
    if (separator === undefined || separator === ",") {
      elements.push(elementOf(element));
      element = new Map();
    }
    if (separator === undefined) return elements;
    if (separator !== "," && separator !== ";") return null;
    at = skipBlanks(value, at + 1);
  }
}

function skipBlanks(value: string, from: number): number {
  let at = from;
  while (value[at] === " " || value[at] === "\t") at++;
  return at;
}

function elementOf(parameters: ReadonlyMap<string, string>): ForwardedElement {
  const get = (name: string) => parameters.get(name) ?? "";
  return { for: nodeAddress(get("for")), by: nodeAddress(get("by")), host: get("host"), proto: get("proto") };
}

/** The address of a node without brackets and port; "unknown" and obfuscated names as they are. */
function nodeAddress(node: string): string {
  if (!isAuthority(node, 0, node.length)) return node;
  if (node.startsWith("[")) return node.slice(1, node.indexOf("]"));
  const colon = node.indexOf(":");
  return colon < 0 ? node : node.slice(0, colon);
}

/** The addresses of an X-Forwarded-For value, nearest to the client first, without ports; null = an element is empty. */
export function parseForwardedFor(value: string): string[] | null {
  const addresses: string[] = [];
  for (const element of value.split(",")) {
    const node = trimBlanks(element);
    if (node === "") return null;
    // A bare IPv6 address is usual here, though RFC 7239 would bracket it; it has more than one colon.
    const bareIPv6 = node.indexOf(":") !== node.lastIndexOf(":") && !node.startsWith("[");
    addresses.push(bareIPv6 ? node : nodeAddress(node));
  }
  return addresses;
}
