// Applications that a test may kill, each a process of its own, and what the console's API said of incidents.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Incident } from "../src/incidents/model.ts";
import type { StoredFailure } from "../src/store/model.ts";
import { pause, type RunningGateway } from "./harness.ts";

const SOURCE = `
const { createServer } = require("node:http");
const [port, status] = process.argv.slice(1).map(Number);
createServer((request, response) => {
  if (request.url.startsWith("/slow")) return;
  response.statusCode = status;
  request.resume().on("end", () => response.end("done\\n"));
}).listen(port, "127.0.0.1", () => console.log("listening"));
`;

export interface LivePeer {
  readonly process: ChildProcess;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
}

/** An application that answers everything with `status`, and /slow never. */
export async function startPeer(port: number, status = 200): Promise<LivePeer> {
  const child = spawn(process.execPath, ["-e", SOURCE, String(port), String(status)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([once(child.stdout!, "data"), ended]);
  return {
    process: child,
    kill: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** What a client of the gateway counted: how many answers of each status; "error" = none or a broken one. */
export type Told = Record<string, number>;

/** Asks for a path so many times, one after the other. */
export async function ask(port: number, path: string, times: number, method = "GET"): Promise<Told> {
  const told: Told = {};
  for (let i = 0; i < times; i++) {
    const status = await fetch(`http://127.0.0.1:${port}${path}`, { method }).then(
      async (response) => {
        await response.text();
        return String(response.status);
      },
      () => "error",
    );
    told[status] = (told[status] ?? 0) + 1;
  }
  return told;
}

/** Keeps asking until it is told to stop. */
export function keepAsking(port: number, path: string, everyMs: number): { stop(): Promise<Told> } {
  let over = false;
  const all: Told = {};
  const run = (async () => {
    while (!over) {
      for (const [status, count] of Object.entries(await ask(port, path, 1))) all[status] = (all[status] ?? 0) + count;
      await pause(everyMs);
    }
  })();
  return {
    stop: async () => {
      over = true;
      await run;
      return all;
    },
  };
}

async function api<T>(gateway: Pick<RunningGateway, "consoleUrl">, path: string): Promise<T> {
  const response = await fetch(`${gateway.consoleUrl}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** All incidents, open and closed, whole. */
export async function incidentsOf(gateway: Pick<RunningGateway, "consoleUrl">): Promise<Incident[]> {
  const { items } = await api<{ items: { id: string }[] }>(gateway, "/incidents");
  return Promise.all(items.map(({ id }) => api<Incident>(gateway, `/incidents/${id}`)));
}

/** The kept failures of an incident. */
export async function failuresOf(gateway: Pick<RunningGateway, "consoleUrl">, id: string): Promise<StoredFailure[]> {
  const { items } = await api<{ items: { id: string }[] }>(gateway, `/failures?incident=${id}`);
  return Promise.all(items.map((item) => api<StoredFailure>(gateway, `/failures/${item.id}`)));
}

/** Polls until the incidents fit; the message of a failure says what they were. */
export async function untilIncidents(
  gateway: Pick<RunningGateway, "consoleUrl">,
  fits: (incidents: Incident[]) => boolean,
  ms = 15_000,
): Promise<Incident[]> {
  const end = performance.now() + ms;
  for (;;) {
    const incidents = await incidentsOf(gateway);
    if (fits(incidents)) return incidents;
    if (performance.now() > end) {
      const said = incidents.map(({ verdict, severity, counts, closedAt }) =>
        JSON.stringify({ pattern: verdict.pattern, sentence: verdict.sentence, severity, counts, closedAt }),
      );
      throw new Error(`not the incidents that were expected:\n${said.join("\n") || "none"}`);
    }
    await pause(200);
  }
}
