// The figures of all workers as one: each worker is asked when somebody scrapes; of a worker that died, what it had
// counted last stays in the sums, so that no counter falls. A worker that ends in order says its last figures itself.
import { mergeEvents, type ShownEvent } from "../observe/event-log.ts";
import { type LedgerDay, mergeDays } from "../observe/ledger.ts";
import { type Family, mergeFamilies, renderFamilies } from "../observe/metrics-text.ts";
import type { ProcessState } from "./backend/process-state.ts";
import type { FromWorker, ToWorker, Worker } from "./worker-messages.ts";

/** A worker that does not answer within this time is left out of a scrape. */
const ANSWER_MS = 2_000;

/** What a worker has counted and seen. */
export type Snapshot = Extract<FromWorker, { is: "snapshot" }>;

export class WorkerFigures {
  readonly #last = new Map<number, Snapshot>();
  #ended: Family[] = [];
  #endedDays: LedgerDay[] = [];
  #endedEvents: ShownEvent[] = [];
  #asked = 0;

  /** A worker says its figures unasked, before it ends. */
  keep(snapshot: Snapshot): void {
    this.#last.set(snapshot.worker, snapshot);
  }

  /** A worker has died. */
  forget(worker: Worker): void {
    const last = this.#last.get(worker.id);
    this.#last.delete(worker.id);
    if (!last) return;
    this.#ended = mergeFamilies([this.#ended, last.families.filter((family) => family.type !== "gauge")]);
    this.#endedDays = mergeDays([this.#endedDays, last.days]);
    this.#endedEvents = mergeEvents([this.#endedEvents, last.events]);
  }

  /** Prometheus text over all workers. */
  async render(workers: readonly Worker[]): Promise<string> {
    return renderFamilies(await this.families(workers));
  }

  /** All figures, added up. */
  async families(workers: readonly Worker[]): Promise<readonly Family[]> {
    const snapshots = await this.#ask(workers);
    return mergeFamilies([...snapshots.map((snapshot) => snapshot.families), this.#ended]);
  }

  /** How each worker stands. */
  async states(workers: readonly Worker[]): Promise<readonly ProcessState[]> {
    return (await this.#ask(workers)).map((snapshot) => snapshot.state);
  }

  /** The ledger over all workers, those included that ended. */
  async days(workers: readonly Worker[]): Promise<LedgerDay[]> {
    const snapshots = await this.#ask(workers);
    return mergeDays([...snapshots.map((snapshot) => snapshot.days), this.#endedDays]);
  }

  /** The ledger of the workers that ended. */
  get endedDays(): readonly LedgerDay[] {
    return this.#endedDays;
  }

  /** The last events of all workers. */
  async events(workers: readonly Worker[]): Promise<ShownEvent[]> {
    const snapshots = await this.#ask(workers);
    return mergeEvents([...snapshots.map((snapshot) => snapshot.events), this.#endedEvents]);
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
    for (const answer of answers) this.#last.set(answer.worker, answer);
    return answers;
  }
}

function snapshotOf(worker: Worker, id: number): Promise<Snapshot | null> {
  return new Promise((resolve) => {
    const done = (answer: Snapshot | null): void => {
      clearTimeout(timer);
      worker.process.off("message", onMessage);
      resolve(answer);
    };
    const onMessage = (message: FromWorker): void => {
      if (message.is === "snapshot" && message.id === id) done(message);
    };
    const timer = setTimeout(done, ANSWER_MS, null);
    worker.process.on("message", onMessage);
    worker.process.send({ do: "snapshot", id } satisfies ToWorker, (error) => {
      if (error) done(null);
    });
  });
}
