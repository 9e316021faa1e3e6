// An incident as Markdown, to paste into a ticket or a chat: verdict, figures, reasons, what to do, timeline, and some
// of its failures. Paths, hosts and details come from requests: everything that Markdown or a chat would act on
// (markup, mentions, links, line breaks, steering characters) is escaped, code is fenced longer than what it holds.
import { span } from "../failure/words.ts";
import type { KeptFailure } from "../observe/report.ts";
import { printable } from "../wire/printable.ts";
import { count, localTime, type TimeOf } from "./facts.ts";
import type { Incident, Step } from "./model.ts";

const FAILURES_MAX = 10;
const TIMELINE_MAX = 20;

/** How the page is made. */
export interface MarkdownOptions {
  readonly timeOf?: TimeOf;
  /** Address of the incident in the console; "" or absent = no link. */
  readonly link?: string;
  /** Default 10. */
  readonly failuresMax?: number;
}

/** The incident, and some of its failures, as Markdown. */
export function incidentMarkdown(
  incident: Incident,
  failures: readonly KeptFailure[] = [],
  options: MarkdownOptions = {},
): string {
  const timeOf = options.timeOf ?? localTime;
  const { verdict } = incident;
  const parts = [
    `## ${md(verdict.sentence)}`,
    [
      `**${incident.severity}** · ${incident.closedAt === null ? "open" : "closed"} · ${verdict.confidence} · \`${incident.id}\``,
      `${timeOf(incident.openedAt)} to ${timeOf(incident.lastAt)}${day(incident.openedAt)}${incident.upstream === "" ? "" : ` · upstream ${md(incident.upstream)}`} · cause ${incident.cause}`,
      figures(incident),
      options.link ? `<${options.link.replace(/[<>\s]/g, encodeURIComponent)}>` : "",
    ]
      .filter((line) => line !== "")
      .join("  \n"),
    section("Why", verdict.reasons.map(md)),
    section("What to do", verdict.fixes.map(step)),
    verdict.confidence === "proven" ? "" : section("What would settle it", verdict.settle.map(step)),
    section(
      "It could also be",
      verdict.alternatives.map(({ text, why }) => `${md(text)} (${md(why)})`),
    ),
    section(
      "Timeline",
      incident.timeline.slice(-TIMELINE_MAX).map(({ at, text }) => `${timeOf(at)} ${md(text)}`),
    ),
    failureTable(failures.slice(0, options.failuresMax ?? FAILURES_MAX), timeOf),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function figures({ counts, endpoints }: Incident): string {
  const saved = counts.held + counts.queued + counts.retried + counts.failedOver;
  const labels = Object.entries(endpoints).filter(([label]) => label !== "");
  const told = [
    count(counts.failures, "failure"),
    `${counts.shown + counts.cut} shown`,
    counts.passed > 0 ? `${count(counts.passed, "error")} of its own` : "",
    `${saved} saved`,
    counts.requests > 0 ? count(counts.requests, "request") : "",
    counts.clients > 1 ? `about ${count(counts.clients, "client")}` : counts.clients === 1 ? "1 client" : "",
    labels.length > 0
      ? labels
          .slice(0, 6)
          .map(([label, times]) => `${md(label)}: ${times}`)
          .join(", ")
      : "",
  ];
  return told.filter((part) => part !== "").join(" · ");
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `### ${title}\n\n${lines.map((line) => `- ${line}`).join("\n")}`;
}

function step({ text, code, language }: Step): string {
  if (code === undefined) return md(text);
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const lines = printable(code).replace(/\r/g, "").split("\n");
  return `${md(text)}\n\n  ${fence}${language ?? ""}\n${lines.map((line) => `  ${line}`).join("\n")}\n  ${fence}`;
}

function failureTable(failures: readonly KeptFailure[], timeOf: TimeOf): string {
  if (failures.length === 0) return "";
  const rows = failures.map((failure) => {
    const request = `${failure.method} ${failure.host}${failure.target}`;
    const cells = [
      timeOf(failure.at),
      request,
      failure.endpoint,
      failure.cause,
      String(failure.status || ""),
      span(failure.durationMs),
    ];
    return `| ${cells.map(md).join(" | ")} |`;
  });
  return `### Failures\n\n| time | request | endpoint | cause | status | took |\n|---|---|---|---|---|---|\n${rows.join("\n")}`;
}

/** Only where the day is worth saying: as a date in UTC. */
function day(at: number): string {
  return ` (${new Date(at).toISOString().slice(0, 10)})`;
}

/** Text of strangers within a line of Markdown. */
export function md(text: string): string {
  return (
    printable(text)
      .replace(/[\r\n\t]+/g, " ")
      .replace(/[\\`*_[\]<>|#~!{}]/g, "\\$&")
      .replace(/&/g, "&amp;")
      // Mentions and bare links act in chats.
      .replace(/@/g, "@\u200b")
      .replace(/:\/\//g, ":\u200b//")
  );
}
