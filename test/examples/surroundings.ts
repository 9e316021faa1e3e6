// Where an example runs, and what is put in the place of the addresses, ports, files and durations that it names.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates } from "../../src/lab/faults-listen.ts";

export interface Surroundings {
  /** Folder of this run: logs, certificates, temporary files. */
  readonly folder: string;
  /** In the place of 127.0.0.1:3000. */
  readonly app: string;
  /** In the place of 127.0.0.1:3001: an application that is well. */
  readonly second: string;
  /** A free port for each listener. */
  readonly freePort: () => Promise<number>;
  /** The application is slow or silent on purpose, so timers are shortened. */
  readonly hasty: boolean;
}

/** A snippet as a whole configuration. */
export interface Wrapped {
  readonly text: string;
  /** Of the first listener. */
  readonly port: number;
}

/** The files of a run that certificates, keys and the CA of a snippet become. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Certificate and key in one. */
  readonly both: string;
}

/** Where they are; writeTlsFiles puts them there. */
export function tlsFiles(folder: string): TlsFiles {
  const at = (name: string) => join(folder, name);
  return { ca: at("ca.pem"), cert: at("cert.pem"), key: at("key.pem"), both: at("both.pem") };
}

/** The certificates of the lab, valid for localhost. */
export function writeTlsFiles(folder: string): void {
  const { ca, good } = certificates();
  const files = tlsFiles(folder);
  writeFileSync(files.ca, ca);
  writeFileSync(files.cert, good.cert);
  writeFileSync(files.key, good.key);
  writeFileSync(files.both, good.cert + good.key);
}

/** Puts the applications in the place of 127.0.0.1:3000 and 127.0.0.1:3001. */
export function withApplications(text: string, { app, second }: Surroundings): string {
  return text
    .replace(/\b(?:127\.0\.0\.1|localhost):3000\b/g, app)
    .replace(/\b(?:127\.0\.0\.1|localhost):3001\b/g, second);
}

/** One free port for each port that is written, the first listener's first. */
export async function portsFor(
  written: Iterable<string>,
  { freePort }: Surroundings,
): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for (const port of written) if (!ports.has(port)) ports.set(port, await freePort());
  return ports;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * A duration as it is waited for here: nobody waits a minute for a test. Longer ones stay longer than shorter ones,
 * and what was time for a second attempt is it still.
 */
export function hastyMs(count: string, unit: string): number {
  return Math.round(200 + (Number(count) * (UNIT_MS[unit] ?? 1)) / 20);
}

/** Shortens what `pattern` finds; its last two groups are count and unit. */
export function hasten(
  text: string,
  pattern: RegExp,
  bareUnit: string,
  { hasty }: Pick<Surroundings, "hasty">,
): string {
  if (!hasty) return text;
  return text.replace(
    pattern,
    (_, before: string, count: string, unit = bareUnit) => `${before}${hastyMs(count, unit)}ms`,
  );
}
