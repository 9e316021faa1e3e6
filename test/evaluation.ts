// How good explain is: each case of a corpus is judged as exact, accepted, wrong (a diagnosis that misleads), or
// abstained (no diagnosis where there is one).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { explain } from "../src/explain/explain.ts";
import type { KnowledgeIndex } from "../src/knowledge/entry.ts";

export interface ExplainCase {
  readonly id: string;
  readonly text: string;
  readonly class: string;
  readonly accept: readonly string[];
  readonly software: string;
}

export type Verdict = "exact" | "accepted" | "wrong" | "abstained";
export interface Judged {
  readonly each: ExplainCase;
  readonly verdict: Verdict;
  readonly answer: string | null;
  readonly entry: string;
}

/** Reads "key: value" lines, "---", the text: one case per file. */
export function readCases(folder: string): ExplainCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => {
      const [head = "", ...rest] = readFileSync(join(folder, name), "utf8").split("\n---\n");
      const fields = new Map(head.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      return {
        id: name.replace(/\.txt$/, ""),
        text: rest.join("\n---\n").replace(/\n$/, ""),
        class: fields.get("class") ?? "",
        accept: (fields.get("accept") ?? "").split(", ").filter((id) => id !== ""),
        software: fields.get("software") ?? "",
      };
    });
}

/** Judges all cases. */
export function judge(cases: readonly ExplainCase[], index: KnowledgeIndex): Judged[] {
  return cases.map((each) => {
    const { class: answer, entry } = explain(each.text, index);
    return { each, answer, entry, verdict: verdictOf(each, answer) };
  });
}

function verdictOf(each: ExplainCase, answer: string | null): Verdict {
  if (answer === each.class) return "exact";
  if (answer !== null && each.accept.includes(answer)) return "accepted";
  // "unknown" is what no program can know: not to answer is the answer.
  if (answer === null && (each.class === "unknown" || each.class === "null")) return "exact";
  return answer === null || answer === "status-only-502" ? "abstained" : "wrong";
}

/**
 * What lines in words that nobody has entered would get: each case is judged without the entry that answered it.
 */
export function judgeUnseen(cases: readonly ExplainCase[], index: KnowledgeIndex): Judged[] {
  return judge(cases, index).flatMap(({ each, entry }) => {
    const rest = { cards: index.cards.filter(({ id }) => `/${id}` !== entry || id.startsWith("cause/")) };
    return judge([each], rest);
  });
}

/** A table: per software and in all, how many of each verdict. */
export function table(judged: readonly Judged[]): string {
  const groups = new Map<string, Judged[]>([["all", [...judged]]]);
  for (const each of judged) groups.set(each.each.software, [...(groups.get(each.each.software) ?? []), each]);
  const rows = [...groups].map(([name, list]) => {
    const count = (verdict: Verdict) => list.filter((each) => each.verdict === verdict).length;
    const cells = [list.length, count("exact"), count("accepted"), count("wrong"), count("abstained")];
    return `${name.padEnd(24)}${cells.map((cell) => String(cell).padStart(10)).join("")}`;
  });
  const titles = ["cases", "exact", "accepted", "wrong", "abstained"].map((title) => title.padStart(10)).join("");
  return [`${"software".padEnd(24)}${titles}`, ...rows].join("\n");
}
