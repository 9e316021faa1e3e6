// The logs of virtual servers: one object for one configuration, which opens them when it is put together and closes
// them when nothing runs under it any more. What keeps a log from being written goes to the program's own log.
import { log } from "../std/log.ts";
import { ErrorLogs } from "./error-log.ts";
import { AccessLogs } from "./format-log.ts";

export class ServerLogs {
  readonly access: AccessLogs;
  readonly errors: ErrorLogs;

  /** `onDrop` is told of lines of access logs that were lost. */
  constructor(onDrop: (lines: number) => void = () => {}, report: (message: string) => void = log.error) {
    this.access = new AccessLogs(report, onDrop);
    this.errors = new ErrorLogs(report);
  }

  /** Opens files anew, after they were renamed. */
  async reopen(): Promise<void> {
    await Promise.all([this.access.reopen(), this.errors.reopen()]);
  }

  /** Writes what waits, at once; for the end of the process. */
  flushSync(): void {
    this.access.flushSync();
    this.errors.flushSync();
  }

  async close(): Promise<void> {
    await Promise.all([this.access.close(), this.errors.close()]);
  }
}
