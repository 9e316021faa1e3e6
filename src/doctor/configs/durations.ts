// Durations as each program writes them, in milliseconds. undefined = that program would refuse it (or it is not
// plain: a variable). What a bare number means differs from program to program, so there is one function for each.
import type { Ms } from "../../std/units.ts";

/** HAProxy: a bare number is milliseconds; us, ms, s, m, h, d. One unit. */
export function haproxyTime(text: string): Ms | undefined {
  const match = /^(\d+)(us|ms|s|m|h|d)?$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]);
  const unit = match[2] ?? "ms";
  return unit === "us" ? Math.ceil(value / 1000) : value * (GO_UNITS[unit] ?? 1);
}

/** Apache httpd: a bare number is in the directive's own unit (seconds, mostly); ms, s, mi or min, h. */
export function apacheTime(text: string, bareUnitMs = 1000): Ms | undefined {
  const match = /^(\d+)(ms|s|mi|min|h)?$/i.exec(text);
  if (!match) return undefined;
  const unit = match[2]?.toLowerCase();
  return Number(match[1]) * (unit === undefined ? bareUnitMs : (APACHE_UNITS[unit] ?? bareUnitMs));
}

const APACHE_UNITS: Readonly<Record<string, Ms>> = { ms: 1, s: 1000, mi: 60_000, min: 60_000, h: 3_600_000 };

const GO_UNITS: Readonly<Record<string, Ms>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Go's time.ParseDuration, with Caddy's days: "1m30s", "1.5h", "0", "-1" ("-1s" too) below zero. No bare numbers but 0. */
export function goTime(text: string): Ms | undefined {
  const trimmed = text.trim();
  if (/^[+-]?0$/.test(trimmed)) return 0;
  const sign = trimmed.startsWith("-") ? -1 : 1;
  const rest = trimmed.replace(/^[+-]/, "");
  let total = 0;
  let length = 0;
  for (const [part, amount, unit] of rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/gy)) {
    total += Number(amount) * (GO_UNITS[unit ?? ""] ?? 0);
    length += part.length;
  }
  return length === 0 || length !== rest.length ? undefined : sign * total;
}

/** Traefik: as Go; a bare number is seconds. */
export function traefikTime(text: string): Ms | undefined {
  return /^-?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) * 1000 : goTime(text);
}

/** The JSON form of protobuf's Duration, as Envoy reads it: "0.25s", "15s". */
export function protoTime(text: string): Ms | undefined {
  const match = /^(-?\d+(?:\.\d{1,9})?)s$/.exec(text.trim());
  return match ? Number(match[1]) * 1000 : undefined;
}
