// All entries of a folder, checked one by one and against each other: links lead somewhere, causes are complete, no two
// entries claim the same text. For the build and the tests; the running program reads the index that the build made.
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { CAUSE_IDS } from "../failure/causes.ts";
import { anchorsOf as messageAnchors } from "./anchors.ts";
import { anchorOf, type Entry, type EntryCard, type KnowledgeIndex, type Match } from "./entry.ts";
import { type EntryProblem, parseEntry, subheadings } from "./parse-entry.ts";

export interface EntryCollection {
  /** In the order of their ids. */
  readonly entries: readonly Entry[];
  readonly problems: readonly EntryProblem[];
}

/** Reads every "kind/…/name.md" below `folder`. */
export function readEntries(folder: string): EntryCollection {
  const problems: EntryProblem[] = [];
  const entries: Entry[] = [];
  for (const id of entryIds(folder)) {
    const parsed = parseEntry(id, readFileSync(join(folder, `${id}.md`), "utf8"));
    problems.push(...parsed.problems);
    if (parsed.entry) entries.push(parsed.entry);
  }
  problems.push(...linkProblems(entries), ...registryProblems(entries), ...matchProblems(entries));
  return { entries, problems };
}

function entryIds(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && name.includes(sep))
    .map((name) => name.slice(0, -3).split(sep).join("/"))
    .sort();
}

/** What the terminal, search and explain need of the entries. */
export function indexOf(entries: readonly Entry[]): KnowledgeIndex {
  const cards = entries.map(
    ({ id, kind, title, summary, class: of, software, status, matches, samples, confused, proves }): EntryCard => ({
      ...{ id, kind, title, summary, class: of, software, status, matches, samples, confused, proves },
    }),
  );
  return { cards, anchors: messageAnchors(cards) };
}

/** Targets of Markdown links to entries: not addresses, not anchors of the same page. */
export function entryLinks(markdown: string): { target: string; line: number }[] {
  const text = markdown.replace(/^(\s*)(`{3,}|~{3,})[\s\S]*?^\s*\2/gm, (code) => code.replace(/[^\n]/g, ""));
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .filter(([, target]) => !/^(?:[a-z]+:|#)/.test(target!))
    .map((found) => ({ target: found[1]!, line: text.slice(0, found.index).split("\n").length }));
}

function linkProblems(entries: readonly Entry[]): EntryProblem[] {
  const anchors = new Map(entries.map((entry) => [entry.id, anchorsOf(entry)]));
  const problems: EntryProblem[] = [];
  for (const { id, related, confused, sections } of entries) {
    const report = (line: number, target: string) => {
      const [page, anchor] = target.split("#", 2);
      const known = anchors.get(page!);
      if (!known) problems.push({ file: `${id}.md`, line, message: `there is no entry ${page}` });
      else if (anchor && !known.has(anchor))
        problems.push({ file: `${id}.md`, line, message: `${page} has no heading #${anchor}` });
    };
    for (const target of [...related, ...confused.map(({ entry }) => entry)]) report(1, target);
    for (const { markdown, line } of sections)
      for (const link of entryLinks(markdown)) report(line + link.line, link.target);
  }
  return problems;
}

function anchorsOf({ sections }: Entry): ReadonlySet<string> {
  return new Set(sections.flatMap(({ anchor, markdown }) => [anchor, ...subheadings(markdown).map(anchorOf)]));
}

/** Cause ↔ entry, both ways (parseEntry refuses an entry without a cause). */
function registryProblems(entries: readonly Entry[]): EntryProblem[] {
  const ids = new Set(entries.map(({ id }) => id));
  return CAUSE_IDS.filter((cause) => !ids.has(`cause/${cause}`)).map((cause) => ({
    file: `cause/${cause}.md`,
    line: 1,
    message: "each cause of the failure table has an entry; this one has none",
  }));
}

/** Two entries of one product with the same match: explain could not choose. */
function matchProblems(entries: readonly Entry[]): EntryProblem[] {
  const owners = new Map<string, string>();
  const problems: EntryProblem[] = [];
  for (const { id, software, matches } of entries) {
    for (const match of matches) {
      const key = `${software ?? ""} ${matchKey(match)}`;
      const owner = owners.get(key);
      if (owner)
        problems.push({ file: `${id}.md`, line: 1, message: `${owner} has the same match: ${matchKey(match)}` });
      owners.set(key, id);
    }
  }
  return problems;
}

function matchKey(match: Match): string {
  if ("code" in match) return `${match.of}:${match.code}`;
  return "text" in match ? match.text.toLowerCase() : `/${match.regex}/`;
}
