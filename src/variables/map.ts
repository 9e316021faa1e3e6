// map: from the value of a text to another. Strings are compared without regard to the case of ASCII letters. Order:
// exact, then (hostnames) the longest "*.name", then the longest "name.*", then patterns in their order, then default.
// Exact keys are a hash; wildcards cost one look-up per label, and none for names longer than any key.
import type { VariableConfig } from "../config/servers.ts";
import type { Matcher } from "./matcher.ts";
import type { CompiledText, Subject, Variable } from "./subject.ts";

type MapConfig = Extract<VariableConfig, { readonly kind: "map" }>;
type MapKey = MapConfig["entries"][number]["key"];

/** What a map needs of the table that it stands in. */
export interface MapParts {
  text(text: string): CompiledText;
  matcher(key: Exclude<MapKey, string>): Matcher | null;
}

/** The variable of a map; its result is not kept. */
export function mapVariable(config: MapConfig, parts: MapParts): Variable {
  const source = parts.text(config.source);
  const otherwise = parts.text(config.default);
  const keys = keysOf(config, parts);
  const patterns = patternsOf(config, parts);
  return (subject) => {
    let value = source.render(subject);
    if (config.hostnames && value.endsWith(".")) value = value.slice(0, -1);
    const found = keys.find(asciiLower(value)) ?? (value === "" ? undefined : matching(patterns, subject, value));
    return (found ?? otherwise).render(subject);
  };
}

/** Letters A to Z in lower case; other bytes stay. */
function asciiLower(text: string): string {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x41 && code <= 0x5a) return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text;
}

interface PatternEntry {
  readonly matcher: Matcher;
  readonly value: CompiledText;
}

function matching(patterns: readonly PatternEntry[], subject: Subject, value: string): CompiledText | undefined {
  for (const entry of patterns) if (entry.matcher.match(subject, value)) return entry.value;
  return undefined;
}

function patternsOf(config: MapConfig, parts: MapParts): readonly PatternEntry[] {
  const patterns: PatternEntry[] = [];
  for (const { key, value } of config.entries) {
    if (typeof key === "string") continue;
    const matcher = parts.matcher(key);
    if (matcher !== null) patterns.push({ matcher, value: parts.text(value) });
  }
  return patterns;
}

function keysOf(config: MapConfig, parts: MapParts): HostKeys {
  const keys = new HostKeys();
  for (const { key, value } of config.entries) {
    if (typeof key !== "string") continue;
    if (config.hostnames) keys.addHost(asciiLower(key), parts.text(value));
    else keys.exact.set(asciiLower(key), parts.text(value));
  }
  return keys;
}

/** Keys of a map: exact ones, and those that stand for names below or names that begin so. */
class HostKeys {
  readonly exact = new Map<string, CompiledText>();
  readonly #below = new Map<string, CompiledText>();
  readonly #anyEnd = new Map<string, CompiledText>();
  /** Of the wildcards: longer suffixes and prefixes are not looked up. */
  #longest = 0;

  addHost(key: string, value: CompiledText): void {
    if (key.length > 2 && key.startsWith("*.")) this.#addTo(this.#below, key.slice(2), value);
    else if (key.length > 2 && key.endsWith(".*")) this.#addTo(this.#anyEnd, key.slice(0, -2), value);
    else if (key.length > 1 && key.startsWith(".")) {
      this.exact.set(key.slice(1), value);
      this.#addTo(this.#below, key.slice(1), value);
    } else this.exact.set(key, value);
  }

  find(name: string): CompiledText | undefined {
    const exact = this.exact.get(name);
    if (exact !== undefined || this.#longest === 0) return exact;
    return this.#findBelow(name) ?? this.#findAnyEnd(name);
  }

  #addTo(keys: Map<string, CompiledText>, key: string, value: CompiledText): void {
    keys.set(key, value);
    this.#longest = Math.max(this.#longest, key.length);
  }

  #findBelow(name: string): CompiledText | undefined {
    if (this.#below.size === 0) return undefined;
    const from = Math.max(0, name.length - this.#longest - 1);
    for (let dot = name.indexOf(".", from); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const found = this.#below.get(name.slice(dot + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findAnyEnd(name: string): CompiledText | undefined {
    if (this.#anyEnd.size === 0) return undefined;
    for (let dot = name.lastIndexOf(".", this.#longest); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
      const found = this.#anyEnd.get(name.slice(0, dot));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
