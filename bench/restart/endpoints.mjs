// The endpoints of a measurement: processes of app.mjs at fixed addresses, which are killed, ended, frozen and started
// again. What was done when is kept, so that answers and errors can be held against it.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { start, stop } from "../processes.mjs";
import { ENDPOINT_HOST, fail, freePortAt } from "./stage.mjs";

const APP = join(dirname(fileURLToPath(import.meta.url)), "app.mjs");

/**
 * @typedef {{ kind: string, address: string, from: number, until: number }} Disturbance
 * Instants of performance.now(): the signal, and the moment when the endpoint was itself again.
 */

export class Endpoints {
  /** @type {Disturbance[]} */
  disturbances = [];
  /** @type {string[]} */
  addresses = [];
  #children = [];
  #startMs;
  #deliveries;

  /** @param {{ startMs: number, dir: string }} options How long a start takes before the application listens. */
  constructor({ startMs, dir }) {
    this.#startMs = startMs;
    this.#deliveries = join(dir, "deliveries");
    writeFileSync(this.#deliveries, "");
  }

  /** Starts `count` endpoints and waits until they listen. */
  async start(count) {
    for (let i = 0; i < count; i++) this.addresses.push(`${ENDPOINT_HOST}:${await freePortAt(ENDPOINT_HOST)}`);
    await Promise.all(this.addresses.map((_, index) => this.#launch(index)));
  }

  /** Ends an endpoint by `signal` and starts it again as soon as its process is gone. */
  async restart(index, signal) {
    await this.#disturb(signal, index, async () => {
      const child = this.#children[index];
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill(signal);
      await gone;
      await this.#launch(index);
    });
  }

  /** Stops an endpoint in mid-air: it accepts (the kernel does) and says nothing. */
  async freeze(index, ms) {
    await this.#disturb("SIGSTOP", index, async () => {
      this.#children[index].kill("SIGSTOP");
      await sleep(ms);
      this.#children[index].kill("SIGCONT");
    });
  }

  /** How often each request with a body was in an application's hands, and in whose. */
  deliveries() {
    const byId = new Map();
    for (const line of readFileSync(this.#deliveries, "utf8").trimEnd().split("\n")) {
      const [id, address] = line.split(" ");
      if (id !== "") byId.set(id, [...(byId.get(id) ?? []), address]);
    }
    return byId;
  }

  async stop() {
    await Promise.all(this.#children.map(stop));
  }

  async #disturb(kind, index, act) {
    const disturbance = { kind, address: this.addresses[index], from: performance.now(), until: Infinity };
    this.disturbances.push(disturbance);
    await act();
    disturbance.until = performance.now();
  }

  #launch(index) {
    const name = this.addresses[index];
    const place = ["--host", ENDPOINT_HOST, "--port", name.split(":")[1], "--name", name];
    const child = start({
      command: process.execPath,
      args: [APP, ...place, "--deliveries", this.#deliveries, "--start-ms", String(this.#startMs)],
      stderr: `${this.#deliveries}.stderr`,
    });
    this.#children[index] = child;
    return new Promise((resolve) => {
      child.stdout.once("data", resolve);
      child.once("close", (code) => {
        if (child.exitCode === 1)
          fail(`an endpoint ended by itself (${code}): ${readFileSync(`${this.#deliveries}.stderr`)}`);
      });
    });
  }
}
