// What systemd is told (sd_notify): ready, reloading, stopping, which process is the main one, and that the program
// lives. Node has no datagram sockets of the Unix kind, so each message is a run of systemd-notify, one behind the
// other; the unit needs NotifyAccess=all for it. Without NOTIFY_SOCKET nothing is done.
import { spawn } from "node:child_process";
import { log } from "../std/log.ts";

const ANSWER_MS = 5_000;

/** The service manager that started this process; does nothing where there is none. */
export class ServiceManager {
  readonly #wanted = Boolean(process.env["NOTIFY_SOCKET"]);
  #missing = false;
  #sent: Promise<void> = Promise.resolve();
  #watchdog: NodeJS.Timeout | null = null;

  /** It serves; `takenOver` = in the place of another process. */
  ready(status: string, takenOver = false): Promise<void> {
    this.#feedWatchdog();
    return this.#send([...(takenOver ? [`MAINPID=${process.pid}`] : []), "READY=1", `STATUS=${status}`]);
  }

  reloading(): Promise<void> {
    const microseconds = process.hrtime.bigint() / 1000n;
    return this.#send(["RELOADING=1", `MONOTONIC_USEC=${microseconds}`, "STATUS=reading the configuration"]);
  }

  status(text: string): Promise<void> {
    return this.#send([`STATUS=${text}`]);
  }

  stopping(): Promise<void> {
    return this.#send(["STOPPING=1", "STATUS=draining"]);
  }

  /** Another process has taken over: what ends here is not the service. */
  retire(): void {
    if (this.#watchdog) clearInterval(this.#watchdog);
  }

  /** WatchdogSec=: the event loop turns, or systemd starts the program anew. */
  #feedWatchdog(): void {
    const microseconds = Number(process.env["WATCHDOG_USEC"]);
    const pid = process.env["WATCHDOG_PID"];
    if (!this.#wanted || this.#watchdog || !(microseconds > 0) || (pid && pid !== String(process.pid))) return;
    this.#watchdog = setInterval(() => void this.#send(["WATCHDOG=1"]), microseconds / 2_000);
    this.#watchdog.unref();
  }

  #send(variables: readonly string[]): Promise<void> {
    if (!this.#wanted || this.#missing) return Promise.resolve();
    this.#sent = this.#sent.then(() => this.#run(variables));
    return this.#sent;
  }

  #run(variables: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn("systemd-notify", variables, { stdio: "ignore", timeout: ANSWER_MS });
      child.once("error", (error: NodeJS.ErrnoException) => {
        this.#missing = error.code === "ENOENT";
        const hint = this.#missing
          ? "Install it (it comes with systemd), or use Type=exec instead of Type=notify"
          : error.message;
        log.error(`systemd waits for a word of this program, and systemd-notify cannot be run. ${hint}`);
        resolve();
      });
      child.once("exit", (code, signal) => {
        if (code !== 0) log.warn(`systemd-notify ${variables.join(" ")}: ended with ${signal ?? code}`);
        resolve();
      });
    });
  }
}
