// Consoles over a fake backend, for tests; what they open and write is taken away again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { ConsoleAccess } from "../config/observability.ts";
import { setLogSink } from "../std/log.ts";
import { type FakeBackend, fakeBackend } from "./backend.fixture.ts";
import type { ConsoleOptions, ConsoleServer } from "./options.ts";
import { startConsole } from "./server.ts";

export const TOKEN = "0123456789abcdef-admin";
export const READ_TOKEN = "0123456789abcdef-reader";
export const ACCESS: ConsoleAccess = { tls: null, hosts: [], tokenFile: null, readTokenFile: null, readOnly: false };
export const JSON_TYPE = { "Content-Type": "application/json" };

const open: ConsoleServer[] = [];
const folders: string[] = [];

/** Keeps the log quiet, and clears up behind each test. */
export function useConsoles(): void {
  beforeEach(() => void setLogSink(() => undefined));
  afterEach(async () => {
    setLogSink(null);
    await Promise.all(open.splice(0).map((server) => server.close()));
    for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
  });
}

export interface Started {
  readonly server: ConsoleServer;
  readonly backend: FakeBackend;
  readonly port: number;
}

/** On 127.0.0.1 unless `options` say otherwise. */
export async function start(options: Partial<ConsoleOptions> = {}, backend = fakeBackend()): Promise<Started> {
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const ready = () => ({ ok: true, reasons: [] });
  const server = await startConsole({ address, ready, metrics: () => "# figures\n", backend, ...options });
  open.push(server);
  return { server, backend, port: server.address.kind === "tcp" ? server.address.port : 0 };
}

/** A folder for one test. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "goodgate-console-"));
  folders.push(made);
  return made;
}

/** What was done, in order. */
export const changed = ({ asked }: FakeBackend): readonly string[] =>
  asked.map(([name]) => name).filter((name) => ["reload", "act", "addMark", "doctor", "replay"].includes(name));
