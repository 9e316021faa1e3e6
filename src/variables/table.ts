// The variables of one configuration by name: what the configuration defines goes before what is always there, and that
// before the families. Values of maps and the like are kept in a slot of the request (`set` and captures write to the
// slot of their name, and what is set stays). Register the names of `set` and captures (slot) before texts are compiled.
import type { CompiledPattern, PatternProblem } from "../config/pcre.ts";
import { compilePattern } from "../config/pcre.ts";
import type { Pattern, VariableConfig } from "../config/servers.ts";
import { builtinVariables, familyMember } from "./builtin.ts";
import { geoVariable } from "./geo.ts";
import type { MapParts } from "./map.ts";
import { mapVariable } from "./map.ts";
import type { Matcher } from "./matcher.ts";
import { matcherOf } from "./matcher.ts";
import { splitVariable } from "./split.ts";
import type { CompiledText, Subject, Variable } from "./subject.ts";
import { compileText, constantText } from "./text.ts";
import type { ProcessFacts } from "./time.ts";

/** What an unset variable is: `set` leaves "" (and a text in a log), captures leave nothing ("-"). */
export type Unset = "empty" | "not-found";

/** Maps may refer to one another; a circle ends here with nothing found, as in nginx. */
const DEPTH_MAX = 100;

/** One per configuration; nothing in it belongs to a request. */
export class VariableTable {
  /** Patterns in maps that do not compile, and names in their values that nobody defines. */
  readonly problems: { readonly variable: string; readonly problem: string }[] = [];
  readonly #defined = new Map<string, VariableConfig>();
  readonly #slots = new Map<string, { readonly index: number; readonly unset: Unset }>();
  readonly #builtins: ReadonlyMap<string, Variable>;
  readonly #found = new Map<string, Variable>();
  #depth = 0;

  constructor(config: readonly VariableConfig[], facts: ProcessFacts = NO_FACTS) {
    this.#builtins = builtinVariables(facts);
    for (const variable of config) this.#define(variable);
  }

  /** How many slots a request needs. */
  get slotCount(): number {
    return this.#slots.size;
  }

  /** The place of a variable that is set or captured; a name gets its slot when it is first asked for. */
  slot(name: string, unset: Unset = "empty"): number {
    const key = name.toLowerCase();
    const slot = this.#slots.get(key);
    if (slot !== undefined) return slot.index;
    const index = this.#slots.size;
    this.#slots.set(key, { index, unset });
    this.#found.delete(key);
    return index;
  }

  /** Somebody defines it, or it is always there. */
  has(name: string): boolean {
    return this.variable(name) !== undefined;
  }

  /** What reads it; undefined = unknown. */
  variable(name: string): Variable | undefined {
    const key = name.toLowerCase();
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const made = this.#make(key);
    if (made !== undefined) this.#found.set(key, made);
    return made;
  }

  /** A text as a function. */
  compile(text: string): CompiledText | { readonly unknown: string } {
    return compileText(text, (name) => this.variable(name));
  }

  /** A pattern as a function that sets captures; its named groups become variables. */
  matcher(pattern: Pattern): Matcher | PatternProblem {
    const compiled = compilePattern(pattern);
    if ("problem" in compiled) return compiled;
    return this.#matcherOf(compiled);
  }

  #matcherOf(compiled: CompiledPattern): Matcher {
    return matcherOf(
      compiled,
      compiled.names.map((name) => this.slot(name, "not-found")),
    );
  }

  #define(config: VariableConfig): void {
    const name = config.name.toLowerCase();
    this.#defined.set(name, config);
    if (config.kind === "split" || !config.volatile) this.slot(name);
    if (config.kind !== "map") return;
    // Names of groups in maps are variables for everybody, whether the map has been asked or not.
    for (const { key } of config.entries) {
      if (typeof key === "string") continue;
      const compiled = compilePattern(key);
      if ("problem" in compiled) this.problems.push({ variable: name, problem: compiled.problem });
      else this.#matcherOf(compiled);
    }
  }

  #make(key: string): Variable | undefined {
    if (/^[1-9]$/.test(key)) return capture(Number(key));
    const slot = this.#slots.get(key);
    const config = this.#defined.get(key);
    if (config !== undefined) {
      const volatile = config.kind !== "split" && config.volatile;
      return this.#kept(this.#lazily(config), slot?.index, volatile);
    }
    // These two write through to the request when they are set.
    const always = this.#builtins.get(key) ?? familyMember(key);
    if (slot === undefined || key === "args" || key === "limit_rate") return always;
    const { index } = slot;
    if (always !== undefined) return (subject) => subject.slots[index] ?? always(subject);
    return slot.unset === "empty" ? (subject) => subject.slots[index] ?? "" : (subject) => subject.slots[index];
  }

  /** What is defined may use names that are registered later, so its texts are compiled when it is first asked. */
  #lazily(config: VariableConfig): Variable {
    let made: Variable | null = null;
    return (subject) => {
      made ??= this.#fromConfig(config);
      if (this.#depth >= DEPTH_MAX) return undefined;
      this.#depth++;
      try {
        return made(subject);
      } finally {
        this.#depth--;
      }
    };
  }

  #kept(variable: Variable, slot: number | undefined, volatile: boolean): Variable {
    if (slot === undefined) return variable;
    if (volatile) return (subject) => subject.slots[slot] ?? variable(subject);
    return (subject) => {
      const kept = subject.slots[slot];
      if (kept !== undefined) return kept;
      const value = variable(subject);
      subject.slots[slot] = value;
      return value;
    };
  }

  #fromConfig(config: VariableConfig): Variable {
    const text = (source: string): CompiledText => this.#textOf(config.name, source);
    if (config.kind === "geo") return geoVariable(config, text);
    if (config.kind === "split") return splitVariable(config, text);
    const parts: MapParts = {
      text,
      matcher: (key) => {
        const matcher = this.matcher(key);
        return "problem" in matcher ? null : matcher;
      },
    };
    return mapVariable(config, parts);
  }

  #textOf(variable: string, source: string): CompiledText {
    const compiled = this.compile(source);
    if (!("unknown" in compiled)) return compiled;
    this.problems.push({ variable, problem: `unknown "${compiled.unknown}" variable` });
    return constantText("");
  }
}

const NO_FACTS: ProcessFacts = { pid: 0, hostname: "", nginxVersion: "" };

function capture(index: number): Variable {
  return ({ captures }: Subject) => (captures === null ? undefined : captures[index]);
}
