// Compiles texts and patterns of a configuration for requests of virtual servers.
import { compilePattern } from "../../config/pcre.ts";
import type { Pattern, Text } from "../../config/servers.ts";
import type { CompiledText } from "../../variables/subject.ts";
import type { VariableTable } from "../../variables/table.ts";
import type { ServerRequest } from "./request.ts";

export class Compiler {
  readonly table: VariableTable;
  /** By what is written: a configuration has a bounded number of them. */
  readonly #texts = new Map<Text, CompiledText>();

  constructor(table: VariableTable) {
    this.table = table;
  }

  /** Throws where a variable is not known: whoever made the configuration has checked it. */
  text(text: Text): CompiledText {
    let known = this.#texts.get(text);
    if (!known) {
      known = this.#compile(text);
      this.#texts.set(text, known);
    }
    return known;
  }

  #compile(text: Text): CompiledText {
    const compiled = this.table.compile(text);
    if ("unknown" in compiled) throw new Error(`unknown "${compiled.unknown}" variable in "${text}"`);
    return compiled;
  }

  /** Matches a text against a pattern; captures, and groups with names, become variables. */
  pattern(pattern: Pattern): (request: ServerRequest, text: string) => boolean {
    const compiled = compilePattern(pattern);
    if ("problem" in compiled) throw new Error(`pattern "${pattern.source}": ${compiled.problem}`);
    const { regex } = compiled;
    const keep = this.captureKeeper(compiled.names);
    return (request, text) => {
      const match = regex.exec(text);
      if (match === null) return false;
      keep(request, match);
      return true;
    };
  }

  /** Keeps what a pattern has captured. */
  captureKeeper(names: readonly string[]): (request: ServerRequest, match: RegExpExecArray) => void {
    const slots = names.map((name) => ({ name, slot: this.table.slot(name) }));
    return (request, match) => {
      const { subject } = request;
      subject.captures = match;
      for (const { name, slot } of slots) subject.slots[slot] = match.groups?.[name];
    };
  }

  /** Gives a variable its value. Some of ours may be set: $limit_rate, $args, $host is not among them. */
  assign(name: string): (request: ServerRequest, value: string) => void {
    if (name === "limit_rate") {
      return (request, value) => {
        request.limitRate = value;
      };
    }
    if (name === "args") {
      return (request, value) => {
        request.args = value;
        request.asReceived = false;
      };
    }
    const slot = this.table.slot(name);
    return (request, value) => {
      request.subject.slots[slot] = value;
    };
  }
}
