// The same request in several logs: by its request id, else by time (a second apart at most), path, and what else both
// lines say (method, status, upstream). Two lines of one file are joined only as part of a request that another file tells
// of, too. Where more than one line of a file fits, it cannot be told which: then nothing is joined. Pure.
import type { JoinedRequest, LogEvent } from "./model.ts";

export interface Joinable {
  readonly file: string;
  readonly events: readonly LogEvent[];
  /** Requests that went well, where they have an id. */
  readonly identified: readonly LogEvent[];
}

const JOINED_MAX = 200;
const EVENTS_MAX = 12;
const APART_MS = 1000;

/** Requests that more than one file tells of, at least one of them of a failure. */
export function joinRequests(files: readonly Joinable[]): JoinedRequest[] {
  if (files.length < 2) return [];
  const byId = joinById(files);
  const taken = new Set(byId.flatMap(({ events }) => events));
  const byTime = joinByTime(files.map(({ events }) => events.filter((event) => !taken.has(event))));
  const all = [...byId, ...byTime].sort((a, b) => timeOf(a) - timeOf(b));
  return all.slice(-JOINED_MAX);
}

const timeOf = ({ events }: JoinedRequest): number => events.find(({ atMs }) => atMs !== null)?.atMs ?? 0;

function joinById(files: readonly Joinable[]): JoinedRequest[] {
  const known = new Map<string, LogEvent[]>();
  const failed = new Set<string>();
  for (const { events, identified } of files) {
    for (const event of events) {
      if (event.requestId === null) continue;
      failed.add(event.requestId);
      addTo(known, event.requestId, event);
    }
    for (const event of identified) if (event.requestId !== null) addTo(known, event.requestId, event);
  }
  const joined: JoinedRequest[] = [];
  for (const id of failed) {
    const events = known.get(id) ?? [];
    if (new Set(events.map(({ file }) => file)).size > 1)
      joined.push({ by: "request-id", key: id, events: outermostFirst(events) });
  }
  return joined;
}

function addTo(known: Map<string, LogEvent[]>, key: string, event: LogEvent): void {
  const events = known.get(key);
  if (!events) known.set(key, [event]);
  else if (events.length < EVENTS_MAX) events.push(event);
}

/** From each event of one file to the one of another that it alone fits to. */
function joinByTime(files: readonly (readonly LogEvent[])[]): JoinedRequest[] {
  const joined: JoinedRequest[] = [];
  const taken = new Set<LogEvent>();
  const byPath = files.map(indexed);
  for (const [at, events] of files.entries()) {
    for (const event of events) {
      if (taken.has(event) || event.atMs === null || event.path === null) continue;
      const others: LogEvent[] = [];
      for (const [index, paths] of byPath.entries()) {
        if (index <= at) continue;
        const fits = (paths.get(event.path) ?? []).filter((other) => !taken.has(other) && isSame(event, other));
        const only = fits.length === 1 ? fits[0] : undefined;
        // It must be the only one that way, too.
        if (only && (byPath[at]?.get(event.path) ?? []).filter((each) => isSame(each, only)).length === 1)
          others.push(only);
      }
      if (others.length === 0) continue;
      for (const each of [event, ...others]) taken.add(each);
      const key = `${event.method ?? ""} ${event.path} ${event.time ?? ""}`.trim();
      joined.push({ by: "time-and-path", key, events: outermostFirst([event, ...others]) });
    }
  }
  return joined;
}

function indexed(events: readonly LogEvent[]): ReadonlyMap<string, readonly LogEvent[]> {
  const byPath = new Map<string, LogEvent[]>();
  for (const event of events) {
    if (event.atMs === null || event.path === null) continue;
    const known = byPath.get(event.path);
    if (known) known.push(event);
    else byPath.set(event.path, [event]);
  }
  return byPath;
}

/** Nothing that both say differs. */
function isSame(a: LogEvent, b: LogEvent): boolean {
  if (Math.abs((a.atMs ?? 0) - (b.atMs ?? 0)) > APART_MS) return false;
  if (a.method !== null && b.method !== null && a.method !== b.method) return false;
  const sameProgram = a.software !== null && a.software === b.software;
  if (a.status !== null && b.status !== null && a.status !== b.status) return false;
  // Of different hops each has its own upstream and its own client.
  return !sameProgram || (same(a.upstream, b.upstream) && same(a.client, b.client));
}

function same(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return true;
  const bare = (text: string) => text.replace(/^\w+:\/\//, "").replace(/,? .*$/, "");
  return bare(a) === bare(b);
}

/** What takes longer contains the rest: it is further out. Where durations are not said, the order is that of the times. */
function outermostFirst(events: readonly LogEvent[]): LogEvent[] {
  return [...events].sort((a, b) => (b.durationMs ?? -1) - (a.durationMs ?? -1) || (a.atMs ?? 0) - (b.atMs ?? 0));
}
