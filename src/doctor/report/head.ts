// The top of a report and its last line: the answer in one sentence, then class, hop, since when, how often.
import type { Diagnosis, DoctorReport, Verdict } from "../diagnose/model.ts";
import type { Evidence } from "../evidence.ts";
import type { Head } from "./page.ts";
import { CERTAINTY_LABELS, counted, roughly, span, timeOfDay } from "./words.ts";

export interface PageHead {
  readonly title: string;
  readonly head: Head;
  readonly footer: readonly string[];
}

/** Title, first lines and last line. */
export function headOf({ version, diagnosis, evidence }: DoctorReport): PageHead {
  return {
    title: subjectOf(evidence),
    head: topOf(diagnosis, evidence),
    footer: footerOf(version, evidence),
  };
}

/** What the report is about: the URL, else the files that were given. */
function subjectOf({ url, configs, logs, chain }: Evidence): string {
  if (url !== null) return url;
  const files = [...configs.map(({ file }) => file), ...logs.files.map(({ file }) => file)];
  if (files.length > 0) {
    const more = files.length > 3 ? ` and ${files.length - 3} more` : "";
    return files.slice(0, 3).join(", ") + more;
  }
  return chain === null ? "nothing was given" : chain.hops.map(({ name }) => name).join(" > ");
}

function topOf(diagnosis: Diagnosis, evidence: Evidence): Head {
  const { outcome, verdict, summary } = diagnosis;
  if (verdict !== null && outcome !== "healthy") {
    return {
      tone: outcome === "fault" ? "bad" : "open",
      label: CERTAINTY_LABELS[verdict.certainty],
      headline: bare(verdict.headline),
      facts: factsOf(verdict, evidence),
      summary: unlessSaid(summary, verdict.headline),
    };
  }
  if (outcome !== "healthy") return { tone: "open", label: "Cause open", headline: summary, facts: [], summary: null };
  if (evidence.targets.length > 0 || evidence.logs.files.length > 0) {
    return {
      tone: "good",
      label: "No fault found",
      headline: "",
      facts: [],
      summary: unlessSaid(summary, "No fault found"),
    };
  }
  // Only configurations, or only a chain: nothing was seen to work, so nothing says that it does.
  const risks = diagnosis.risks.filter(({ severity }) => severity === "risk").length;
  return {
    tone: risks > 0 ? "notice" : "good",
    label: risks > 0 ? counted(risks, "risk") : "No risk found",
    headline: "",
    facts: [],
    summary: summary === "" || /^no fault found/i.test(summary) ? "Nothing was probed." : summary,
  };
}

/** Without what the label says already. */
const bare = (text: string): string => text.replace(/^(?:proven|likely|possible|no fault found):\s+(?=\S)/i, "");

/** A summary that only says what stands above it is left out. */
function unlessSaid(summary: string, said: string): string | null {
  const plain = (text: string): string =>
    bare(text)
      .toLowerCase()
      .replace(/[\s.:!]+$/, "")
      .trim();
  return plain(summary) === "" || plain(summary) === plain(said) ? null : bare(summary);
}

function factsOf(verdict: Verdict, { startedAtMs }: Evidence): string[] {
  const at = verdict.hopName || verdict.hop;
  const facts = [verdict.class as string];
  if (at !== "") {
    const address = verdict.address !== null && !at.includes(verdict.address) ? ` (${verdict.address})` : "";
    facts.push(`at ${at}${address}`);
  }
  if (verdict.rate !== "") facts.push(verdict.rate);
  if (verdict.since !== null) {
    const { atMs, how } = verdict.since;
    const ago = startedAtMs - atMs;
    const parts = [ago > 0 ? `${roughly(ago)} before this report` : "", how].filter((part) => part !== "");
    facts.push(`since ${timeOfDay(atMs)}${parts.length === 0 ? "" : ` (${parts.join("; ")})`}`);
  }
  return facts;
}

function footerOf(version: string, evidence: Evidence): string[] {
  const requests = evidence.targets.reduce((sum, target) => sum + target.requests, 0);
  const parts = [`goodgate doctor ${version}`, timeOfDay(evidence.startedAtMs), `took ${span(evidence.tookMs)}`];
  if (evidence.targets.length > 0)
    parts.push(`${counted(requests, "request")} to ${counted(evidence.targets.length, "target")}`);
  if (evidence.configs.length > 0) parts.push(counted(evidence.configs.length, "configuration"));
  if (evidence.logs.files.length > 0) parts.push(counted(evidence.logs.files.length, "log"));
  return parts;
}
