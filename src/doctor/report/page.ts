// What a report says and in which order, once for all formats: the verdict, the chain, why, what to do, what else fits,
// the one next check, what was excluded, what was not tested; risks apart, then the inputs that were of no use, then the
// evidence. Terminal, Markdown and HTML draw these blocks and decide nothing. Texts are as they came: each format escapes
// for itself. The report that comes in here is redacted already.

import type { DoctorReport, Hop } from "../diagnose/model.ts";
import type { FailureSeries } from "../logs/model.ts";
import type { TimeoutChain } from "../timeouts/model.ts";
import { conclusionSections } from "./conclusions.ts";
import { evidenceSections } from "./evidence-sections.ts";
import { headOf } from "./head.ts";
import { markWords } from "./words.ts";

/** How the top looks: a fault; none; a fault of which nothing tells the cause; risks, where nothing was probed. */
export type Tone = "bad" | "good" | "open" | "notice";

/** The first lines: whoever reads no further knows what is wrong and where. */
export interface Head {
  readonly tone: Tone;
  /** "Proven", "Likely", "Possible", "No fault found", "Cause open". */
  readonly label: string;
  readonly headline: string;
  /** Class, hop, since when, how often. */
  readonly facts: readonly string[];
  /** A sentence more, where the summary says what the headline does not. */
  readonly summary: string | null;
}

export interface Item {
  readonly text: string;
  /** Where it stands: a source, a place in a file. */
  readonly note: string | null;
  /** What to do about it. */
  readonly advice: string | null;
  /** To run; shown so that it can be copied. */
  readonly command: string | null;
}

/** One request's way through its phases. */
export interface Timing {
  readonly label: string;
  readonly phases: readonly { readonly name: string; readonly ms: number }[];
  readonly totalMs: number;
}

export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "items"; readonly items: readonly Item[] }
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "config"; readonly language: string; readonly text: string; readonly file: string | null }
  | {
      readonly kind: "table";
      readonly caption: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  /** A page of our reference. */
  | { readonly kind: "page"; readonly about: string; readonly url: string }
  | { readonly kind: "timings"; readonly timings: readonly Timing[] }
  | { readonly kind: "series"; readonly series: FailureSeries }
  /** explained = what is in the wrong order is said there, not among the risks. */
  | { readonly kind: "timeouts"; readonly chain: TimeoutChain; readonly explained: boolean };

export interface Section {
  readonly id: string;
  readonly heading: string;
  readonly blocks: readonly Block[];
  /** page = everyone sees it; drawn = in HTML, elsewhere with the evidence; evidence = with --verbose, folded in HTML. */
  readonly depth: "page" | "drawn" | "evidence";
  /** How many items the terminal shows without --verbose; null = all. */
  readonly itemsMax: number | null;
}

/** A hop, and what its mark says in words. */
export interface PageHop extends Hop {
  readonly words: string;
}

export interface ReportPage {
  readonly title: string;
  readonly head: Head;
  readonly chain: readonly PageHop[];
  readonly sections: readonly Section[];
  /** Version, when, how long, how many requests. */
  readonly footer: readonly string[];
}

/** The report as blocks, in the order in which a person in an outage needs them. */
export function pageOf(report: DoctorReport): ReportPage {
  const { title, head, footer } = headOf(report);
  return {
    title,
    head,
    chain: drawnChain(report),
    sections: [...conclusionSections(report), ...evidenceSections(report.evidence)],
    footer,
  };
}

/** Where nothing was probed the chain of timers shows the same hops, with more to say. */
function drawnChain({ diagnosis: { chain, verdict }, evidence }: DoctorReport): readonly PageHop[] {
  const blank = chain.every(({ mark }) => mark === "unknown");
  if (blank && evidence.chain !== null) return [];
  return chain.map((hop) => ({ ...hop, words: markWords(hop.mark, verdict?.certainty ?? null) }));
}
