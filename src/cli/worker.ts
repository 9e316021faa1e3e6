// A worker's life: it serves on the sockets that the primary sends, and does what the primary says.
import type { Address, Config } from "../config/config.ts";
import type { TailFilter } from "../observe/report.ts";
import { listenerLabel } from "../proxy/listener.ts";
import { ListeningSocket } from "../proxy/listening-socket.ts";
import type { ActionResult, EndpointAction } from "../upstream/administer.ts";
import { processStateOf } from "./backend/process-state.ts";
import { Served } from "./serve.ts";
import { type FromWorker, type ToWorker, workerId } from "./worker-messages.ts";

const LAST_WORDS_MS = 1_000;
const REPORT_MS = 500;
const TAIL_MS = 250;

/** Serves until the primary says otherwise, or is gone; `serving` is called once the logs and certificates are open. */
export async function runWorker(serving: () => void = () => {}): Promise<undefined> {
  const sockets = new Map<string, ListeningSocket>();
  let served: Served | null = null;
  const exit = (whole: boolean): void => process.exit(whole ? 0 : 1);
  // What it has counted goes into the sums of the primary before it ends, unless that one takes nothing any more.
  const leave = (whole: boolean): void => {
    if (!served) return exit(whole);
    tellReport(served);
    tell(snapshot(served, 0), () => exit(whole));
    setTimeout(exit, LAST_WORDS_MS, whole);
  };
  process.on("disconnect", () => exit(true));
  // A terminal sends its signals to the whole group: the primary decides what they mean.
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGQUIT", "SIGINT"] as const)
    process.on(signal, () => {});
  const given = (address: Address): ListeningSocket | undefined => {
    const label = listenerLabel(address);
    const socket = sockets.get(label);
    sockets.delete(label);
    return socket;
  };
  // One after the other: a reload that comes while it starts must not be lost.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (action: (served: Served) => Promise<void>): void => {
    turn = turn.then(async () => {
      if (served) await action(served);
      // What was sent and not wanted would keep clients waiting for nobody.
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    });
  };
  process.on("message", (message: ToWorker, handle: unknown) => {
    switch (message.do) {
      case "take":
        sockets.set(listenerLabel(message.address), ListeningSocket.received(message.address, handle));
        return;
      case "start":
        try {
          served = new Served(message.config, given);
          inTurn((each) => start(each, serving));
        } catch (error) {
          cannotStart(error);
        }
        return;
      case "snapshot":
        if (served) tell(snapshot(served, message.id));
        return;
      case "tail":
        if (served) tail(served, message.id, message.filter);
        return;
      case "incidents":
        return served?.gateway.openIncidents.set(message.incidents);
      case "act":
        if (served) void act(served, message.id, message.action);
        return;
      case "reload":
        return inTurn((running) => reload(running, message.config));
      case "reopen":
        return inTurn((running) => running.reopenLogs());
      case "drain":
        if (!served) return exit(true);
        return inTurn(async (running) => leave(await running.drain()));
      case "stop":
        served?.close();
        leave(true);
    }
  });
  tell({ is: "here" });
  return undefined;
}

async function start(served: Served, serving: () => void): Promise<void> {
  try {
    await served.start();
    serving();
    if (served.memory.capture) setInterval(tellReport, REPORT_MS, served).unref();
    tell({ is: "ready" });
  } catch (error) {
    cannotStart(error);
  }
}

function tellReport({ memory }: Served): void {
  const report = memory.capture?.take(Date.now());
  if (report) tell({ is: "report", report });
}

const tailTimers = new Map<number, NodeJS.Timeout>();

function tail({ memory: { capture } }: Served, id: number, filter: TailFilter | null): void {
  if (!capture) return;
  clearInterval(tailTimers.get(id));
  tailTimers.delete(id);
  capture.setTail(filter, id);
  if (filter === null) return;
  const timer = setInterval(() => {
    const tailed = capture.takeTail(id);
    if (tailed.entries.length > 0 || tailed.left > 0) tell({ is: "tail", id, tailed });
  }, TAIL_MS).unref();
  tailTimers.set(id, timer);
}

async function act({ gateway }: Served, id: number, action: EndpointAction): Promise<void> {
  let result: ActionResult;
  try {
    result = await gateway.act(action);
  } catch (error) {
    result = { ok: false, said: (error as Error).message };
  }
  tell({ is: "acted", id, result });
}

function cannotStart(error: unknown): void {
  const {
    code = "",
    message,
    address = "",
    port = 0,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  tell({ is: "cannot-start", error: { code, message, address, port } }, () => process.exit(1));
}

async function reload(served: Served, config: Config): Promise<void> {
  try {
    await served.reload(config);
    tell({ is: "reloaded", problem: null });
  } catch (error) {
    tell({ is: "reloaded", problem: (error as Error).message });
  }
}

/** A line of this worker's own log for whoever writes that of the primary. */
export function sayToPrimary(line: string): void {
  tell({ is: "said", line });
}

function tell(message: FromWorker, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}

function snapshot(served: Served, id: number): FromWorker {
  const { ledger, events } = served.memory;
  return {
    is: "snapshot",
    id,
    worker: workerId,
    families: served.metrics.snapshot(),
    days: ledger.days(),
    events: events.recent(),
    ready: served.ready(),
    state: processStateOf(served.gateway, Date.now()),
  };
}
