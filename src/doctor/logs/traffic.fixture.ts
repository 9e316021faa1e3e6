// Made-up traffic as nginx would log it: requests of a seeded random day, some of which fail as the case says, in an
// access log with upstream fields and an error log.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { indexOf, readEntries } from "../../knowledge/read-entries.ts";
import { now } from "../../std/clock.ts";
import type { LogEvidence } from "./model.ts";
import { beginLogs } from "./read-logs.ts";

/** The reference, from its sources. */
export const index = indexOf(readEntries(fileURLToPath(new URL("../../../knowledge", import.meta.url))).entries);

export interface Asked {
  readonly atMs: number;
  readonly member: string;
  readonly method: string;
  readonly path: string;
  /** Since the last one to the same member. */
  readonly idleMs: number;
  readonly random: () => number;
}

export interface Answered {
  readonly status?: number;
  readonly seconds?: number;
  /** Of the error log; absent = none. */
  readonly error?: string;
  /** $upstream_header_time is a number. */
  readonly header?: boolean;
  /** Tried before. */
  readonly first?: { readonly member: string; readonly status: number };
}

export interface Case {
  readonly seconds: number;
  readonly perSecond: number;
  readonly members?: readonly string[];
  readonly paths?: readonly string[];
  /** Requests come in so many seconds, then none for as long as the second says. */
  readonly rhythm?: readonly [busySeconds: number, quietSeconds: number];
  readonly answer: (asked: Asked) => Answered;
  /** Lines of the error log beside the failures. */
  readonly notices?: readonly (readonly [atSecond: number, text: string])[];
}

export const START_MS = Date.UTC(2026, 10, 21, 10, 0, 0);
export const REFUSED = "connect() failed (111: Connection refused) while connecting to upstream";
export const CLOSED = "upstream prematurely closed connection while reading response header from upstream";
export const TIMED_OUT = "upstream timed out (110: Connection timed out) while reading response header from upstream";

/** Numbers from 0 to 1 that are the same in each run. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const two = (value: number): string => String(value).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export function clf(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${date.toISOString().slice(11, 19)} +0000`;
}

export const nginxTime = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");

/** The two logs of a case. */
export function logsOf(made: Case): { readonly access: string; readonly error: string } {
  const { seconds, perSecond, members = ["10.0.0.7:3000"], paths = PATHS, rhythm, answer, notices = [] } = made;
  const random = randomOf(7);
  const lines: (readonly [ms: number, line: string])[] = [];
  const errors: (readonly [ms: number, line: string])[] = notices.map(([at, text]) => {
    const ms = START_MS + at * 1000;
    return [ms, `${nginxTime(ms)} [notice] 1#1: ${text}`] as const;
  });
  const lastAt = new Map<string, number>();
  let turn = 0;
  for (let second = 0; second < seconds; second++) {
    if (rhythm && second % (rhythm[0] + rhythm[1]) >= rhythm[0]) continue;
    const count = perSecond >= 1 ? Math.round(perSecond * (0.5 + random())) : random() < perSecond ? 1 : 0;
    for (let each = 0; each < count; each++) {
      const atMs = START_MS + second * 1000 + Math.floor(random() * 1000);
      const member = members[turn++ % members.length] ?? "";
      const path = paths[Math.floor(random() * paths.length)] ?? "/";
      const method = random() < 0.2 ? "POST" : "GET";
      const asked: Asked = { atMs, member, method, path, idleMs: atMs - (lastAt.get(member) ?? 0), random };
      const answered = answer(asked);
      lastAt.set(member, atMs);
      const endMs = atMs + (answered.seconds ?? 0.02) * 1000;
      lines.push([endMs, accessLine(asked, answered, endMs)]);
      if (answered.error) errors.push([endMs, errorLine(asked, answered.error, endMs)]);
    }
  }
  return { access: inOrder(lines), error: inOrder(errors) };
}

const PATHS = ["/", "/cart", "/products/17", "/products/42", "/search?q=lamp", "/assets/app.js", "/api/user", "/login"];

function accessLine({ member, method, path, random }: Asked, answered: Answered, endMs: number): string {
  const { status = 200, first } = answered;
  const seconds = answered.seconds ?? Math.round(random() * random() * 900) / 1000;
  const took = seconds.toFixed(3);
  const header = status < 500 || answered.header ? took : "-";
  const addresses = first ? `${first.member}, ${member}` : member;
  const statuses = first ? `${first.status}, ${status}` : `${status}`;
  return `192.0.2.${1 + Math.floor(random() * 250)} - - [${clf(endMs)}] "${method} ${path} HTTP/1.1" ${status} 512 "-" "Mozilla/5.0" rt=${took} uct="0.001" uht="${header}" urt="${took}" ua="${addresses}" us="${statuses}"`;
}

function errorLine({ member, method, path }: Asked, error: string, endMs: number): string {
  return `${nginxTime(endMs)} [error] 31#31: *${endMs % 100_000} ${error}, client: 192.0.2.9, server: shop.example, request: "${method} ${path} HTTP/1.1", upstream: "http://${member}${path}", host: "shop.example"`;
}

function inOrder(lines: (readonly [ms: number, line: string])[]): string {
  return lines
    .sort((a, b) => a[0] - b[0])
    .map(([, line]) => `${line}\n`)
    .join("");
}

/** What doctor reads in these logs. */
export async function evidenceOf(logs: Readonly<Record<string, string>>): Promise<LogEvidence> {
  const folder = await mkdtemp(join(tmpdir(), "goodgate-logs-"));
  try {
    const files: string[] = [];
    for (const [name, text] of Object.entries(logs)) {
      const file = join(folder, `${name}.log`);
      await writeFile(file, text);
      files.push(file);
    }
    const options = { index, deadlineAt: now() + 20_000, onStep: () => undefined, zoneMinutes: 0 };
    return await beginLogs(files, options).finish({ requestIds: [], userAgent: "", startedAtMs: 0, paths: [] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
