// The logs of virtual servers in one generation of the configuration: opened as locations name them, closed together.
import type { AccessLogConfig, ErrorLogConfig } from "../config/servers.ts";
import { type ErrorLog, ErrorLogs } from "./error-log.ts";
import { type AccessLog, AccessLogs } from "./format-log.ts";

export class ServerLogs {
  readonly #access: AccessLogs;
  readonly #errors: ErrorLogs;

  /** `report` is told what keeps a log from being written; `onDrop` how many lines were lost. */
  constructor(report: (message: string) => void, onDrop: (lines: number) => void) {
    this.#access = new AccessLogs(report, onDrop);
    this.#errors = new ErrorLogs(report);
  }

  /** Opens an access log; throws an Error that says why it cannot be. */
  access(config: AccessLogConfig): AccessLog {
    return this.#access.open(config);
  }

  /** Opens the error logs of a location; throws an Error that says why one cannot be. */
  error(configs: readonly ErrorLogConfig[]): ErrorLog {
    return this.#errors.open(configs);
  }

  async reopen(): Promise<void> {
    await Promise.all([this.#access.reopen(), this.#errors.reopen()]);
  }

  async flush(): Promise<void> {
    await Promise.all([this.#access.flush(), this.#errors.flush()]);
  }

  flushSync(): void {
    this.#access.flushSync();
    this.#errors.flushSync();
  }

  async close(): Promise<void> {
    await Promise.all([this.#access.close(), this.#errors.close()]);
  }
}
