// The figures of all workers as one: each worker is asked when somebody scrapes; of a worker that died, what it had
// counted last stays in the sums, so that no counter falls.
import type { Worker } from "node:cluster";
import { type Family, mergeFamilies, renderFamilies } from "../observe/metrics-text.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** A worker that does not answer within this time is left out of a scrape. */
const ANSWER_MS = 2_000;

type Snapshot = Extract<FromWorker, { is: "snapshot" }>;

export class WorkerFigures {
  readonly #last = new Map<number, readonly Family[]>();
  #ended: Family[] = [];
  #asked = 0;

  /** A worker has died. */
  forget(worker: Worker): void {
    const families = this.#last.get(worker.id);
    this.#last.delete(worker.id);
    if (families) this.#ended = mergeFamilies([this.#ended, families.filter((family) => family.type !== "gauge")]);
  }

  /** Prometheus text over all workers. */
  async render(workers: readonly Worker[]): Promise<string> {
    const snapshots = await this.#ask(workers);
    return renderFamilies(mergeFamilies([...snapshots.map((snapshot) => snapshot.families), this.#ended]));
  }

  /** Ready where at least one worker answers, and none has a reason against it. */
  async ready(workers: readonly Worker[]): Promise<{ ok: boolean; reasons: string[] }> {
    const snapshots = await this.#ask(workers);
    const reasons = [...new Set(snapshots.flatMap((snapshot) => snapshot.ready.reasons))];
    if (snapshots.length === 0) reasons.push("no worker answers");
    return { ok: reasons.length === 0, reasons };
  }

  async #ask(workers: readonly Worker[]): Promise<Snapshot[]> {
    const id = ++this.#asked;
    const answers = (await Promise.all(workers.map((worker) => snapshotOf(worker, id)))).filter(
      (answer) => answer !== null,
    );
    for (const { worker, families } of answers) this.#last.set(worker, families);
    return answers;
  }
}

function snapshotOf(worker: Worker, id: number): Promise<Snapshot | null> {
  return new Promise((resolve) => {
    const done = (answer: Snapshot | null): void => {
      clearTimeout(timer);
      worker.off("message", onMessage);
      resolve(answer);
    };
    const onMessage = (message: FromWorker): void => {
      if (message.is === "snapshot" && message.id === id) done(message);
    };
    const timer = setTimeout(done, ANSWER_MS, null);
    worker.on("message", onMessage);
    worker.send({ do: "snapshot", id } satisfies ToWorker, (error) => {
      if (error) done(null);
    });
  });
}
