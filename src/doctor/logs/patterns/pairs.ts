// Who made the status (status-pair), and what became of requests that were tried on several members (retry-chain). Both
// are said by single lines; here they are counted. Pure.
import type { LogPattern } from "../model.ts";
import type { StatusPair } from "../status-pair.ts";
import type { Row, View } from "../view.ts";
import { linesOf, pattern, type Story } from "./story.ts";
import { counted, number } from "./words.ts";

const PAIRS_MIN = 2;
const CHAINS_MIN = 3;

/** status-pair: one for each answer to "who made it?". */
export function pairPatterns({ views }: Story): LogPattern[] {
  const found: LogPattern[] = [];
  for (const view of views) {
    const paired = view.rows.filter(({ pair }) => pair !== null);
    for (const pair of ["passthrough", "own", "mirrored"] as const) {
      const rows = paired.filter((row) => row.pair === pair);
      if (rows.length >= PAIRS_MIN) found.push(pairPattern(view, pair, rows, paired.length));
    }
  }
  return found;
}

function pairPattern(view: View, pair: StatusPair, rows: readonly Row[], all: number): LogPattern {
  const count = rows.length * view.stride;
  const some = `${number(count)} of ${counted(all * view.stride, "error response")}`;
  const [first] = rows;
  const upstream = rows.every(({ member }) => member === first?.member) ? (first?.member ?? null) : null;
  return pattern({
    id: "status-pair",
    class: pair === "passthrough" ? "upstream-error-passthrough" : null,
    certainty: pair === "mirrored" ? "possible" : "proven",
    upstream,
    count,
    text: TEXTS[pair](some, statusesOf(rows)),
    fromMs: rows.find(({ atMs }) => atMs !== null)?.atMs ?? null,
    toMs: [...rows].reverse().find(({ atMs }) => atMs !== null)?.atMs ?? null,
    lines: linesOf(view.file, rows),
  });
}

const TEXTS: Readonly<Record<StatusPair, (some: string, statuses: string) => string>> = {
  passthrough: (some, statuses) => `${some} (${statuses}) came from the upstream itself; the gateway passed them on.`,
  own: (some, statuses) =>
    `${some} (${statuses}) were made by the gateway: the upstream had answered something else, or nothing.`,
  mirrored: (some, statuses) =>
    `${some} (${statuses}) have the same number as $upstream_status, which says nothing: nginx enters a 502 or 504 of its own there, too. With $upstream_header_time in the log_format ("-" = nginx made it) it would.`,
};

function statusesOf(rows: readonly Row[]): string {
  const statuses = [...new Set(rows.map(({ status }) => status))].filter((status) => status !== null);
  return statuses
    .sort((a, b) => a - b)
    .slice(0, 4)
    .join(", ");
}

/** retry-chain: one for each member that others had to stand in for. */
export function chainPatterns({ views }: Story): LogPattern[] {
  const found: LogPattern[] = [];
  for (const view of views) {
    const all = [...view.chains.values()].reduce((sum, { count }) => sum + count, 0);
    for (const [name, { count, recovered, line, others }] of view.chains) {
      if (count < CHAINS_MIN || count < all * 0.2) continue;
      const saved =
        recovered === count
          ? "another member answered each of them"
          : `another member answered ${number(recovered)} of them`;
      found.push(
        pattern({
          id: "retry-chain",
          certainty: "proven",
          upstream: name,
          count,
          text: `${counted(count, "request")} failed on ${name} first and ${count === 1 ? "was" : "were"} sent on to ${[...others].slice(0, 3).join(", ")}; ${saved}.`,
          lines: [{ file: view.file, line }],
        }),
      );
    }
  }
  return found;
}
