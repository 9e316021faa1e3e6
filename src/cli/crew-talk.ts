// What the primary asks of all workers at once beside their figures: a live tail, an action on an endpoint.
import type { Family } from "../observe/metrics-text.ts";
import type { TailFilter } from "../observe/report.ts";
import type { OpenIncident } from "../proxy/open-incidents.ts";
import type { ActionResult, EndpointAction } from "../upstream/administer.ts";
import type { ProcessState } from "./backend/process-state.ts";
import type { CrewAccess } from "./backend/source.ts";
import type { WorkerFigures } from "./worker-figures.ts";
import type { FromWorker, ToWorker, Worker } from "./worker-messages.ts";

/** A check of an endpoint may take as long as its deadline. */
const ACT_MS = 15_000;

/** The workers that serve at this moment, as one. */
export class CrewTalk implements CrewAccess {
  readonly #workers: () => readonly Worker[];
  readonly #figures: WorkerFigures;
  #asked = 0;
  /** What a worker that comes later has to know, too. */
  #open: readonly OpenIncident[] = [];
  readonly #tails = new Map<number, TailFilter>();

  constructor(workers: () => readonly Worker[], figures: WorkerFigures) {
    this.#workers = workers;
    this.#figures = figures;
  }

  get processes(): number {
    return this.#workers().length;
  }

  families(): Promise<readonly Family[]> {
    return this.#figures.families(this.#workers());
  }

  states(): Promise<readonly ProcessState[]> {
    return this.#figures.states(this.#workers());
  }

  /** A worker has begun to serve. */
  arrived(worker: Worker): void {
    if (this.#open.length > 0) tell(worker, { do: "incidents", incidents: this.#open });
    for (const [id, filter] of this.#tails) tell(worker, { do: "tail", id, filter });
  }

  tail(id: number, filter: TailFilter | null): void {
    if (filter === null) this.#tails.delete(id);
    else this.#tails.set(id, filter);
    for (const worker of this.#workers()) tell(worker, { do: "tail", id, filter });
  }

  tellOpen(incidents: readonly OpenIncident[]): void {
    this.#open = incidents;
    for (const worker of this.#workers()) tell(worker, { do: "incidents", incidents });
  }

  /** Every worker does it; what the first says is said, unless another could not. */
  async act(action: EndpointAction): Promise<ActionResult> {
    const id = ++this.#asked;
    const results = await Promise.all(this.#workers().map((worker) => askToAct(worker, id, action)));
    return results.find(({ ok }) => !ok) ?? results[0] ?? { ok: false, said: "no worker serves at this moment" };
  }
}

function askToAct(worker: Worker, id: number, action: EndpointAction): Promise<ActionResult> {
  return new Promise((resolve) => {
    const done = (result: ActionResult): void => {
      clearTimeout(timer);
      worker.process.off("message", onMessage);
      resolve(result);
    };
    const onMessage = (message: FromWorker): void => {
      if (message.is === "acted" && message.id === id) done(message.result);
    };
    const timer = setTimeout(done, ACT_MS, { ok: false, said: `worker ${worker.process.pid} does not answer` });
    worker.process.on("message", onMessage);
    tell(worker, { do: "act", id, action });
  });
}

function tell(worker: Worker, message: ToWorker): void {
  // A worker that is gone is noticed by its exit.
  if (worker.process.connected) worker.process.send(message, () => {});
}
