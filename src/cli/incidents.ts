// goodgate incidents: what went wrong, why, and what to do; from the console of the running gateway, else from the store
// that it has left in --data. Exit codes: 0 fine; 1 open incidents among those listed, or a replay that fails again or
// is not sent; 2 wrong usage, or neither a gateway nor a store.

import { dirname } from "node:path";
import { parseDuration } from "../std/units.ts";
import type { FailureQuery, IncidentQuery } from "../store/model.ts";
import { printable } from "../wire/printable.ts";
import { ConsoleClient, ConsoleProblem, consolePlace } from "./ask-console.ts";
import { fromConsole, fromStore, type Source } from "./incidents-source.ts";
import { incidentText, type Look, listText, replayText } from "./incidents-text.ts";
import { type PidFileOptions, pidFilePath } from "./pid-file.ts";
import { coloured, columns, print } from "./terminal.ts";

const EXIT_FINE = 0;
const EXIT_FINDINGS = 1;
const EXIT_USAGE = 2;
const LIMIT_STANDARD = 20;
const LIMIT_MAX = 500;
const FAILURES_MAX = 50;
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** Shorter ones are likely to mean several. */
const PREFIX_MIN = 3;

export interface IncidentsOptions extends Pick<PidFileOptions, "data"> {
  readonly console?: string;
  readonly json?: boolean;
  /** list: only those that last. */
  readonly open?: boolean;
  readonly since?: string;
  readonly upstream?: string;
  readonly cause?: string;
  readonly limit?: string;
  /** show: so many of its failures. */
  readonly failures?: string;
  /** replay: "upstream endpoint". */
  readonly endpoint?: string;
}

/** Something that was asked for wrongly. */
class Usage extends Error {}

/** Runs the command; resolves with the exit code. */
export async function incidentsCommand(args: readonly string[], options: IncidentsOptions): Promise<number> {
  const [action = "list", id, ...rest] = args;
  let source: Source | null = null;
  try {
    if (!["list", "show", "replay"].includes(action))
      throw new Usage(`there is no "${printable(action)}"; there are list, show ID and replay ID`);
    if (rest.length > 0 || (action === "list" && id !== undefined)) throw new Usage(`too many words after ${action}`);
    if (action !== "list" && id === undefined) throw new Usage(`${action} needs an id: goodgate incidents lists them`);
    const wanted = readOptions(options);
    source = await openSource(options);
    if (action === "list") return await list(source, wanted.query, options);
    if (action === "show") return await show(source, id!, wanted.failures, options);
    return await replay(source, id!, options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`goodgate incidents: ${printable(error.message)}\n`);
    return EXIT_USAGE;
  } finally {
    await source?.close();
  }
}

/** The gateway that runs, else the store of one that does not. */
async function openSource({ console: told, data }: IncidentsOptions): Promise<Source> {
  const place = consolePlace(told);
  if (typeof place === "string") throw new Usage(place);
  const client = new ConsoleClient(place);
  const source = fromConsole(client);
  try {
    // Whether anybody is there: what it says is of no matter.
    await source.incidents({ limit: 1 });
    return source;
  } catch (error) {
    if (!(error instanceof ConsoleProblem) || error.kind !== "away" || told !== undefined) throw error;
    const folder = dirname(pidFilePath(data === undefined ? {} : { data }));
    try {
      return await fromStore(folder);
    } catch (storeError) {
      throw new Error(`${error.message}, and ${(storeError as Error).message}`);
    }
  }
}

function readOptions(options: IncidentsOptions): { readonly query: IncidentQuery; readonly failures: number } {
  const { open, since, upstream, cause } = options;
  const sinceMs = since === undefined ? undefined : parseDuration(since);
  if (since !== undefined && (sinceMs === undefined || sinceMs <= 0))
    throw new Usage(`--since ${since} is no duration; write 30m, 24h or 7d`);
  const now = Date.now();
  return {
    query: {
      gateway: "all",
      limit: countOf("--limit", options.limit, LIMIT_STANDARD, LIMIT_MAX),
      ...(open ? { state: "open" as const } : {}),
      ...(sinceMs === undefined ? {} : { range: { from: now - sinceMs, to: now + 1 } }),
      ...(upstream === undefined ? {} : { upstream }),
      ...(cause === undefined ? {} : { cause }),
    },
    failures: countOf("--failures", options.failures, 1, FAILURES_MAX, 0),
  };
}

function countOf(name: string, text: string | undefined, standard: number, most: number, least = 1): number {
  if (text === undefined) return standard;
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= least && count <= most))
    throw new Usage(`${name} ${text} is no whole number from ${least} to ${most}`);
  return count;
}

async function list(source: Source, query: IncidentQuery, options: IncidentsOptions): Promise<number> {
  const { items, total } = await source.incidents(query);
  const document = { from: source.where, incidents: items, total };
  await out(options, document, (look) => listText(items, total, source.where, look));
  return items.some(({ closedAt }) => closedAt === null) ? EXIT_FINDINGS : EXIT_FINE;
}

async function show(source: Source, asked: string, count: number, options: IncidentsOptions): Promise<number> {
  const id = await incidentIdOf(source, asked);
  const incident = id === null ? null : await source.incident(id);
  if (!incident) throw new Usage(`there is no incident ${asked}; goodgate incidents lists them`);
  const query: FailureQuery = { incident: incident.id, limit: Math.max(1, count), gateway: "all" };
  const failures = count === 0 ? [] : (await source.failures(query)).items.slice(0, count);
  await out(options, { from: source.where, incident, failures }, (look) => incidentText(incident, failures, look));
  return EXIT_FINE;
}

/** The incident that an id, or the beginning of one, means; null = none. */
async function incidentIdOf(source: Source, asked: string): Promise<string | null> {
  if (await source.incident(asked)) return asked;
  if (asked.length < PREFIX_MIN) return null;
  const { items } = await source.incidents({ gateway: "all", limit: LIMIT_MAX });
  return onlyOne(
    asked,
    items.map(({ id }) => id),
  );
}

function onlyOne(asked: string, ids: readonly string[]): string | null {
  const found = ids.filter((id) => id.startsWith(asked));
  if (found.length <= 1) return found[0] ?? null;
  const more = found.length > 5 ? " …" : "";
  throw new Usage(`${asked} is the beginning of ${found.length} ids: ${found.slice(0, 5).join(", ")}${more}`);
}

async function replay(source: Source, asked: string, options: IncidentsOptions): Promise<number> {
  if (!source.replay)
    throw new Error(`no gateway runs that could send it (${source.where} was found); --console ADDR names its console`);
  const id = await failureIdOf(source, asked);
  const result = await source.replay(id, options.endpoint === undefined ? {} : { endpoint: options.endpoint });
  await out(options, { from: source.where, failure: id, ...result }, (look) => replayText(result, look));
  return result.ok ? EXIT_FINE : EXIT_FINDINGS;
}

/** A failure by its id, its request's, the beginning of one; or the first that may be sent again of an incident. */
async function failureIdOf(source: Source, asked: string): Promise<string> {
  const failure = await source.failure(asked);
  if (failure) return failure.id;
  const incident = await incidentIdOf(source, asked);
  if (incident !== null) {
    const { items } = await source.failures({ incident, limit: LIMIT_MAX, gateway: "all" });
    const safe =
      items.find(({ method, upstream }) => SAFE.has(method) && upstream !== "") ??
      items.find(({ method }) => SAFE.has(method));
    if (safe) return safe.id;
    const why =
      items.length === 0
        ? "none of its failures was kept whole"
        : "none of its kept failures is a GET, HEAD or OPTIONS";
    throw new Usage(`nothing of ${incident} can be sent again: ${why}`);
  }
  const { items } = await source.failures({ limit: LIMIT_MAX, gateway: "all" });
  const found =
    asked.length < PREFIX_MIN
      ? null
      : onlyOne(
          asked,
          items.map(({ id }) => id),
        );
  if (found === null)
    throw new Usage(`there is no failure and no incident ${asked}; goodgate incidents show ID shows some`);
  return found;
}

async function out(options: IncidentsOptions, document: unknown, text: (look: Look) => string): Promise<void> {
  if (options.json) return print(`${JSON.stringify(document, null, 2)}\n`);
  await print(text({ colour: coloured(), columns: columns(), now: Date.now() }));
}
