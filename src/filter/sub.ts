// sub_filter: replaces texts in a body. The leftmost match wins, of several at one place the one that the configuration
// has first; the case of ASCII letters does not count. What a match makes is not looked at again.
//
// Between two chunks only that is kept back which may yet become a match. At the end of the body it goes out as it is.
import { type BodyFilter, type ByteSink, NOWHERE } from "./filter.ts";

/** The patterns of a location, compiled. */
export interface SubPatterns {
  /** Lower case, none empty. */
  readonly texts: readonly string[];
  /** Of each the place of its pair in the configuration. */
  readonly pairs: readonly number[];
}

/** Patterns of rendered texts (byte text), one per pair; those that came out empty never match. */
export function subPatterns(texts: readonly string[]): SubPatterns {
  const pairs = texts.flatMap((text, pair) => (text === "" ? [] : [pair]));
  return { texts: pairs.map((pair) => lowerAscii(texts[pair]!)), pairs };
}

/** Replaces texts in a body. */
export class SubFilter implements BodyFilter {
  readonly #patterns: SubPatterns;
  readonly #once: boolean;
  readonly #replacement: (pair: number) => string;
  #next: ByteSink;
  readonly #replacements = new Map<number, string>();
  /** Patterns that still replace. */
  #active: number[];
  #search: RegExp | null;
  readonly #longest: number;
  #held = "";

  /** `replacement` renders the text of a pair; it is asked once for each that matches. */
  constructor(patterns: SubPatterns, once: boolean, replacement: (pair: number) => string, next: ByteSink) {
    this.#patterns = patterns;
    this.#once = once;
    this.#replacement = replacement;
    this.#next = next;
    this.#active = patterns.texts.map((_, index) => index);
    this.#longest = patterns.texts.reduce((most, { length }) => Math.max(most, length), 0);
    this.#search = this.#compile();
  }

  get pendingBytes(): number {
    return this.#held.length;
  }

  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (!this.#search) return this.#next.write(bytes);
    const heldLength = this.#held.length;
    const text = this.#held + bytes.toString("latin1");
    const changed: string[] = [];
    const rest = this.#replaceIn(text, changed);
    const keep = this.#search ? this.#firstPartial(text, rest) : text.length;
    this.#held = text.slice(keep);
    if (changed.length === 0 && keep >= heldLength) {
      // Nothing was replaced: the bytes go on as they came.
      if (heldLength > 0) this.#next.write(Buffer.from(text.slice(0, heldLength), "latin1"));
      if (keep > heldLength) this.#next.write(bytes.subarray(0, keep - heldLength));
      return;
    }
    changed.push(text.slice(rest, keep));
    const out = Buffer.from(changed.join(""), "latin1");
    if (out.length > 0) this.#next.write(out);
  }

  flush(): void {
    this.#next.flush();
  }

  end(): void {
    if (this.#held !== "") this.#next.write(Buffer.from(this.#held, "latin1"));
    this.#held = "";
    this.#next.end();
  }

  destroy(): void {
    this.#held = "";
    this.#next = NOWHERE;
  }

  /** Puts what goes out into `out`; returns where the part begins that has no match yet. */
  #replaceIn(text: string, out: string[]): number {
    let from = 0;
    while (this.#search) {
      this.#search.lastIndex = from;
      const match = this.#search.exec(text);
      if (!match) break;
      const which = this.#active[groupOf(match) - 1]!;
      if (this.#mayYetLose(match.index, which, text, from)) break;
      if (match.index > from) out.push(text.slice(from, match.index));
      out.push(this.#replacementOf(which));
      from = match.index + match[0].length;
      if (this.#once) {
        this.#active = this.#active.filter((index) => index !== which);
        this.#search = this.#compile();
      }
    }
    return from;
  }

  #replacementOf(which: number): string {
    const pair = this.#patterns.pairs[which]!;
    const known = this.#replacements.get(pair);
    if (known !== undefined) return known;
    const made = this.#replacement(pair);
    this.#replacements.set(pair, made);
    return made;
  }

  /** The first place at or behind `from` where the end of the text begins one of the patterns; the text's end if none. */
  #firstPartial(text: string, from: number): number {
    const { texts } = this.#patterns;
    const first = Math.max(from, text.length - this.#longest + 1);
    const tail = lowerAscii(text.slice(first));
    for (let at = 0; at < tail.length; at++) {
      if (this.#active.some((index) => isPartial(texts[index]!, tail, at))) return first + at;
    }
    return text.length;
  }

  /** Another pattern that began before the match, or stands before it at the same place, may become whole. */
  #mayYetLose(at: number, which: number, text: string, from: number): boolean {
    if (at + this.#longest <= text.length) return false;
    const partial = this.#firstPartial(text, from);
    if (partial !== at) return partial < at;
    const tail = lowerAscii(text.slice(at));
    return this.#active.some((index) => index < which && isPartial(this.#patterns.texts[index]!, tail, 0));
  }

  /** A group per pattern, in the order of the configuration; null = none is left. */
  #compile(): RegExp | null {
    if (this.#active.length === 0) return null;
    return new RegExp(this.#active.map((index) => `(${caselessSource(this.#patterns.texts[index]!)})`).join("|"), "g");
  }
}

/** The group that matched; a loop, since a body can be nothing but matches. */
function groupOf(match: RegExpExecArray): number {
  let group = 1;
  while (match[group] === undefined) group++;
  return group;
}

function isPartial(pattern: string, tail: string, at: number): boolean {
  return pattern.length > tail.length - at && pattern.startsWith(tail.slice(at));
}

/** The flag "i" would fold letters beyond ASCII, too, which here are bytes of other characters. */
function caselessSource(text: string): string {
  return text.replace(/[\s\S]/g, (char) => {
    if (/[a-z]/.test(char)) return `[${char}${char.toUpperCase()}]`;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
