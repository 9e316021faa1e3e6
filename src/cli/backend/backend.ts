// What the console needs of the program (console/model.ts): the keeper's incidents and figures, the store's past, the
// configuration that runs, and the few things that somebody may do.
import type {
  ActionResult,
  Backend,
  ConfigView,
  DemoBackend,
  DoctorRequest,
  EndpointAction,
  IncidentRow,
  LiveEvent,
  Now,
  ReplayRequest,
  ReplayResult,
  TimeoutsView,
} from "../../console/model.ts";
import { replay } from "../../console/replay.ts";
import type { Incident, Mark } from "../../incidents/model.ts";
import { incidentRow } from "../../incidents/row.ts";
import type { TailEntry, TailFilter } from "../../observe/report.ts";
import { log } from "../../std/log.ts";
import type { Ms } from "../../std/units.ts";
import type { AuditEntry, FailureQuery, IncidentQuery, Page, PointsQuery, Range } from "../../store/model.ts";
import type { RunningConfig } from "./config-view.ts";
import { newId } from "./ids.ts";
import type { Keeper } from "./keeper.ts";
import { nowOf } from "./now.ts";
import type { ProcessState } from "./process-state.ts";
import { doctorArguments, runDoctor } from "./run-doctor.ts";
import type { Source } from "./source.ts";
import { timeoutsView } from "./timeouts-view.ts";

/** What the backend is made of. */
export interface BackendParts {
  readonly keeper: Keeper;
  readonly source: Source;
  readonly running: RunningConfig;
  readonly ready: () => Promise<{ readonly ok: boolean; readonly reasons: readonly string[] }>;
  /** Ports that the listeners have. */
  readonly ports: () => readonly number[];
  readonly reload: () => Promise<ActionResult>;
  readonly demo: DemoBackend | null;
}

/** Figures older than this are taken anew before they are shown to somebody who does not watch. */
const FRESH_MS = 1_500;

/** The console's backend of this program. */
export class ProgramBackend implements Backend {
  readonly #parts: BackendParts;
  readonly demo: DemoBackend | null;
  #cpu: { readonly at: Ms; readonly cpuMs: Ms; readonly share: number } = { at: 0, cpuMs: 0, share: 0 };
  #freshAt: Ms = 0;
  #latest: Promise<Now> | null = null;

  constructor(parts: BackendParts) {
    this.#parts = parts;
    this.demo = parts.demo;
  }

  /** One answer for all who ask within a moment. */
  async now(): Promise<Now> {
    const wall = Date.now();
    if (this.#latest && wall - this.#freshAt < FRESH_MS) return this.#latest;
    this.#freshAt = wall;
    this.#latest = this.#now(wall);
    return this.#latest;
  }

  async #now(wall: Ms): Promise<Now> {
    const { keeper, source, running, ready } = this.#parts;
    await keeper.refresh();
    const [state, { ok, reasons }] = await Promise.all([source.state(), ready()]);
    const { id, name, version, startedAt } = keeper.gateway;
    return nowOf({
      at: wall,
      gateway: {
        ...{ id, name, version, startedAt },
        processes: source.processes,
        connections: state.connections,
        cpu: this.#cpuShare(state, wall),
        rssBytes: state.rssBytes,
        ready: ok,
        reasons,
        file: running.file,
        language: running.language,
        demo: this.demo !== null,
      },
      config: keeper.config,
      state,
      rates: (kind, of) => keeper.rates.rates(kind, of),
      incidents: keeper.open().map(incidentRow),
      problems: this.#problems(),
      ports: this.#parts.ports(),
    });
  }

  #cpuShare({ cpuMs }: ProcessState, wall: Ms): number {
    const { at, cpuMs: before, share } = this.#cpu;
    if (wall - at < 500) return share;
    const used = at === 0 ? 0 : Math.max(0, cpuMs - before) / (wall - at);
    this.#cpu = { at: wall, cpuMs, share: used };
    return used;
  }

  #problems(): string[] {
    const { ok, problem, dropped } = this.#parts.keeper.store.state();
    return [
      ...(ok || problem === null ? [] : [`the store does not write: ${problem}`]),
      ...(ok && problem !== null ? [problem] : []),
      ...(dropped > 0 ? [`${dropped.toLocaleString("en-US")} records were not kept, since the store was behind`] : []),
    ];
  }

  live(take: (event: LiveEvent) => void): () => void {
    const beat = (): void => {
      this.#freshAt = 0;
      this.now().then(
        (now) => take({ event: "now", now }),
        (error: unknown) => log.error(`console: figures: ${(error as Error).message}`),
      );
    };
    return this.#parts.keeper.watch((told) => {
      if ("incident" in told) take({ event: "incident", incident: incidentRow(told.incident) });
      else take({ event: "mark", mark: told.mark });
    }, beat);
  }

  async incidents(query: IncidentQuery): Promise<Page<IncidentRow>> {
    const { items, next, total } = await this.#parts.keeper.store.incidents(this.#ours(query));
    return { items: items.map(incidentRow), next, total };
  }

  /** The book's is the newest; the store has the others. */
  async incident(id: string): Promise<Incident | null> {
    const { keeper } = this.#parts;
    return keeper.open().find((incident) => incident.id === id) ?? keeper.store.incident(id);
  }

  failures(query: FailureQuery) {
    return this.#parts.keeper.store.failures(this.#ours(query));
  }

  failure(id: string) {
    return this.#parts.keeper.store.failure(id);
  }

  marks(range: Range, gateway?: string): Promise<readonly Mark[]> {
    const { keeper } = this.#parts;
    return keeper.store.marks(range, gateway ?? keeper.gateway.id);
  }

  async addMark(text: string, by: string): Promise<Mark> {
    return this.#parts.keeper.mark("deploy", text, by);
  }

  points(query: PointsQuery) {
    return this.#parts.keeper.store.points(this.#ours(query));
  }

  paths(range: Range, gateway?: string) {
    const { keeper } = this.#parts;
    return keeper.store.paths(range, gateway ?? keeper.gateway.id);
  }

  tail(filter: TailFilter, take: (entries: readonly TailEntry[], left: number) => void): () => void {
    return this.#parts.keeper.tail(filter, take);
  }

  async act(action: EndpointAction, by: string): Promise<ActionResult> {
    const { source, keeper } = this.#parts;
    const result = await source.act(action);
    if (!result.ok) return result;
    const { upstream, endpoint } = action;
    const what = action.do === "weight" ? `weight ${action.weight}` : action.do;
    keeper.mark("action", `upstream ${upstream}: ${what} of ${endpoint}`, by, { upstream, endpoint });
    return result;
  }

  config(): Promise<ConfigView> {
    return this.#parts.running.view();
  }

  async reload(by: string): Promise<ActionResult> {
    log.info(`reload ordered through the console by ${by}`);
    return this.#parts.reload();
  }

  async timeouts(upstream: string): Promise<TimeoutsView> {
    const { keeper, source } = this.#parts;
    const config = keeper.config.upstreams.get(upstream);
    if (!config) throw new Error(`upstream: there is no upstream "${upstream}"`);
    const state = await source.state();
    const endpoints = state.upstreams.find(({ name }) => name === upstream)?.endpoints ?? [];
    return timeoutsView(keeper.config, config, endpoints, (path) => this.#parts.running.originOf(path));
  }

  async doctor(request: DoctorRequest, signal: AbortSignal): Promise<unknown> {
    const { keeper, running, ports } = this.#parts;
    return runDoctor(doctorArguments(request, keeper.config, ports(), running.file), signal);
  }

  async replay(id: string, request: ReplayRequest): Promise<ReplayResult> {
    const { keeper } = this.#parts;
    const failure = await keeper.store.failure(id);
    if (!failure) throw new Error(`failure: "${id}" is not kept (any more)`);
    return replay(failure, request, keeper.config);
  }

  gateways() {
    return this.#parts.keeper.store.gateways();
  }

  audit(limit: number): Promise<readonly AuditEntry[]> {
    return this.#parts.keeper.store.audit(limit);
  }

  tellAudit(entry: Omit<AuditEntry, "id" | "gateway" | "at">): void {
    const at = Date.now();
    this.#parts.keeper.store.putAudit([{ ...entry, id: newId(at), gateway: this.#parts.keeper.gateway.id, at }]);
  }

  store() {
    return this.#parts.keeper.store.state();
  }

  /** Where nobody names a gateway, this one is meant; "all" means all. */
  #ours<Q extends { readonly gateway?: string }>(query: Q): Q {
    return query.gateway === undefined ? { ...query, gateway: this.#parts.keeper.gateway.id } : query;
  }
}
