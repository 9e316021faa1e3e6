// Where the keeper hears of traffic: this process itself, or all workers. What is asked here costs the data path
// little: sums that are there anyway, a few times a second at most.
import type { Family } from "../../observe/metrics-text.ts";
import type { Report, TailEntry, TailFilter } from "../../observe/report.ts";
import type { OpenIncident } from "../../proxy/open-incidents.ts";
import type { Ms } from "../../std/units.ts";
import type { ActionResult, EndpointAction } from "../../upstream/administer.ts";
import type { Served } from "../serve.ts";
import { mergeStates, type ProcessState, processStateOf } from "./process-state.ts";

/** The processes that serve traffic, as one. */
export interface Source {
  /** What was seen since the last call, of every process that has something to tell. */
  reports(): readonly Report[] | Promise<readonly Report[]>;
  /** Figures of all processes, added up. */
  families(): readonly Family[] | Promise<readonly Family[]>;
  state(): ProcessState | Promise<ProcessState>;
  /** How many processes serve. */
  readonly processes: number;
  /** Begins the tail of this number; null = ends it. */
  tail(id: number, filter: TailFilter | null): void;
  /** Its entries since the last call. */
  tailed(id: number): Tailed;
  act(action: EndpointAction): Promise<ActionResult>;
  /** Error responses name these from now on. */
  tellOpen(incidents: readonly OpenIncident[]): void;
}

export interface Tailed {
  readonly entries: readonly TailEntry[];
  /** Entries that were left out, since there were too many. */
  readonly left: number;
}

/** This process serves by itself. */
export class OwnSource implements Source {
  readonly #served: Served;
  readonly #wall: () => Ms;
  readonly processes = 1;

  constructor(served: Served, wall: () => Ms = Date.now) {
    this.#served = served;
    this.#wall = wall;
  }

  reports(): readonly Report[] {
    const report = this.#served.memory.capture?.take(this.#wall());
    return report ? [report] : [];
  }

  families(): readonly Family[] {
    return this.#served.metrics.snapshot();
  }

  state(): ProcessState {
    return processStateOf(this.#served.gateway, this.#wall());
  }

  tail(id: number, filter: TailFilter | null): void {
    this.#served.memory.capture?.setTail(filter, id);
  }

  tailed(id: number): Tailed {
    return this.#served.memory.capture?.takeTail(id) ?? { entries: [], left: 0 };
  }

  async act(action: EndpointAction): Promise<ActionResult> {
    return this.#served.gateway.act(action);
  }

  tellOpen(incidents: readonly OpenIncident[]): void {
    this.#served.gateway.openIncidents.set(incidents);
  }
}

/** What workers have told since it was asked for last, and how they are asked. */
export class CrewSource implements Source {
  readonly #crew: CrewAccess;
  #reports: Report[] = [];
  readonly #tailed = new Map<number, { entries: TailEntry[]; left: number }>();

  constructor(crew: CrewAccess) {
    this.#crew = crew;
  }

  get processes(): number {
    return this.#crew.processes;
  }

  /** A worker tells unasked. */
  told(report: Report): void {
    // Nobody takes them while the console's part is being changed: the latest are worth most.
    if (this.#reports.length >= REPORTS_MAX) this.#reports.shift();
    this.#reports.push(report);
  }

  toldTail(id: number, { entries, left }: Tailed): void {
    const tailed = this.#tailed.get(id);
    // Of a tail that has ended meanwhile.
    if (!tailed) return;
    const room = Math.max(0, TAIL_MAX - tailed.entries.length);
    tailed.entries.push(...entries.slice(0, room));
    tailed.left += left + Math.max(0, entries.length - room);
  }

  reports(): readonly Report[] {
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  families(): Promise<readonly Family[]> {
    return this.#crew.families();
  }

  async state(): Promise<ProcessState> {
    return mergeStates(await this.#crew.states());
  }

  tail(id: number, filter: TailFilter | null): void {
    if (filter === null) this.#tailed.delete(id);
    else this.#tailed.set(id, { entries: [], left: 0 });
    this.#crew.tail(id, filter);
  }

  tailed(id: number): Tailed {
    const tailed = this.#tailed.get(id);
    if (tailed) this.#tailed.set(id, { entries: [], left: 0 });
    return tailed ?? { entries: [], left: 0 };
  }

  act(action: EndpointAction): Promise<ActionResult> {
    return this.#crew.act(action);
  }

  tellOpen(incidents: readonly OpenIncident[]): void {
    this.#crew.tellOpen(incidents);
  }
}

/** The crew of workers, as the source needs it. */
export interface CrewAccess {
  readonly processes: number;
  families(): Promise<readonly Family[]>;
  states(): Promise<readonly ProcessState[]>;
  tail(id: number, filter: TailFilter | null): void;
  act(action: EndpointAction): Promise<ActionResult>;
  tellOpen(incidents: readonly OpenIncident[]): void;
}

const REPORTS_MAX = 240;
const TAIL_MAX = 1_000;
