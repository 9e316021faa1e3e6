// Finds SSI commands, "<!--#name parameter="value" … -->", in a text that comes in pieces. It follows nginx's state
// machine, with its bounds and with what it takes for an error. Texts are byte text. Of a piece only what may be the
// beginning of a command, or is within one, is kept.
const OPENING = "<!--#";
const NAME_MAX = 32;

/** A part of a document. */
export type SsiPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "command"; readonly name: string; readonly params: readonly SsiParam[] }
  /** A command that cannot be read; `problem` is for the log. */
  | { readonly kind: "error"; readonly problem: string };

export interface SsiParam {
  readonly name: string;
  readonly value: string;
}

type State =
  | "text"
  | "before-name"
  | "name"
  | "before-param"
  | "param"
  | "before-equals"
  | "before-value"
  | "value"
  | "escape"
  | "behind-value"
  | "closing-1"
  | "closing-2"
  | "error"
  | "error-closing-1"
  | "error-closing-2";

/** Reads a document piece by piece. */
export class SsiParser {
  readonly #valueMax: number;
  #state: State = "text";
  /** Of the text: a beginning of OPENING. */
  #held = "";
  #name = "";
  #params: { name: string; value: string }[] = [];
  #quote = "";
  #problem = "";

  constructor(valueBytesMax: number) {
    this.#valueMax = valueBytesMax;
  }

  /** Bytes that are kept for the time being. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** The parts that this piece completes. */
  *feed(piece: string): Generator<SsiPart, void> {
    let at = 0;
    while (at < piece.length) {
      if (this.#state !== "text") {
        const part = this.#step(piece[at]!);
        at += 1;
        if (part) yield part;
        continue;
      }
      const text = this.#held + piece.slice(at);
      this.#held = "";
      const found = text.indexOf(OPENING);
      const end = found < 0 ? text.length - partialLength(text) : found;
      if (end > 0) yield { kind: "text", text: text.slice(0, end) };
      if (found < 0) {
        this.#held = text.slice(end);
        return;
      }
      at = piece.length - (text.length - found - OPENING.length);
      this.#state = "before-name";
      this.#params = [];
    }
  }

  /** What was kept and is text after all (nginx would lose it); a command without its end is dropped. */
  end(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  #step(char: string): SsiPart | null {
    const space = char === " " || char === "\r" || char === "\n" || char === "\t";
    switch (this.#state) {
      case "before-name":
        if (!space) this.#beginName(char);
        return null;
      case "name":
        if (space) this.#state = "before-param";
        else if (char === "-") this.#state = "closing-1";
        else if (this.#name.length === NAME_MAX) this.#fail(char, "the SSI command is too long");
        else this.#name += char;
        return null;
      case "before-param":
        if (char === "-") this.#state = "closing-1";
        else if (!space) this.#beginParam(char);
        return null;
      case "param":
        if (space) this.#state = "before-equals";
        else if (char === "=") this.#state = "before-value";
        else if (char === "-") this.#unexpected(char, "after a parameter");
        else if (this.#param.name.length === NAME_MAX) this.#fail(char, "too long parameter");
        else this.#param.name += char;
        return null;
      case "before-equals":
        if (char === "=") this.#state = "before-value";
        else if (!space) this.#unexpected(char, "after a parameter");
        return null;
      case "before-value":
        if (char === '"' || char === "'") {
          this.#quote = char;
          this.#state = "value";
        } else if (!space) this.#unexpected(char, "before a value");
        return null;
      default:
        return this.#stepBehind(char, space);
    }
  }

  #stepBehind(char: string, space: boolean): SsiPart | null {
    switch (this.#state) {
      case "value":
        if (char === this.#quote) this.#state = "behind-value";
        else if (this.#append(char) && char === "\\") this.#state = "escape";
        return null;
      case "escape":
        this.#state = "value";
        this.#append(char);
        return null;
      case "behind-value":
        if (space) this.#state = "before-param";
        else if (char === "-") this.#state = "closing-1";
        else this.#fail("", `unexpected "${char}" symbol after a value`);
        return null;
      case "closing-1":
        if (char === "-") this.#state = "closing-2";
        else this.#fail("", `unexpected "${char}" symbol`);
        return null;
      case "closing-2":
        if (char !== ">") {
          this.#fail("", `unexpected "${char}" symbol`);
          return null;
        }
        this.#state = "text";
        return { kind: "command", name: this.#name, params: this.#params };
      case "error":
        if (char === "-") this.#state = "error-closing-1";
        return null;
      case "error-closing-1":
        this.#state = char === "-" ? "error-closing-2" : "error";
        return null;
      default:
        this.#state = char === ">" ? "text" : "error";
        return char === ">" ? { kind: "error", problem: this.#problem } : null;
    }
  }

  get #param(): { name: string; value: string } {
    return this.#params.at(-1)!;
  }

  #beginName(char: string): void {
    this.#name = char;
    this.#state = "name";
  }

  #beginParam(char: string): void {
    this.#params.push({ name: char, value: "" });
    this.#state = "param";
  }

  #append(char: string): boolean {
    if (this.#param.value.length >= this.#valueMax) {
      this.#fail("", `too long value of "${this.#param.name}" parameter`);
      return false;
    }
    this.#param.value += char;
    return true;
  }

  /** A "-" may already be the first of the closing ones. */
  #unexpected(char: string, where: string): void {
    this.#fail(char, `unexpected "${char}" symbol ${where}`);
  }

  #fail(char: string, problem: string): void {
    this.#problem = `${problem} in "${this.#name}" SSI command`;
    this.#state = char === "-" ? "error-closing-1" : "error";
  }
}

/** How much of the text's end may be the beginning of OPENING. */
function partialLength(text: string): number {
  for (let length = Math.min(OPENING.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(OPENING.slice(0, length))) return length;
  }
  return 0;
}
