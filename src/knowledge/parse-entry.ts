// A Markdown file becomes an entry: YAML head between two "---" lines, then sections with fixed headings. Never throws:
// what is wrong becomes problems with their line. Used when the package is built and by the tests, not at run time.
import { parseDocument } from "yaml";
import { z } from "zod";
import { CAUSES, isCauseId } from "../failure/causes.ts";
import {
  anchorOf,
  ENTRY_KINDS,
  type Entry,
  type EntryClass,
  type EntryKind,
  type Match,
  PSEUDO_CLASSES,
  requiredSections,
  SECTION_HEADINGS,
  type Section,
  type SectionHeading,
} from "./entry.ts";
import { matchProblem } from "./signature.ts";

export interface EntryProblem {
  /** The id and ".md". */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface ParsedEntry {
  readonly entry: Entry | null;
  readonly problems: readonly EntryProblem[];
}

/** Below "Causes". */
export const LAYERS = ["Frontend", "Backend", "Infrastructure"] as const;

/** Below "Fixes": each is a tab of the page. */
export const FIX_TARGETS: readonly string[] = [
  ...["nginx", "HAProxy", "Caddy", "Traefik", "Envoy", "Apache", "Varnish", "Goodgate"],
  ...["ALB", "CloudFront", "Cloudflare", "Fastly", "Google Cloud", "Azure", "Heroku", "Netlify", "Vercel"],
  ...["Kubernetes", "Docker", "systemd", "Linux", "DNS", "Client", "Browser", "curl"],
  ...["Node", "Express", "Fastify", "Next", "Python", "PHP", "Java", "Go", "Ruby", ".NET"],
];

const SUMMARY_MAX = 220;

const id = z
  .string()
  .regex(/^(?:status|cause|message)\/[a-z0-9.-]+(?:\/[a-z0-9.-]+)?$/, "an id like cause/connect-refused");
const line = z
  .string()
  .min(1)
  .regex(/^\S[^\n]*$/, "one line of text");
const match = z.union(
  [
    line.transform((text): Match => ({ text })),
    z.strictObject({ regex: z.string().min(3) }),
    z.strictObject({ code: z.string().min(1), of: z.string() }),
  ],
  "text in quotes, { regex: … } or { code: …, of: … }",
);

const head = z.strictObject({
  title: line,
  summary: line.max(SUMMARY_MAX),
  software: z
    .string()
    .regex(/^[a-z0-9.-]+$/)
    .optional(),
  cause: z.string().optional(),
  status: z.int().min(100).max(999).nullish(),
  standard: line.optional(),
  matches: z.array(match).default([]),
  samples: z.array(z.string().min(1)).min(1),
  related: z.array(id).default([]),
  confused: z.array(z.strictObject({ entry: id, tell: line })).default([]),
  sources: z
    .array(
      z.strictObject({
        what: line,
        url: z.url().optional(),
        version: z.union([line, z.number()]).transform(String).optional(),
        read: z
          .string()
          .regex(/^\d{4}-\d\d-\d\d$/)
          .optional(),
      }),
    )
    .min(1),
  unverified: z.array(line).default([]),
  proves: z.boolean().default(true),
});
type Head = z.infer<typeof head>;

/** Reads the file of entry `entryId`. */
export function parseEntry(entryId: string, text: string): ParsedEntry {
  const problems: EntryProblem[] = [];
  const report = (atLine: number, message: string) => {
    problems.push({ file: `${entryId}.md`, line: atLine, message });
  };
  const kind = entryId.split("/", 1)[0] as EntryKind;
  const parts = /^---\n([\s\S]*?)\n---\n/.exec(text);
  if (!ENTRY_KINDS.includes(kind)) report(1, `"${kind}" is no kind of entry: ${ENTRY_KINDS.join(", ")}`);
  if (!parts) report(1, 'the file does not open with a YAML head between two "---" lines');
  if (problems.length > 0 || !parts) return { entry: null, problems };

  const document = parseDocument(parts[1]!, { version: "1.2", schema: "core" });
  for (const error of document.errors) report((error.linePos?.[0].line ?? 1) + 1, error.message.split("\n", 1)[0]!);
  if (problems.length > 0) return { entry: null, problems };
  const checked = head.safeParse(document.toJS());
  if (!checked.success) {
    for (const issue of checked.error.issues)
      report(headLine(parts[1]!, issue.path), `${issue.path.join(".")}: ${issue.message}`);
    return { entry: null, problems };
  }

  const firstLine = parts[0].split("\n").length;
  const sections = readSections(text.slice(parts[0].length), firstLine, report);
  const meaning = meaningOf(kind, entryId, checked.data, report);
  for (const each of checked.data.matches) {
    const problem = matchProblem(each);
    if (problem) report(headLine(parts[1]!, ["matches"]), problem);
  }
  checkSections(kind, meaning.status, sections, report);
  const { title, summary, matches, samples, related, confused, sources, unverified } = checked.data;
  const entry: Entry = {
    id: entryId,
    kind,
    title,
    summary,
    software: checked.data.software ?? null,
    ...meaning,
    matches,
    samples: samples.map((sample) => sample.trimEnd()),
    related,
    confused,
    sources: sources as Entry["sources"],
    unverified,
    proves: checked.data.proves,
    standard: checked.data.standard ?? null,
    sections,
  };
  return { entry, problems };
}

type Report = (line: number, message: string) => void;

/** The class and the status, from the name of the file or from the head. */
function meaningOf(kind: EntryKind, entryId: string, given: Head, report: Report): Pick<Entry, "class" | "status"> {
  const name = entryId.slice(entryId.indexOf("/") + 1);
  if (kind !== "message") {
    for (const key of ["software", "cause", "status"] as const)
      if (given[key] !== undefined) report(2, `${key}: only messages say it; here the file's name does`);
  }
  if (kind === "status") {
    if (!/^\d{3}$/.test(name)) report(1, "a status entry is named by its number");
    return { class: null, status: Number(name) };
  }
  if (kind === "cause") {
    if (!isCauseId(name)) report(1, `"${name}" is no cause of the failure table`);
    return { class: name as EntryClass, status: isCauseId(name) ? CAUSES[name].status : null };
  }
  if (given.software === undefined || !entryId.startsWith(`message/${given.software}/`))
    report(2, "software: the folder below message/");
  const cause = given.cause ?? "";
  if (!isCauseId(cause) && !PSEUDO_CLASSES.includes(cause as never))
    report(2, `cause: "${cause}" is neither a cause of the failure table nor ${PSEUDO_CLASSES.join(", ")}`);
  if (given.status === undefined) report(2, "status: the number that the client sees, or null");
  if (given.matches.length === 0) report(2, "matches: how the message is recognised");
  return { class: cause as EntryClass, status: given.status ?? null };
}

function readSections(body: string, firstLine: number, report: Report): Section[] {
  const sections: Section[] = [];
  const lines = body.split("\n");
  let current: { heading: SectionHeading; line: number; rows: string[] } | null = null;
  let fence = "";
  const finish = () => {
    if (!current) return;
    const markdown = current.rows.join("\n").trim();
    if (markdown === "") report(current.line, `"${current.heading}" is empty`);
    sections.push({ heading: current.heading, anchor: anchorOf(current.heading), markdown, line: current.line });
  };
  lines.forEach((row, index) => {
    const marker = /^\s*(`{3,}|~{3,})/.exec(row)?.[1];
    if (marker && fence === "") fence = marker;
    else if (marker && row.trim().startsWith(fence)) fence = "";
    const heading = fence === "" ? /^##? (.+)$/.exec(row)?.[1]?.trim() : undefined;
    if (heading === undefined) {
      if (current) current.rows.push(row);
      else if (row.trim() !== "")
        report(firstLine + index, `text before the first heading: begin with "## ${SECTION_HEADINGS[0]}"`);
      return;
    }
    finish();
    if (!SECTION_HEADINGS.includes(heading as SectionHeading))
      report(firstLine + index, `"## ${heading}": the headings are ${SECTION_HEADINGS.join(", ")}`);
    current = { heading: heading as SectionHeading, line: firstLine + index, rows: [] };
  });
  finish();
  if (fence !== "") report(firstLine + lines.length - 1, "a code fence is not closed");
  return sections;
}

function checkSections(kind: EntryKind, status: number | null, sections: readonly Section[], report: Report): void {
  const headings = sections.map(({ heading }) => heading);
  for (const wanted of requiredSections(kind, status))
    if (!headings.includes(wanted)) report(1, `"## ${wanted}" is missing`);
  const order = headings.map((heading) => SECTION_HEADINGS.indexOf(heading));
  const misplaced = order.findIndex((place, index) => index > 0 && place <= order[index - 1]!);
  if (misplaced > 0) report(sections[misplaced]!.line, `"## ${headings[misplaced]}" stands twice or after a later one`);
  for (const { heading, markdown, line } of sections) {
    const inner = subheadings(markdown);
    if (heading === "Causes" && kind !== "message")
      for (const layer of LAYERS)
        if (!inner.includes(layer)) report(line, `"### ${layer}" is missing below "## Causes"`);
    if (heading === "Fixes")
      for (const target of inner)
        if (!FIX_TARGETS.includes(target)) report(line, `"### ${target}": the tabs are ${FIX_TARGETS.join(", ")}`);
    if (heading === "Diagnose" && !/^1\. /m.test(markdown))
      report(line, "the steps of the diagnosis are a numbered list");
    if (heading === "FAQ" && inner.length === 0) report(line, '"### Question?" is missing below "## FAQ"');
  }
}

/** The "### …" headings outside code. */
export function subheadings(markdown: string): string[] {
  const outside = markdown.replace(/^(\s*)(`{3,}|~{3,})[\s\S]*?^\s*\2/gm, "");
  return [...outside.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading!.trim());
}

/** The line of a key of the head in the file; good enough for a message: the first line that opens with the key. */
function headLine(yaml: string, path: readonly PropertyKey[]): number {
  const row = yaml.split("\n").findIndex((text) => text.startsWith(`${String(path[0])}:`));
  return row + 2;
}
