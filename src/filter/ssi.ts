// Server side includes. Text goes on as it comes, commands run in their order. Includes are asked for at once and put
// in where they stand when they have come; one with "wait" or "set" stops the reading until it is there. Variables,
// captures and blocks belong to the whole request, its subrequests included; conditions and settings to one document.
//
// As in nginx conditions do not nest, a block may hold them, and a stub is a block that the subrequest answers with
// when it has nothing of its own to say.
import { formatTime, SSI_TIME } from "../std/strftime.ts";
import type { BodyFilter, ByteSink, FilterEvents, Place } from "./filter.ts";
import { OrderedOutput } from "./ordered-output.ts";
import { commandOf, type ParamsOf } from "./ssi-commands.ts";
import { SsiParser, type SsiPart } from "./ssi-parser.ts";
import { type Encoding, encodeValue, evaluateText, parseExpression } from "./ssi-text.ts";

const ERROR_MESSAGE = "[an error occurred while processing the directive]";

/** What the documents of one request share. */
export interface SsiShared {
  /** Lower case. */
  readonly variables: Map<string, string>;
  readonly blocks: Map<string, string>;
  captures: readonly (string | undefined)[];
}

export function newSsiShared(): SsiShared {
  return { variables: new Map(), blocks: new Map(), captures: [] };
}

export interface SsiInclude {
  /** Path with arguments, not yet unescaped or checked; relative ones are completed. */
  readonly target: string;
  /** The document goes no further before it is there. */
  readonly wait: boolean;
  /** It is not shown. */
  readonly set: boolean;
  /** The body of the subrequest where it makes none and fails without an answer of an upstream; passes its filters. */
  readonly stub: Buffer | null;
}

/** What a document asks of the request that it is in. All texts are byte text. */
export interface SsiHost {
  /** Path of the document. */
  readonly uri: string;
  /** A variable of the request (lower case); undefined = not found. */
  variable(name: string): string | undefined;
  /** Asks for what goes to a place; false = there can be no such subrequest: an unsafe path, or too many. */
  include(what: SsiInclude, place: Place): boolean;
  /** The groups of a match and the named ones; null = none; { problem } = no regular expression. */
  match(
    pattern: string,
    text: string,
  ):
    | {
        readonly captures: readonly (string | undefined)[];
        readonly names: Readonly<Record<string, string | undefined>>;
      }
    | { readonly problem: string }
    | null;
  wallNowMs(): number;
  /** An error of the document, for the log. */
  log(problem: string): void;
}

export interface SsiRules {
  readonly silentErrors: boolean;
  readonly valueBytesMax: number;
}

/** What a command leads to: null = done, else an error that is logged and shown. */
type Outcome = null | { readonly problem: string };

/** Runs the commands of a document. */
export class SsiFilter implements BodyFilter {
  readonly #rules: SsiRules;
  readonly #host: SsiHost;
  readonly #shared: SsiShared;
  readonly #events: FilterEvents;
  readonly #parser: SsiParser;
  readonly #output: OrderedOutput;
  /** Input that waits for an include. */
  #waiting: (Buffer | "flush" | "end")[] = [];
  #waitingBytes = 0;
  #rest: Iterator<SsiPart, void> | null = null;
  #isWaiting = false;
  #working = false;
  #destroyed = false;
  #shows = true;
  /** "if" or "elif" came, then "else". */
  #condition: "none" | "if" | "else" = "none";
  #chosen = false;
  /** The block that is being read. */
  #block: { readonly name: string; text: string } | null = null;
  #encoding: Encoding = "entity";
  #errorMessage = ERROR_MESSAGE;
  #timeFormat = SSI_TIME;

  constructor(rules: SsiRules, host: SsiHost, shared: SsiShared, next: ByteSink, events: FilterEvents) {
    this.#rules = rules;
    this.#host = host;
    this.#shared = shared;
    this.#events = events;
    this.#parser = new SsiParser(rules.valueBytesMax);
    this.#output = new OrderedOutput(next, events);
  }

  get pendingBytes(): number {
    return this.#output.pendingBytes + this.#waitingBytes + this.#parser.heldBytes;
  }

  write(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#work();
  }

  flush(): void {
    this.#waiting.push("flush");
    this.#work();
  }

  end(): void {
    this.#waiting.push("end");
    this.#work();
  }

  destroy(): void {
    this.#destroyed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#rest = null;
    this.#output.destroy();
  }

  #work(): void {
    // An answer that is there at once may come within what asked for it.
    if (this.#working) return;
    this.#working = true;
    this.#workOn();
    this.#working = false;
  }

  #workOn(): void {
    while (!this.#isWaiting && !this.#destroyed) {
      const step = this.#rest?.next();
      if (step && !step.done) {
        this.#handle(step.value);
        continue;
      }
      this.#rest = null;
      const piece = this.#waiting.shift();
      if (piece === undefined) return;
      if (piece instanceof Buffer) {
        this.#waitingBytes -= piece.length;
        this.#rest = this.#parser.feed(piece.toString("latin1"));
        continue;
      }
      if (piece === "end") this.#emit(this.#parser.end());
      this.#output.put(piece);
    }
  }

  #handle(part: SsiPart): void {
    if (part.kind === "text") return this.#emit(part.text);
    const outcome = part.kind === "error" ? part : this.#run(part);
    if (outcome === null) return;
    this.#host.log(outcome.problem);
    if (!this.#rules.silentErrors) this.#output.put(Buffer.from(this.#errorMessage, "latin1"));
  }

  /** Text of the document: it is shown, kept for the block it is in, or neither. */
  #emit(text: string): void {
    if (this.#shows) this.#show(text);
    else if (this.#block) this.#block.text += text;
  }

  #show(text: string): void {
    if (text !== "") this.#output.put(Buffer.from(text, "latin1"));
  }

  #run(part: Extract<SsiPart, { kind: "command" }>): Outcome {
    const command = commandOf(part.name);
    if (!command) return this.#shows ? { problem: `invalid SSI command: "${part.name}"` } : null;
    if (!this.#shows && command.name !== "endblock") {
      if (this.#block) {
        this.#block.text += textOf(part);
        return null;
      }
      if (command.after === null) return null;
    }
    if (command.after !== null && !command.after.includes(this.#condition)) {
      return { problem: `invalid context of SSI command: "${part.name}"` };
    }
    const read = command.read(part.params);
    return "problem" in read ? read : this.#execute(command.name, read.params);
  }

  #execute(name: string, params: ParamsOf): Outcome {
    switch (name) {
      case "include":
        return this.#include(params);
      case "echo":
        return this.#echo(params);
      case "set":
        return this.#set(params["var"]!, params["value"]!);
      case "config":
        this.#timeFormat = params["timefmt"] ?? this.#timeFormat;
        this.#errorMessage = params["errmsg"] ?? this.#errorMessage;
        return null;
      case "if":
        if (this.#condition !== "none") return { problem: 'the "if" command inside the "if" command' };
        return this.#decide(params["expr"]!);
      case "elif":
        return this.#decide(params["expr"]!);
      case "else":
        this.#shows = !this.#chosen;
        this.#condition = "else";
        return null;
      case "endif":
        this.#shows = true;
        this.#chosen = false;
        this.#condition = "none";
        return null;
      case "block":
        this.#block = { name: params["name"]!, text: "" };
        this.#shows = false;
        return null;
      default:
        // Of two blocks of a name the first holds.
        if (this.#block && !this.#shared.blocks.has(this.#block.name)) {
          this.#shared.blocks.set(this.#block.name, this.#block.text);
        }
        this.#block = null;
        this.#shows = true;
        return null;
    }
  }

  #include(params: ParamsOf): Outcome {
    const { virtual, file, wait, set, stub } = params;
    const path = virtual ?? file;
    if (virtual !== undefined && file !== undefined) {
      return { problem: `inclusion may be either virtual="${virtual}" or file="${file}"` };
    }
    if (path === undefined) return { problem: 'no parameter in "include" SSI command' };
    if (set !== undefined && stub !== undefined) {
      return { problem: '"set" and "stub" cannot be used together in "include" SSI command' };
    }
    if (wait !== undefined && virtual === undefined) return { problem: `"wait" cannot be used with file="${file}"` };
    if (wait !== undefined && !/^(?:yes|no)$/i.test(wait)) {
      return { problem: `invalid value "${wait}" in the "wait" parameter` };
    }
    const target = this.#evaluate(path);
    if (typeof target !== "string") return target;
    const block = stub === undefined ? null : this.#shared.blocks.get(stub);
    if (block === undefined) return { problem: `"stub"="${stub}" for "include" not found` };
    const waits = virtual === undefined || wait?.toLowerCase() === "yes" || set !== undefined;
    const what = {
      target: target.startsWith("/") ? target : this.#host.uri.replace(/[^/]*$/, "") + target,
      wait: waits,
      set: set !== undefined,
      stub: block === null ? null : Buffer.from(block, "latin1"),
    };
    // It may be there at once.
    this.#isWaiting = waits;
    const place =
      set === undefined ? this.#output.later(waits ? () => this.#goOn() : undefined) : this.#placeOf(set.toLowerCase());
    if (this.#host.include(what, place)) return null;
    this.#isWaiting = false;
    if (set === undefined) place.end(0);
    return { problem: `the "${target}" in the "include" SSI command cannot be asked for` };
  }

  #goOn(): void {
    this.#isWaiting = false;
    // Within the reading of a document it goes on by itself.
    if (this.#working) return;
    this.#work();
    if (!this.#destroyed) this.#events.onProgress();
  }

  /** Where the value of a variable goes. */
  #placeOf(name: string): Place {
    const parts: Buffer[] = [];
    this.#shared.variables.set(name, "");
    return {
      full: false,
      write: (bytes) => parts.push(bytes),
      end: (status) => {
        if (status < 300) this.#shared.variables.set(name, Buffer.concat(parts).toString("latin1"));
        this.#goOn();
      },
      fail: (error) => {
        if (this.#destroyed) return;
        this.destroy();
        this.#events.onError(error);
      },
    };
  }

  #echo(params: ParamsOf): Outcome {
    const value = this.#variable(params["var"]!.toLowerCase()) ?? params["default"] ?? "(none)";
    if (value === "") return null;
    const { encoding } = params;
    if (encoding === "none" || encoding === "url" || encoding === "entity") this.#encoding = encoding;
    else if (encoding !== undefined) this.#host.log(`unknown encoding "${encoding}" in the "echo" command`);
    this.#show(encodeValue(value, this.#encoding));
    return null;
  }

  #set(name: string, text: string): Outcome {
    const value = this.#evaluate(text);
    if (typeof value !== "string") return value;
    this.#shared.variables.set(name.toLowerCase(), value);
    return null;
  }

  #decide(text: string): Outcome {
    if (this.#chosen) {
      this.#shows = false;
      return null;
    }
    const expression = parseExpression(text);
    if (!expression) return { problem: `invalid expression in "${text}"` };
    const left = this.#evaluate(expression.left);
    if (typeof left !== "string") return left;
    let holds = left !== "";
    if (expression.kind !== "set") {
      const right = this.#evaluate(expression.right);
      if (typeof right !== "string") return right;
      const fits = expression.kind === "equals" ? left === right : this.#matches(right, left);
      if (typeof fits !== "boolean") return fits;
      holds = fits !== expression.not;
    }
    this.#shows = holds;
    this.#chosen = holds;
    this.#condition = "if";
    return null;
  }

  #matches(pattern: string, text: string): boolean | { readonly problem: string } {
    const match = this.#host.match(pattern, text);
    if (!match) return false;
    if ("problem" in match) return match;
    this.#shared.captures = match.captures;
    for (const [name, value] of Object.entries(match.names)) {
      this.#shared.variables.set(name.toLowerCase(), value ?? "");
    }
    return true;
  }

  #evaluate(text: string): string | { readonly problem: string } {
    return evaluateText(text, (name) => this.#variable(name));
  }

  /** The document's own before the request's. */
  #variable(name: string): string | undefined {
    const { variables, captures } = this.#shared;
    if (/^\d$/.test(name) && Number(name) < captures.length) return captures[Number(name)] ?? "";
    const own = variables.get(name);
    if (own !== undefined) return own;
    if (name === "date_gmt" || name === "date_local") {
      return formatTime(this.#timeFormat, this.#host.wallNowMs(), name === "date_gmt" ? "gmt" : "local");
    }
    return this.#host.variable(name);
  }
}

/** The command as it is kept in a block. */
function textOf({ name, params }: Extract<SsiPart, { kind: "command" }>): string {
  return `<!--#${name}${params.map((param) => ` ${param.name}="${param.value}"`).join("")} -->`;
}
