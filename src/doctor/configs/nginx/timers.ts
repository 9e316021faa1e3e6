// Timers of an nginx block: the value that holds there, at the place where it is written, which may be a block further
// out. Defaults are not here: they are known to timeouts/. What proxy_read_timeout limits, fastcgi_read_timeout does too.
import { shown } from "../../../nginx/byte-text.ts";
import { argOf, type Scope } from "../../../nginx/lower/scope.ts";
import { positionAt } from "../../../nginx/source.ts";
import type { Arg, Directive } from "../../../nginx/tree.ts";
import { parseNumber, parseTime } from "../../../nginx/units.ts";
import type { Place } from "../../evidence.ts";
import type { TimerId } from "../../timeouts/model.ts";
import type { ConfiguredTimer } from "../model.ts";

/** Modules that forward, as their directives begin. */
export type Forwarder = "proxy" | "fastcgi" | "uwsgi" | "scgi" | "grpc";

const FORWARDING: readonly (readonly [end: string, id: TimerId])[] = [
  ["connect_timeout", "connect"],
  ["read_timeout", "response"],
  ["next_upstream_timeout", "try-total"],
  ["next_upstream_tries", "tries"],
];
const CLIENT: readonly (readonly [name: string, id: TimerId])[] = [
  ["keepalive_timeout", "client-idle"],
  ["client_header_timeout", "request"],
  ["client_body_timeout", "request"],
];

/** Where a directive stands. */
export function placeOf(directive: Directive, arg: Arg = directive.head): Place {
  return positionAt(directive.source, arg.start);
}

/** What limits requests that this block forwards. */
export function forwardingTimers(scope: Scope, by: Forwarder, upgrades: boolean): ConfiguredTimer[] {
  const found = FORWARDING.flatMap(([end, id]) => timerOf(scope.last(`${by}_${end}`), id));
  const tunnel = upgrades ? timerOf(scope.last(`${by}_read_timeout`), "tunnel-idle") : [];
  return [...found, ...tunnel, ...timerOf(scope.last("resolver_timeout"), "dns")];
}

/** What limits clients, wherever in these blocks it is written. */
export function clientTimers(scopes: readonly Scope[]): ConfiguredTimer[] {
  return scopes.flatMap((scope) =>
    CLIENT.flatMap(([name, id]) => scope.own(name).flatMap((directive) => timerOf(directive, id))),
  );
}

/** How long a group keeps idle connections. */
export function groupTimers(group: Scope): ConfiguredTimer[] {
  return timerOf(group.own("keepalive_timeout").at(-1), "upstream-idle");
}

/** A timer from its directive; nothing where that is absent, or no plain value. */
export function timerOf(directive: Directive | undefined, id: TimerId): ConfiguredTimer[] {
  if (!directive) return [];
  const text = argOf(directive);
  const value = id === "tries" ? parseNumber(text) : parseTime(text);
  if (value === undefined) return [];
  // Zero is no limit for tries; an idle time of zero keeps nothing.
  const isOff = value === 0 && (id === "tries" || id === "try-total");
  const at = placeOf(directive);
  return [{ id, setting: shown(directive.name), value: isOff ? null : value, text: shown(text), at }];
}
