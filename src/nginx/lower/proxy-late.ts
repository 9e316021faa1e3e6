// What nginx notices only when it has read all of http, and puts together what blocks inherit: it names the last line
// of http then, or none.
import type { Directive } from "../tree.ts";
import type { ComplaintFacts, Scope } from "./scope.ts";

/** Facts for a complaint about a directive that is made at the end of http. */
export function atEndOf({ directive: block }: Scope, directive: Directive): ComplaintFacts {
  const closed = block?.source === directive.source ? block.block?.closedAt : undefined;
  return closed === undefined || closed === null ? {} : { noticedAt: closed };
}
