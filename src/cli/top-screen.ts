// The terminal of `goodgate top`: the alternate screen, raw keys, and one write per frame. Whatever ends the program, the
// terminal is as it was before. A terminal that takes nothing (Ctrl-S, a slow line) loses frames, and nothing grows.

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/** Terminals that know it show the frame at once; the others pass over it. */
const BEGIN_FRAME = "\x1b[?2026h\x1b[H";
const END_FRAME = "\x1b[J\x1b[?2026l";
const END_OF_LINE = "\x1b[K";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const STANDARD = { columns: 80, rows: 24 };

export interface ScreenEvents {
  /** What was typed. */
  onInput(text: string): void;
  onResize(): void;
  /** Somebody ends the program. */
  onEnd(): void;
}

export class Screen {
  readonly #events: ScreenEvents;
  #inUse = false;
  #last = "";

  constructor(events: ScreenEvents) {
    this.#events = events;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = process.stdout;
    return { columns: columns || STANDARD.columns, rows: rows || STANDARD.rows };
  }

  enter(): void {
    process.on("exit", this.#restore);
    process.on("SIGCONT", this.#again);
    for (const signal of SIGNALS) process.on(signal, this.#ended);
    process.stdout.on("resize", this.#resized);
    process.stdin.on("data", this.#typed);
    process.stdin.on("end", this.#ended);
    this.#take();
  }

  /** Gives the terminal back. */
  leave(): void {
    this.#restore();
    process.off("exit", this.#restore);
    process.off("SIGCONT", this.#again);
    for (const signal of SIGNALS) process.off(signal, this.#ended);
    process.stdout.off("resize", this.#resized);
    process.stdin.off("data", this.#typed);
    process.stdin.off("end", this.#ended);
    process.stdin.pause();
  }

  /** To the shell, until it says go on. */
  suspend(): void {
    this.#restore();
    process.kill(process.pid, "SIGSTOP");
  }

  /** Shows the lines; those that are shown already are not written again. */
  draw(lines: readonly string[]): void {
    if (!this.#inUse || process.stdout.writableLength > 0) return;
    const frame = lines.map((line) => line + END_OF_LINE).join("\r\n");
    if (frame === this.#last) return;
    this.#last = frame;
    process.stdout.write(BEGIN_FRAME + frame + END_FRAME);
  }

  #take(): void {
    this.#inUse = true;
    this.#last = "";
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write(ENTER);
  }

  readonly #restore = (): void => {
    if (!this.#inUse) return;
    this.#inUse = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdout.write(LEAVE);
  };

  readonly #again = (): void => {
    if (!this.#inUse) this.#take();
    this.#events.onResize();
  };

  readonly #ended = (): void => this.#events.onEnd();

  readonly #resized = (): void => {
    this.#last = "";
    this.#events.onResize();
  };

  readonly #typed = (bytes: Buffer): void => this.#events.onInput(bytes.toString("utf8"));
}
