// Rows of the table that are called "lowered" and are not: what would change an answer is refused where it stands,
// what changes none is named with its reason. lower.test.ts holds the table against this, so nothing is passed over.
import { DIRECTIVES } from "../directives/table.ts";
import { blockScope, type Scope } from "./scope.ts";

/** Directives that change answers, and are not done. */
export const NOT_DONE: Readonly<Record<string, string>> = {
  modern_browser: "browsers are not told apart",
  ancient_browser: "browsers are not told apart",
};

/** Directives that make no difference to an answer here, or only together with one that is refused. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  include: "the loader has put the files in its place",
  ssl_stapling_file: "it belongs to ssl_stapling, which is told",
  ssl_stapling_responder: "it belongs to ssl_stapling, which is told",
  ssl_stapling_verify: "it belongs to ssl_stapling, which is told",
  ssl_ocsp_responder: "it belongs to ssl_ocsp, which is refused",
  tunnel_socket_rcvbuf: "Node and the kernel decide",
  tunnel_socket_sndbuf: "Node and the kernel decide",
  tunnel_send_lowat: "Node and the kernel decide",
  client_body_early_read: "a body is read when it is asked for",
  client_body_in_single_buffer: "a body in memory is one piece",
  msie_padding: "it is for a browser of 2001",
  uninitialized_variable_warn: "it is about a line in the error log",
  ssi_min_file_chunk: "buffers here have sizes of their own",
};

/** Directives without which a client gets the same answer, later: told as a warning. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  early_hints: "103 (Early Hints) is not passed on",
};

/** Belong to one that is refused, and mean nothing without it. */
export const WITH_REFUSED = /^(?:modern_browser_value$|ancient_browser_value$)/;

const REASONS: ReadonlyMap<string, string> = new Map(Object.entries({ ...NOT_DONE, ...LEFT_OUT }));

/** Tells of directives that are not done. */
export function complainNotDone(scope: Scope): void {
  for (const directive of scope.directives) {
    const why = REASONS.get(directive.name);
    const off = directive.args[0]?.value === "off";
    if (why !== undefined && !off) {
      const severity = Object.hasOwn(LEFT_OUT, directive.name) ? "warning" : "error";
      const facts = { kind: "scope", saidByNginx: false, severity } as const;
      scope.problems.complain(directive, `"${directive.name}" is not supported: ${why}`, undefined, facts);
    }
    if (directive.block && DIRECTIVES.get(directive.name)?.[0]?.args.block === "directives")
      complainNotDone(blockScope(scope, scope.kind, directive));
  }
}
