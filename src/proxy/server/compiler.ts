// Compiles texts and patterns of a configuration for requests of virtual servers.
import { capturesOf } from "../../config/pcre.ts";
import type { Pattern, Text } from "../../config/servers.ts";
import type { PatternMatch } from "../../routing/pattern.ts";
import type { CompiledText } from "../../variables/subject.ts";
import type { VariableTable } from "../../variables/table.ts";
import { bytesPerSecond } from "./rates.ts";
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
    const matcher = this.table.matcher(pattern);
    if ("problem" in matcher) throw new Error(`pattern "${pattern.source}": ${matcher.problem}`);
    return (request, text) => matcher.match(request.subject, text);
  }

  /** Keeps what the patterns that led to a place have captured, those further out first. */
  keepCaptures(request: ServerRequest, { captures, pattern, outer }: PatternMatch): void {
    if (outer) this.keepCaptures(request, outer);
    const { subject } = request;
    const groups = capturesOf(pattern, captures);
    subject.captures = groups;
    for (const [index, name] of pattern.names.entries()) {
      subject.slots[this.table.slot(name, "not-found")] = groups[pattern.nameGroups[index]!] ?? "";
    }
  }

  /** Gives a variable its value. Some of ours may be set: $limit_rate, $args, $host is not among them. */
  assign(name: string): (request: ServerRequest, value: string) => void {
    if (name === "limit_rate") {
      return (request, value) => {
        if (bytesPerSecond(value) === null) request.log("error", `invalid $limit_rate "${value}"`);
        else request.limitRate = value;
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
