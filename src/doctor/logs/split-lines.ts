// Bytes to lines: decoded as they come, split at LF (a CR before it falls away), cut where they have no end. Lines are
// counted from 1, whatever was cut.
import type { TextEncoding } from "./encoding.ts";

/** Longer lines are cut; in UTF-16 units. */
export const LINE_MAX = 64 * 1024;

export type TakeLine = (line: string, number: number) => void;

/** Takes pieces of a file in order. */
export class LineSplitter {
  readonly #take: TakeLine;
  readonly #decoder: InstanceType<typeof TextDecoder>;
  #rest = "";
  /** Within a line that is too long: its end is looked for. */
  #skipping = false;
  lines = 0;
  /** Lines that were cut. */
  cut = 0;

  constructor(encoding: TextEncoding, take: TakeLine) {
    this.#take = take;
    this.#decoder = new TextDecoder(encoding === "latin1" ? "windows-1252" : encoding, { ignoreBOM: false });
  }

  push(bytes: Uint8Array): void {
    this.#add(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Drops what was left of a line: the next bytes are from elsewhere. */
  breakOff(): void {
    this.#decoder.decode();
    this.#rest = "";
    this.#skipping = false;
  }

  /** The last line, where no line end follows it. */
  end(): void {
    this.#add(this.#decoder.decode());
    if (this.#rest !== "" && !this.#skipping) this.#line(this.#rest);
    this.#rest = "";
    this.#skipping = false;
  }

  /** Skips to the end of a line of which the beginning is missing. */
  skipToLineEnd(): void {
    this.#skipping = true;
  }

  #add(decoded: string): void {
    // Holes of a log that was truncated while it was written.
    const piece = decoded.includes("\0") ? decoded.replaceAll("\0", "") : decoded;
    const text = this.#rest === "" ? piece : this.#rest + piece;
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      if (this.#skipping) this.#skipping = false;
      else this.#line(text.slice(start, text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end));
      start = end + 1;
    }
    this.#rest = this.#skipping ? "" : text.slice(start);
    if (this.#rest.length <= LINE_MAX) return;
    this.#line(this.#rest);
    this.#rest = "";
    this.#skipping = true;
  }

  #line(line: string): void {
    this.lines++;
    if (line.length > LINE_MAX) this.cut++;
    this.#take(line.length > LINE_MAX ? line.slice(0, LINE_MAX) : line, this.lines);
  }
}
