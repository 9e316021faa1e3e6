// What a fingerprint is, and how what a page states becomes causes. A fingerprint is one way in which one program makes
// a response of its own; where the words of its page fit several causes, all are given and none is claimed.
import { explain } from "../../explain/explain.ts";
import { type CauseId, isCauseId } from "../../failure/causes.ts";
import type { KnowledgeIndex } from "../../knowledge/entry.ts";
import { loadIndex } from "../../knowledge/load-index.ts";
import type { SoftwareId } from "../software.ts";
import type { StatedCause } from "./model.ts";
import type { Seen } from "./response.ts";

/** A response recognised as one that this program makes. */
export interface Fingerprint {
  readonly software: SoftwareId;
  readonly certainty: "proven" | "likely" | "possible";
  /** "the body is nginx's 502 page". */
  readonly reason: string;
  readonly stated: StatedCause | null;
  /** Whether it is an application that answers: its errors are its own business, not those of a gateway. */
  readonly application?: true;
  /** What the program calls this instance or request, where it says so. */
  readonly name?: string;
}

/** Looks for the marks of one program; null = they are not there. */
export type Detector = (seen: Seen) => Fingerprint | null;

/** Words that mean one class. */
export const proven = (cause: CauseId, text: string): StatedCause => ({
  certainty: "proven",
  causes: [cause],
  text,
  hop: null,
});

/** Words that usually mean the first class. */
export const likely = (text: string, ...causes: readonly CauseId[]): StatedCause => ({
  certainty: "likely",
  causes,
  text,
  hop: null,
});

/** Words that fit several classes. */
export const possible = (text: string, ...causes: readonly CauseId[]): StatedCause => ({
  certainty: "possible",
  causes,
  text,
  hop: null,
});

const TEXT_MAX = 200;

/** What the reference knows of a text that a program printed; null = it knows nothing of it. */
export function explained(text: string): StatedCause | null {
  const index = reference();
  if (index === null || text === "") return null;
  const { class: of, confidence } = explain(text, index);
  if (of === null || !isCauseId(of) || confidence === "none") return null;
  return { certainty: confidence, causes: [of], text: oneLine(text), hop: null };
}

/** A text in one short line. */
export const oneLine = (text: string): string =>
  text
    .replace(/<[^<>]{0,200}>/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, TEXT_MAX);

function reference(): KnowledgeIndex | null {
  try {
    return loadIndex();
  } catch {
    // Not built: pages are still recognised, only less is said of their causes.
    return null;
  }
}
