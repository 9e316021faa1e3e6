// Via (RFC 9110 §7.6.3): each gateway appends the version that it received and its name. A request in which a gateway
// finds its own name has come round in a loop; names must therefore differ between deployments.
import { fieldValues, type RequestHead } from "./head.ts";
import { listElements } from "./list.ts";

/** The value of Via for the next hop: what came, and this gateway. */
export function viaValue(head: RequestHead, name: string): string {
  const own = head.minor === 1 ? `1.1 ${name}` : `1.0 ${name}`;
  return head.hasVia ? `${fieldValues(head, "via").join(", ")}, ${own}` : own;
}

/** Whether this gateway has passed the request on before. */
export function viaContains(head: RequestHead, name: string): boolean {
  if (!head.hasVia) return false;
  const wanted = name.toLowerCase();
  for (const value of fieldValues(head, "via")) {
    for (const element of listElements(value)) {
      // received-protocol RWS received-by [ RWS comment ]
      if (element.split(/[ \t]+/, 2)[1]?.toLowerCase() === wanted) return true;
    }
  }
  return false;
}
