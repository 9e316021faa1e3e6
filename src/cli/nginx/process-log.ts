// The error log of the process itself, by the `error_log` of the main context. It takes what nginx logs of signals and
// workers, and what Goodgate's own log has to say.
import { isDeepStrictEqual } from "node:util";
import type { ErrorLevel, ErrorLogConfig } from "../../config/servers.ts";
import { type ErrorLog, ErrorLogs } from "../../observe/error-log.ts";
import { log as ownLog, setLogSink } from "../../std/log.ts";
import type { StartLog } from "./start-log.ts";

const LEVELS: Readonly<Record<string, ErrorLevel>> = { info: "notice", warn: "warn", error: "error" };

export class ProcessLog {
  #configs: readonly ErrorLogConfig[];
  #logs: ErrorLogs;
  #log: ErrorLog;

  /** Throws where a log cannot be opened. */
  constructor(configs: readonly ErrorLogConfig[]) {
    this.#configs = configs;
    this.#logs = new ErrorLogs(complainOnStderr);
    this.#log = this.#logs.open(configs);
    setLogSink(this.take);
  }

  /** A line of Goodgate's own log. */
  readonly take = (line: string): void => {
    const [, level = "", text = ""] = /^\S+ (\w+) +([\s\S]*?)\n?$/.exec(line) ?? [];
    this.log(LEVELS[level] ?? "error", text);
  };

  log(level: ErrorLevel, text: string): void {
    this.#log.log(level, text, null);
  }

  /** Another configuration: files are opened anew. Where one cannot be, the old ones stay and the error is thrown. */
  async use(configs: readonly ErrorLogConfig[]): Promise<void> {
    if (isDeepStrictEqual(configs, this.#configs)) return this.reopen();
    // What was said before stands before what is said now, though it may be in the same file.
    await this.#logs.flush();
    const logs = new ErrorLogs(complainOnStderr);
    const log = logs.open(configs);
    const old = this.#logs;
    this.#configs = configs;
    this.#logs = logs;
    this.#log = log;
    void old.close();
  }

  /** For what is told as at the start: no terminal takes part any more. */
  get forProblems(): StartLog {
    return { log: (level, text) => this.log(level, text), tell: (text) => this.log("notice", text) };
  }

  reopen(): Promise<void> {
    return this.#logs.reopen();
  }

  flushSync(): void {
    this.#logs.flushSync();
  }

  close(): Promise<void> {
    return this.#logs.close();
  }
}

/** Says why a process dies, which in the background nobody sees on standard error. */
export function tellLastError(written: () => void): void {
  process.on("uncaughtExceptionMonitor", (error) => {
    ownLog.error(`internal error: ${error.stack ?? error.message}`);
    written();
  });
}

/** The error log cannot say that it cannot be written. */
function complainOnStderr(message: string): void {
  process.stderr.write(`nginx: [alert] ${message}\n`);
}
