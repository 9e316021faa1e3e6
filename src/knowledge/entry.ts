// What an entry of the reference is. Entries are Markdown files under /knowledge with a YAML head: status/502.md,
// cause/connect-refused.md, message/nginx/connect-refused.md. The path without ".md" is the id, the address of the page
// and what links name. One set of entries feeds the terminal, the site, the error pages and explain.
import type { CauseId } from "../failure/causes.ts";

export const ENTRY_KINDS = ["status", "cause", "message"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** What an error can turn out to be: a cause of the failure table, or one of three answers that are none. */
export type EntryClass = CauseId | PseudoClass;
export const PSEUDO_CLASSES = ["status-only-502", "not-an-error", "unknown"] as const;
/** status-only-502 = only the status can be known; not-an-error = must not be diagnosed; unknown = the text says too little. */
export type PseudoClass = (typeof PSEUDO_CLASSES)[number];

/** How a message is recognised; see signature.ts. */
export type Match =
  /** Text as printed; "…" stands for anything within the line. */
  | { readonly text: string }
  /** For what a template cannot say: a regular expression, matched without regard to case. */
  | { readonly regex: string }
  /** A token that means something only in its field: { code: "H12", of: "heroku" }. */
  | { readonly code: string; readonly of: string };

/** An entry that this one is taken for, and how to tell them apart. */
export interface Confusion {
  readonly entry: string;
  readonly tell: string;
}

export interface Source {
  readonly what: string;
  readonly url?: string;
  /** "1.31.5", "since 1.29.7", "4.x". */
  readonly version?: string;
  /** When it was read or measured, YYYY-MM-DD; absent = from general knowledge, not read again. */
  readonly read?: string;
}

/** What explain, search and lists need of an entry: all of them are in one index. */
export interface EntryCard {
  readonly id: string;
  readonly kind: EntryKind;
  readonly title: string;
  /** One sentence. */
  readonly summary: string;
  /** Status entries have none. */
  readonly class: EntryClass | null;
  /** Who prints it; null for statuses and causes. */
  readonly software: string | null;
  /** What the client sees; null = varies or none. */
  readonly status: number | null;
  readonly matches: readonly Match[];
  /** Text as a user would paste it; the first fills the box. Empty in the built index: samples come with the page. */
  readonly samples: readonly string[];
  readonly confused: readonly Confusion[];
  /** False where the product prints the same for other causes, too: then it is never more than likely. */
  readonly proves: boolean;
}

export interface Entry extends EntryCard {
  readonly related: readonly string[];
  readonly sources: readonly Source[];
  /** Sentences of this entry that were not verified. */
  readonly unverified: readonly string[];
  /** "RFC 9110 §15.6.3"; null where no standard defines the status. */
  readonly standard: string | null;
  /** In the order of the file. */
  readonly sections: readonly Section[];
}

export interface Section {
  readonly heading: SectionHeading;
  /** Anchor on the page: "fastest-fix". */
  readonly anchor: string;
  /** Below the heading, as written. */
  readonly markdown: string;
  /** In the file, from 1. */
  readonly line: number;
}

/** The fixed fields, in their order on the page. */
export const SECTION_HEADINGS = [
  "What it means",
  "Who generates it",
  "Fastest fix",
  "Causes",
  "Diagnose",
  "Fixes",
  "Headers",
  "Example",
  "FAQ",
] as const;
export type SectionHeading = (typeof SECTION_HEADINGS)[number];

/** What each kind must have. Messages inherit the rest from their cause; a status below 400 is no failure. */
export function requiredSections(kind: EntryKind, status: number | null): readonly SectionHeading[] {
  if (kind === "message") return ["What it means", "Who generates it", "Fastest fix", "Diagnose"];
  if (kind === "status" && (status ?? 0) < 400)
    return ["What it means", "Who generates it", "Headers", "Example", "FAQ"];
  return SECTION_HEADINGS;
}

/** A match: the index of its card, and its own index in the card. */
export type MatchRef = readonly [card: number, match: number];

export interface Anchors {
  readonly words: Readonly<Record<string, readonly MatchRef[]>>;
  /** Regular expressions have no sure word: filed under their product. */
  readonly software: Readonly<Record<string, readonly MatchRef[]>>;
  /** Neither: compared with every text. */
  readonly always: readonly MatchRef[];
}

/** All cards, and what lists are made of. */
export interface KnowledgeIndex {
  readonly cards: readonly EntryCard[];
  /** Where to look for which message; worked out where it is absent. */
  readonly anchors?: Anchors;
}

/** "Fastest fix" → "fastest-fix"; also for headings inside sections. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
