// A worker's life: it serves, and does what the primary says.
import cluster from "node:cluster";
import type { Config } from "../config/config.ts";
import type { Loaded } from "./load.ts";
import { Served } from "./serve.ts";
import { reload } from "./signals.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** Serves until the primary says otherwise, or is gone. */
export async function runWorker(config: Config, load: () => Loaded): Promise<undefined> {
  const served = new Served(config);
  const leave = (whole: boolean): void => process.exit(whole ? 0 : 1);
  process.on("disconnect", () => leave(true));
  // A terminal sends its signals to the whole group: the primary decides what they mean.
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGTERM", "SIGQUIT", "SIGINT"] as const) process.on(signal, () => {});
  process.on("message", (message: ToWorker) => {
    if (message.do === "snapshot") tell(snapshot(served, message.id));
    else if (message.do === "reload") void reload(load, (next) => served.reload(next));
    else if (message.do === "reopen") void served.reopenLogs();
    else if (message.do === "drain") void served.drain().then(leave);
    else leave(served.close());
  });
  try {
    await served.gateway.start();
    tell({ is: "ready", ports: served.gateway.ports });
  } catch (error) {
    const {
      code = "",
      message,
      address = "",
      port = 0,
    } = error as NodeJS.ErrnoException & { address?: string; port?: number };
    tell({ is: "cannot-start", error: { code, message, address, port } }, () => process.exit(1));
  }
  return undefined;
}

function tell(message: FromWorker, sent: () => void = () => {}): void {
  process.send?.(message, sent);
}

function snapshot(served: Served, id: number): FromWorker {
  return {
    is: "snapshot",
    id,
    worker: cluster.worker?.id ?? 0,
    families: served.metrics.snapshot(),
    ready: served.ready(),
  };
}
