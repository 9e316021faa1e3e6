// Whether a response may be kept, and for how long, by its fields: X-Accel-Expires before Cache-Control before Expires,
// in whatever order they come; a Set-Cookie or "Vary: *" forbids it. What the location ignores says nothing. Times are
// seconds since 1970, as HTTP has them. Where no field says how long, the location's own rule does (validForSec).
import type { CacheUseConfig } from "../config/servers.ts";

/** What the fields of a response say. */
export interface Freshness {
  /** Nothing forbids to keep it. */
  readonly storable: boolean;
  /** Fresh until; 0 = no field says it. */
  readonly validSec: number;
  /** Seconds behind it in which it may be used while it is being updated, or where updating it fails. */
  readonly updatingSec: number;
  readonly errorSec: number;
  /** "" = it has no variants. */
  readonly vary: string;
  readonly etag: string;
  /** -1 = none. */
  readonly lastModifiedSec: number;
}

/** How fields are to be read. */
export interface FreshnessRules {
  /** Lower-case names that are not obeyed. */
  readonly ignore: ReadonlySet<string>;
  readonly nowSec: number;
  /** Reads an HTTP date; null = it is none. */
  readonly parseDate: (text: string) => number | null;
}

/** Calls back with each field, in order. */
export type EachField = (visit: (name: string, value: string) => void) => void;

/** Vary fields that are longer have too many variants to be kept. */
export const VARY_LENGTH_MAX = 128;
/** Beyond it times mean the same: for ever. */
const SECONDS_MAX = Number.MAX_SAFE_INTEGER;

class Reading {
  forbidden = false;
  noCache = false;
  expired = false;
  validSec = 0;
  updatingSec = 0;
  errorSec = 0;
  hasAccel = false;
  hasExpires = false;
  readonly vary: string[] = [];
  readonly #rules: FreshnessRules;

  constructor(rules: FreshnessRules) {
    this.#rules = rules;
  }

  /** "@1" is a time, "60" seconds from now on; 0 forbids. */
  accelExpires(value: string): void {
    if (this.hasAccel) return;
    this.hasAccel = true;
    const match = /^(@?)(\d+)$/.exec(value);
    if (!match) return;
    const seconds = Math.min(Number(match[2]), SECONDS_MAX);
    if (match[1] === "" && seconds === 0) {
      this.forbidden = true;
      return;
    }
    this.validSec = match[1] === "@" ? seconds : this.#rules.nowSec + seconds;
    this.noCache = false;
    this.expired = false;
  }

  cacheControl(value: string): void {
    const text = value.toLowerCase();
    if (this.validSec === 0 || !this.hasAccel) {
      if (/no-cache|no-store|private/.test(text)) {
        this.noCache = true;
        return;
      }
      const age = secondsBehind(text, "s-maxage=") ?? secondsBehind(text, "max-age=");
      if (age === "invalid") {
        this.forbidden = true;
        return;
      }
      if (age === 0) {
        this.noCache = true;
        return;
      }
      if (age !== undefined) {
        this.validSec = Math.min(this.#rules.nowSec + age, SECONDS_MAX);
        this.expired = false;
      }
    }
    this.#extensions(text);
  }

  #extensions(text: string): void {
    const updating = secondsBehind(text, "stale-while-revalidate=");
    const error = secondsBehind(text, "stale-if-error=");
    if (updating === "invalid" || error === "invalid") {
      this.forbidden = true;
      return;
    }
    if (updating !== undefined) {
      this.updatingSec = updating;
      this.errorSec = updating;
    }
    if (error !== undefined) this.errorSec = error;
  }

  expires(value: string): void {
    if (this.hasExpires) return;
    this.hasExpires = true;
    if (this.validSec !== 0) return;
    const at = this.#rules.parseDate(value);
    if (at === null || at < this.#rules.nowSec) this.expired = true;
    else this.validSec = at;
  }
}

/** Reads the fields of a response. */
export function readFreshness(eachField: EachField, rules: FreshnessRules): Freshness {
  const reading = new Reading(rules);
  const { ignore } = rules;
  let etag = "";
  let lastModifiedSec = -1;
  eachField((name, value) => {
    const lowerName = name.toLowerCase();
    switch (lowerName) {
      case "etag":
        etag ||= value;
        return;
      case "last-modified":
        if (lastModifiedSec < 0) lastModifiedSec = rules.parseDate(value) ?? -1;
        return;
    }
    if (ignore.has(lowerName)) return;
    switch (lowerName) {
      case "x-accel-expires":
        return reading.accelExpires(value);
      case "cache-control":
        return reading.cacheControl(value);
      case "expires":
        return reading.expires(value);
      case "set-cookie":
        reading.forbidden = true;
        return;
      case "vary":
        reading.vary.push(value);
    }
  });
  const vary = reading.vary.join(", ");
  const varies = reading.vary.includes("*") || vary.length > VARY_LENGTH_MAX;
  return {
    storable: !reading.forbidden && !reading.noCache && !reading.expired && !varies,
    validSec: reading.validSec,
    updatingSec: reading.updatingSec,
    errorSec: reading.errorSec,
    vary,
    etag,
    lastModifiedSec,
  };
}

/** Seconds behind a directive; undefined = it is not there. */
function secondsBehind(text: string, directive: string): number | "invalid" | undefined {
  const at = text.indexOf(directive);
  if (at < 0) return undefined;
  const value = /^[^,; ]*/.exec(text.slice(at + directive.length))![0];
  return /^\d*$/.test(value) ? Math.min(Number(value), SECONDS_MAX) : "invalid";
}

/** How long the location keeps a status of which no field says it; 0 = not at all. */
export function validForSec(rules: CacheUseConfig["valid"], status: number): number {
  const rule = rules.find(({ statuses }) => statuses === "any" || statuses.includes(status));
  return rule ? rule.ms / 1000 : 0;
}
