// The sections of what was concluded. Empty ones are left out; what is only a risk stands behind all that is about the
// fault, so that nobody takes it for the cause.
import { REFERENCE_BASE } from "../../failure/reference.ts";
import type { Finding } from "../configs/model.ts";
import type {
  Certainty,
  Diagnosis,
  DoctorReport,
  Excluded,
  FaultClass,
  Fix,
  NextCheck,
  Verdict,
} from "../diagnose/model.ts";
import type { Evidence, InputProblem, NotTested } from "../evidence.ts";
import type { FailureSeries } from "../logs/model.ts";
import type { Block, Item, Section } from "./page.ts";
import { CERTAINTY_LABELS, listed, placeText, plainItem } from "./words.ts";

const RISKS_SHOWN = 5;
const CHECKS_NAMED = 6;
/** Fewer are told one by one. */
const FAILURES_PLOTTED = 3;

/** All of them, in order. */
export function conclusionSections({ diagnosis, evidence }: DoctorReport): Section[] {
  const { verdict, alternatives, excluded, notTested, outcome } = diagnosis;
  const check = section("next-check", "The one check that would decide", nextBlocks(diagnosis));
  const timeouts = timeoutsSection(diagnosis, evidence);
  const proven = verdict?.certainty === "proven";
  const sections: (Section | null)[] = [
    verdict === null ? null : whySection(verdict),
    outcome === "healthy" ? testedSection(diagnosis) : null,
    // What is not proven is looked at before anything is changed.
    proven ? null : check,
    verdict === null
      ? null
      : section("fix", FIX_HEADINGS[verdict.certainty], [
          ...fixBlocks(verdict.fixes, nextOf(diagnosis)?.command ?? null),
          ...pageBlocks(verdict),
        ]),
    listSection("alternatives", "Could also be", alternatives.map(alternative)),
    proven ? check : null,
    seriesSection(evidence.logs.series),
    listSection("excluded", "Excluded", excluded.map(exclusion), 8),
    outcome === "healthy" ? null : testedSection(diagnosis),
    listSection("not-tested", "Not tested", grouped(notTested), 6),
    timeouts,
    ...riskSections(diagnosis, timeouts?.depth === "page" ? (evidence.chain?.inversions ?? []) : []),
    listSection("problems", "Inputs that could not be used in full", evidence.problems.map(problem)),
  ];
  return sections.filter((each): each is Section => each !== null && each.blocks.length > 0);
}

function seriesSection(series: FailureSeries | null): Section | null {
  if (series === null || series.failures.reduce((sum, count) => sum + count, 0) < FAILURES_PLOTTED) return null;
  return section("failures", "Failures over time (UTC)", [{ kind: "series", series }]);
}

/** Faults that a timer has made, or may have. */
const TIMED: ReadonlySet<FaultClass> = new Set<FaultClass>([
  "keepalive-race",
  "response-timeout",
  "response-body-timeout",
  "connect-timeout",
  "closed-before-response",
  "client-closed-request",
  "upgrade-failed",
]);

/** The chain of timers: for everyone where it was asked for or is about the fault; else drawn beside the evidence. */
function timeoutsSection({ verdict, alternatives }: Diagnosis, { chain, targets, logs }: Evidence): Section | null {
  if (chain === null || chain.hops.length === 0) return null;
  const asked = chain.whatIf !== null || (targets.length === 0 && logs.files.length === 0);
  const explained = asked || [verdict, ...alternatives].some((each) => each !== null && TIMED.has(each.class));
  const drawn = section("timeouts", "Timeouts", [{ kind: "timeouts", chain, explained }]);
  if (explained) return drawn;
  return { ...drawn, depth: chain.inversions.some(({ severity }) => severity === "risk") ? "drawn" : "evidence" };
}

const FIX_HEADINGS: Readonly<Record<Certainty, string>> = {
  proven: "Do this",
  likely: "Likely to mend it",
  possible: "If that is it",
};

/** Those that the chain of timers shows already are not said twice. */
function riskSections({ risks: all, outcome, verdict }: Diagnosis, shown: readonly Finding[]): (Section | null)[] {
  const risks = all.filter(({ id, text }) => !shown.some((each) => each.id === id && each.text === text));
  const heading =
    outcome === "healthy"
      ? "Risks: allowed, and nothing of it was seen to fail"
      : verdict === null
        ? "Risks: allowed, and not shown to be the cause"
        : "Risks, apart from the verdict";
  return [
    listSection("risks", heading, risks.filter(({ severity }) => severity === "risk").map(risk), RISKS_SHOWN),
    evidenceOf(listSection("notes", "Notes", risks.filter(({ severity }) => severity === "note").map(risk))),
  ];
}

const exclusion = ({ what, because }: Excluded): Item => plainItem(because === "" ? what : `${what}: ${because}`);

/** Where nothing fails it is the answer; else a sentence. */
function testedSection({ tested, outcome }: Diagnosis): Section | null {
  if (tested.length === 0) return null;
  if (outcome === "healthy")
    return listSection(
      "tested",
      "What was tested",
      tested.map((text) => plainItem(text)),
    );
  return section("tested", "Tested", [{ kind: "text", text: `${tested.join("; ")}.` }]);
}

const evidenceOf = (each: Section | null): Section | null => (each === null ? null : { ...each, depth: "evidence" });

/** A section that everyone sees. */
export function section(
  id: string,
  heading: string,
  blocks: readonly Block[],
  itemsMax: number | null = null,
): Section {
  return { id, heading, blocks, depth: "page", itemsMax };
}

function listSection(
  id: string,
  heading: string,
  items: readonly Item[],
  itemsMax: number | null = null,
): Section | null {
  return items.length === 0 ? null : section(id, heading, [{ kind: "items", items }], itemsMax);
}

function whySection({ reasons }: Verdict): Section | null {
  return listSection(
    "why",
    "Why",
    reasons.map(({ text, source }) => plainItem(text, source || null)),
  );
}

/** A command that stands above already, as the check, is not repeated. */
function fixBlocks(fixes: readonly Fix[], shown: string | null): Block[] {
  return fixes.flatMap(({ text, command, config }): Block[] => {
    const blocks: Block[] = [{ kind: "text", text }];
    // Configuration is written before the command that loads it.
    if (config !== null) blocks.push({ kind: "config", ...config });
    if (command !== null && command !== shown) blocks.push({ kind: "command", text: command });
    return blocks;
  });
}

/** Only a plain path is an address of ours. */
function pageBlocks({ class: about, entry }: Verdict): Block[] {
  if (entry === null || !/^\/?[\w-]+(?:\/[\w-]+)*\/?$/.test(entry)) return [];
  return [{ kind: "page", about, url: `${REFERENCE_BASE}/reference/${entry.replace(/^\//, "")}` }];
}

function alternative({ headline, certainty, class: of, hopName, settles }: Verdict): Item {
  return {
    text: headline,
    note: [CERTAINTY_LABELS[certainty].toLowerCase(), of, hopName === "" ? "" : `at ${hopName}`]
      .filter((part) => part !== "")
      .join(", "),
    advice: settles?.text ?? null,
    command: settles?.command ?? null,
  };
}

const nextOf = ({ nextCheck, verdict }: Diagnosis): NextCheck | null => nextCheck ?? verdict?.settles ?? null;

function nextBlocks(diagnosis: Diagnosis): Block[] {
  const next = nextOf(diagnosis);
  if (next === null) return [];
  const text: Block = { kind: "text", text: next.text };
  return next.command === null ? [text] : [text, { kind: "command", text: next.command }];
}

function risk({ text, fix, at, also, id }: Finding): Item {
  const places = [at, also].filter((place) => place !== null).map(placeText);
  return { text, note: places.length === 0 ? id : listed(places), advice: fix === "" ? null : fix, command: null };
}

function problem({ input, place, text, next }: InputProblem): Item {
  const where = place === null || input.includes(placeText(place)) ? input : `${input} (${placeText(place)})`;
  return { text: `${where}: ${text}`, note: null, advice: next === "" ? null : next, command: null };
}

/** Checks that fell out for one reason, together. */
function grouped(notTested: readonly NotTested[]): Item[] {
  const groups = new Map<string, { reason: string; how: string | null; checks: Set<string> }>();
  for (const { check, target, reason, how } of notTested) {
    const key = `${reason}\n${how}`;
    const group = groups.get(key) ?? { reason, how, checks: new Set() };
    group.checks.add(target === null || check.includes(target) ? check : `${check} (${target})`);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ reason, how, checks }) => {
    const all = [...checks];
    const rest = all.length - CHECKS_NAMED;
    const named = rest > 0 ? [...all.slice(0, CHECKS_NAMED), `${rest} more`] : all;
    return { text: `${listed(named)}: ${reason}`, note: null, advice: how, command: null };
  });
}
