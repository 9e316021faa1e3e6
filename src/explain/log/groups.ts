// A whole log in groups: each entry is read (a few µs), its key looked up, and only the first of a kind is explained.
// Groups are by class and template; memory is bounded: at most GROUPS_MAX groups (the rarest that were not seen for
// longest are merged into others, their class keeps its total), KEYS_MAX keys, top values by Space-Saving. Pure: lines
// come in, a report goes out.
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Confidence, Explanation, Facts } from "../explanation.ts";
import { normalise } from "../normalise.ts";
import { recognise } from "../recognise.ts";
import type { Recognised } from "../recognised.ts";
import { type JoinedEntry, joinLines } from "./join-lines.ts";
import type { ClassTotal, LogGroup, LogReport, Moment, Tally } from "./log-report.ts";
import { keyOf } from "./message-key.ts";
import { ownCopy, Top } from "./top.ts";
import { verdictOf } from "./verdict.ts";

export interface LogGroupsOptions {
  readonly groupsMax?: number;
  readonly keysMax?: number;
  /** Called for each entry, in order, with what was read of it: for those that want more than groups. */
  readonly onEntry?: (entry: SeenEntry) => void;
}

/** What becomes of an entry. */
export type Outcome = "benign" | "other" | "clientError" | "failure";

/** An entry as the groups saw it; valid during the call. */
export interface SeenEntry extends JoinedEntry {
  /** Without what stands around the message. */
  readonly normalised: string;
  readonly recognised: Recognised;
  /** Equal for entries that say the same; null = normal work that was not looked at further. */
  readonly key: string | null;
  readonly of: Outcome;
  /** Of failures. */
  readonly class: EntryClass | null;
  readonly confidence: Confidence;
  /** The first of its group. */
  readonly isNew: boolean;
}

export interface LogGroups {
  /** Takes a line without its line end; lineNumber counts from 1. */
  readonly add: (line: string, lineNumber: number) => void;
  /** What was found so far; lines that wait for more are counted in. May be called once, at the end. */
  readonly result: () => LogReport;
}

const GROUPS_MAX = 2_000;
const KEYS_MAX = 8_192;
const SAMPLE_MAX = 600;
const PATH_MAX = 120;

/** What all entries of a key have in common. */
type Kind = { readonly of: "benign" | "other" | "clientError" } | { readonly of: "failure"; readonly group: string };

const BENIGN: Kind = { of: "benign" };
const OTHER: Kind = { of: "other" };

interface Open {
  count: number;
  first: Moment;
  last: Moment;
  readonly upstreams: Top;
  readonly hosts: Top;
  readonly paths: Top;
}

interface OpenGroup extends Open {
  readonly key: string;
  readonly said: Omit<LogGroup, keyof Tally>;
}

interface OpenClass extends Open {
  readonly said: Pick<ClassTotal, "class" | "entry" | "title">;
}

/** Groups the lines of a log; `explainLine` is asked once for each kind of line. */
export function createLogGroups(
  explainLine: (text: string) => Explanation,
  { groupsMax = GROUPS_MAX, keysMax = KEYS_MAX, onEntry }: LogGroupsOptions = {},
): LogGroups {
  const joiner = joinLines();
  const kinds = new Map<string, Kind>();
  const groups = new Map<string, OpenGroup>();
  /** What groups that were dropped leave behind. */
  const merged = new Map<EntryClass | null, OpenClass>();
  const counts = { lines: 0, benign: 0, other: 0, clientError: 0, failures: 0 };
  const others = { groups: 0, entries: 0 };

  /** Of the entry that was looked at last. */
  let lastKey: string | null = null;

  function take({ text, line, lines }: JoinedEntry): void {
    const normalised = normalise(text);
    const recognised = recognise(normalised);
    const kind = kindOf(text, normalised.text, recognised, line);
    const group = kind.of === "failure" ? groups.get(kind.group)! : null;
    if (group) {
      counts.failures++;
      count(group, line, recognised.facts);
    } else if (kind.of !== "failure") counts[kind.of] += lines;
    if (!onEntry) return;
    // Field by field: copying an object with "..." costs as much as reading the line.
    onEntry({
      text,
      line,
      lines,
      normalised: normalised.text,
      recognised,
      key: lastKey,
      of: kind.of,
      class: group?.said.class ?? null,
      confidence: group?.said.confidence ?? "none",
      isNew: group?.count === 1,
    });
  }

  function kindOf(text: string, normalised: string, recognised: Recognised, line: number): Kind {
    lastKey = null;
    if (normalised === "") return OTHER;
    if (recognised.benign && recognised.messages.length === 0) return BENIGN;
    const key = keyOf(normalised, recognised);
    lastKey = key;
    const known = kinds.get(key);
    if (known && (known.of !== "failure" || groups.has(known.group))) return known;
    const kind = newKind(text, recognised.facts, key, line);
    if (kinds.size >= keysMax) kinds.clear();
    kinds.set(key, kind);
    return kind;
  }

  function newKind(text: string, facts: Facts, key: string, line: number): Kind {
    const explanation = explainLine(text);
    const of = outcomeOf(explanation, facts);
    if (of !== "failure") return { of };
    const id = `${explanation.class ?? ""} ${explanation.class === null ? key : explanation.template}`;
    if (!groups.has(id)) {
      if (groups.size >= groupsMax) mergeRarest();
      groups.set(id, { ...open({ line, time: null }), key: id, said: saidOf(explanation, text) });
    }
    return { of, group: id };
  }

  /** A tenth at once, so that a log in which every line is new does not sort for each. */
  function mergeRarest(): void {
    const rarest = [...groups.values()].sort((a, b) => a.count - b.count || a.last.line - b.last.line);
    for (const group of rarest.slice(0, Math.max(1, Math.floor(groupsMax / 10)))) {
      groups.delete(group.key);
      addToClass(merged, group);
      others.groups++;
      others.entries += group.count;
    }
  }

  function totals(): ClassTotal[] {
    const all = new Map<EntryClass | null, OpenClass>();
    for (const each of merged.values()) addToClass(all, each);
    for (const group of groups.values()) addToClass(all, group);
    return byCount(all.values());
  }

  return {
    add(line, lineNumber) {
      counts.lines++;
      const entry = joiner.add(line, lineNumber);
      if (entry) take(entry);
    },
    result() {
      const entry = joiner.end();
      if (entry) take(entry);
      const report: Omit<LogReport, "verdict"> = {
        lines: counts.lines,
        benign: counts.benign,
        other: counts.other,
        clientErrors: counts.clientError,
        failures: counts.failures,
        groups: byCount(groups.values()),
        others: { ...others },
        classes: totals(),
      };
      return { ...report, verdict: verdictOf(report) };
    },
  };
}

const FAILURE_LEVEL = /^(?:error|crit|alert|emerg|fatal|panic)$/;

/** A line of which nothing is known counts as a failure only where it says of itself that something failed. */
function outcomeOf({ class: of }: Explanation, facts: Facts): Outcome {
  if (of === "not-an-error") return "benign";
  const { status } = facts;
  if (of === null || of === "unknown" || of === "status-only-502") {
    if (status !== undefined && status >= 400 && status < 500) return "clientError";
    if (of === "status-only-502") return status !== undefined && status < 400 ? "other" : "failure";
    return (status ?? 0) >= 500 || FAILURE_LEVEL.test(facts.level ?? "") ? "failure" : "other";
  }
  return "failure";
}

function open(first: Moment): Open {
  return { count: 0, first, last: first, upstreams: new Top(), hosts: new Top(), paths: new Top() };
}

function count(into: Open, line: number, { time, upstream, upstreamName, host, server, path }: Facts): void {
  into.count++;
  into.last = { line, time: time === undefined ? null : ownCopy(time) };
  if (into.first.time === null) into.first = { line: into.first.line, time: into.last.time };
  into.upstreams.add((upstream ?? upstreamName)?.replace(/^\w+:\/\//, ""));
  into.hosts.add(host ?? server);
  into.paths.add(withoutQuery(path));
}

function addToClass(all: Map<EntryClass | null, OpenClass>, each: OpenGroup | OpenClass): void {
  const { class: of, entry, title } = each.said;
  let total = all.get(of);
  if (!total) {
    total = { ...open(each.first), said: { class: of, entry, title } };
    all.set(of, total);
  }
  total.count += each.count;
  if (each.first.line < total.first.line) total.first = each.first;
  if (each.last.line > total.last.line) total.last = each.last;
  for (const name of ["upstreams", "hosts", "paths"] as const) total[name].merge(each[name]);
}

function withoutQuery(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const query = path.indexOf("?");
  return path.slice(0, Math.min(query < 0 ? path.length : query, PATH_MAX));
}

function saidOf(explanation: Explanation, text: string): OpenGroup["said"] {
  const { class: of, confidence, entry, title, summary, next, template } = explanation;
  return { class: of, confidence, entry, title, summary, next, template, sample: ownCopy(text.slice(0, SAMPLE_MAX)) };
}

function byCount<Said extends object>(all: Iterable<Open & { readonly said: Said }>): (Said & Tally)[] {
  return [...all]
    .map(({ said, count, first, last, upstreams, hosts, paths }) => ({
      ...said,
      count,
      first,
      last,
      upstreams: upstreams.list(),
      hosts: hosts.list(),
      paths: paths.list(),
    }))
    .sort((a, b) => b.count - a.count || a.first.line - b.first.line);
}
