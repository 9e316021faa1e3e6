// What every reader of configurations shares: one file in (with access to those that it includes), evidence out.
// A reader never throws and never refuses the whole for a mistake in a part: what could not be understood is a problem
// with its place, the rest is read. It claims only what the text says; a value that is not plain becomes null.
import type { InputProblem, Place, Spot } from "../evidence.ts";
import type { FileAccess } from "./files.ts";
import type { ConfigEvidence, ConfigKind } from "./model.ts";

export interface ReadInput {
  /** As it was given: names in places and problems. */
  readonly file: string;
  readonly text: string;
  readonly files: FileAccess;
}

export type Reader = (input: ReadInput) => ConfigEvidence;

/** Evidence with nothing in it but what is given. */
export function evidence(
  file: string,
  kind: ConfigKind | null,
  parts: Partial<Omit<ConfigEvidence, "file" | "kind">> = {},
): ConfigEvidence {
  return { file, kind, files: [file], hops: [], findings: [], problems: [], ...parts };
}

/** What could not be read, or only in part, and what to do about it. */
export function problem(file: string, place: Place | null, text: string, next: string): InputProblem {
  return { input: `--config ${file}`, place, text, next };
}

/** Offsets of a text as places: lines and columns count from 1, columns in characters. */
export function placesIn(file: string, text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: Math.max(1, offset - (starts[low] ?? 0) + 1) };
  };
}

/**
 * "host:port", "host", "[::1]:80", ":80", "unix:/run/app.sock", "unix//run/app.sock" (Caddy), "/run/app.sock".
 * null = it is not plain (variables, placeholders, ranges of ports, no port where none is the default).
 */
export function spotOf(text: string, defaultPort: number | null): Spot | null {
  const path = /^(?:unix:(?:\/\/(?=\/))?|unix\/(?=\/))?(\/.*)$/.exec(text)?.[1];
  if (path !== undefined) return /[${}]/.test(path) ? null : { kind: "unix", path };
  const match = /^(?:\[([0-9a-fA-F:.]+)(?:%[\w.-]+)?\]|([\w.-]*))(?::(\d{1,5}))?$/.exec(text);
  if (!match) return /^[0-9a-fA-F]*:[0-9a-fA-F:.]+$/.test(text) && defaultPort ? tcp(text, defaultPort) : null;
  const [, v6, name, port] = match;
  const number = port === undefined ? defaultPort : Number(port);
  if (number === null || number < 1 || number > 65_535) return null;
  const host = v6 ?? name ?? "";
  if (host === "") return port === undefined ? null : tcp("127.0.0.1", number);
  return tcp(host, number);
}

function tcp(host: string, port: number): Spot {
  return { kind: "tcp", host, port };
}

/** "host:port" as people write it. */
export function spotText(spot: Spot): string {
  if (spot.kind === "unix") return `unix:${spot.path}`;
  return spot.host.includes(":") ? `[${spot.host}]:${spot.port}` : `${spot.host}:${spot.port}`;
}

/** Whether the host of a spot is an address rather than a name. */
export function isAddress(host: string): boolean {
  return host.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

/** The folder of a file, with its slash; "" = the current one. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
