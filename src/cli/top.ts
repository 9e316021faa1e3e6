// goodgate top: how the gateway is, live in the terminal, from the console's API. --once (and whatever is no terminal)
// prints one picture and ends; with --json the state as one document. Exit codes: 0 fine, 2 wrong usage or no gateway.
import type { ActionResult, EndpointAction, Now } from "../console/model.ts";
import { printable } from "../wire/printable.ts";
import { ConsoleClient, consolePlace } from "./ask-console.ts";
import { coloured, columns, print } from "./terminal.ts";
import { Screen } from "./top-screen.ts";
import { BEGIN, type Deed, keysIn, pressed, type TopState, told } from "./top-state.ts";
import { topLines } from "./top-view.ts";

const EXIT_FINE = 0;
const EXIT_USAGE = 2;
const AGAIN_AFTER_MS = 1_000;
/** Times that pass are shown, too, while nothing is told. */
const REDRAW_MS = 1_000;

export interface TopOptions {
  readonly console?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Runs the command; resolves with the exit code. */
export async function topCommand(options: TopOptions): Promise<number> {
  const place = consolePlace(options.console);
  if (typeof place === "string") return complain(place);
  const client = new ConsoleClient(place);
  let first: Now;
  try {
    first = await client.get<Now>("/now");
  } catch (error) {
    return complain((error as Error).message);
  }
  if (options.json) {
    await print(`${JSON.stringify(first, null, 2)}\n`);
    return EXIT_FINE;
  }
  if (options.once || !process.stdout.isTTY || !process.stdin.isTTY) {
    const look = { colour: coloured(), columns: columns(), rows: null, now: Date.now() };
    const upstreams = topLines(told(BEGIN, first, Date.now()), look);
    const incidents = topLines({ ...told(BEGIN, first, Date.now()), view: "incidents" }, look);
    const behind = first.incidents.length > 0 ? ["", ...incidents.slice(headLength(upstreams))] : [];
    await print(`${[...upstreams, ...behind].join("\n")}\n`);
    return EXIT_FINE;
  }
  await new Top(client, first).run();
  return EXIT_FINE;
}

/** The head ends with the first empty line. */
const headLength = (lines: readonly string[]): number => lines.indexOf("") + 1;

class Top {
  readonly #client: ConsoleClient;
  readonly #screen: Screen;
  readonly #abort = new AbortController();
  #state: TopState;

  constructor(client: ConsoleClient, first: Now) {
    this.#client = client;
    this.#state = told(BEGIN, first, Date.now());
    this.#screen = new Screen({
      onInput: (text) => this.#typed(text),
      onResize: () => this.#draw(),
      onEnd: () => this.#abort.abort(),
    });
  }

  /** Until somebody leaves. */
  async run(): Promise<void> {
    this.#screen.enter();
    const redraw = setInterval(() => this.#draw(), REDRAW_MS);
    try {
      this.#draw();
      const { signal } = this.#abort;
      while (!signal.aborted) await this.#follow(signal);
    } finally {
      clearInterval(redraw);
      this.#screen.leave();
    }
  }

  /** Takes what is told, until the stream ends; then waits a moment. */
  async #follow(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.events(
        "/live",
        (event, data) => {
          if (event !== "now") return;
          this.#state = told(this.#state, data as Now, Date.now());
          this.#draw();
        },
        signal,
      );
      this.#state = { ...this.#state, problem: "the gateway has ended the stream" };
    } catch (error) {
      if (signal.aborted) return;
      this.#state = { ...this.#state, problem: (error as Error).message };
    }
    this.#draw();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, AGAIN_AFTER_MS);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #typed(text: string): void {
    for (const key of keysIn(text)) {
      const [state, deed] = pressed(this.#state, key);
      this.#state = state;
      this.#do(deed);
      if (this.#abort.signal.aborted) return;
    }
    this.#draw();
  }

  #do(deed: Deed): void {
    if (deed === null) return;
    if (deed === "quit") this.#abort.abort();
    else if (deed === "suspend") this.#screen.suspend();
    else void this.#act(deed);
  }

  async #act({ do: what, upstream, endpoint }: EndpointAction): Promise<void> {
    const path = `/upstreams/${encodeURIComponent(upstream)}/endpoints/${encodeURIComponent(endpoint)}`;
    try {
      const { said } = await this.#client.post<ActionResult>(path, { do: what });
      this.#state = { ...this.#state, message: said };
    } catch (error) {
      this.#state = { ...this.#state, message: (error as Error).message };
    }
    this.#draw();
  }

  #draw(): void {
    const { columns: width, rows } = this.#screen.size;
    this.#screen.draw(topLines(this.#state, { colour: coloured(), columns: width, rows, now: Date.now() }));
  }
}

function complain(problem: string): number {
  process.stderr.write(`goodgate top: ${printable(problem)}\n`);
  return EXIT_USAGE;
}
