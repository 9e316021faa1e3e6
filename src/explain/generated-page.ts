// The page for a text that the reference does not have: composed from what was recognised, and labelled as such. It says
// what is known, what the nearest causes are and how to tell them apart, and never claims one.
import { CAUSES, isCauseId } from "../failure/causes.ts";
import { WORD } from "../knowledge/signature.ts";
import type { Alternative, Facts, GeneratedPage } from "./explanation.ts";
import { phaseOf } from "./generic.ts";
import { nextStep, settles } from "./next-step.ts";
import type { Recognised } from "./recognised.ts";
import { factSentence, seconds } from "./say.ts";
import type { Signatures } from "./signatures.ts";
import { timersNear } from "./timers.ts";

const NEAREST_MAX = 3;

/** Composes the page. */
export function generatedPage(facts: Facts, recognised: Recognised, nearby: readonly Alternative[]): GeneratedPage {
  const sections = [
    { heading: "What was recognised", paragraphs: recognisedParagraphs(facts, recognised), steps: [] },
    { heading: "What the durations say", paragraphs: durationParagraphs(facts), steps: [] },
    {
      heading: "Nearest causes",
      paragraphs: nearby.map(({ class: of, title, separates }) => `${title} (${of}). To tell: ${separates}`),
      steps: [],
    },
    { heading: "What to do next", paragraphs: [], steps: nextSteps(facts, nearby) },
  ];
  return {
    title: `Not in the reference: ${subject(facts)}`,
    sections: sections.filter(({ paragraphs, steps }) => paragraphs.length + steps.length > 0),
  };
}

function subject({ software, phase, errno, status }: Facts): string {
  const what = [software && `a line of ${software}`, phase, errno, status && `status ${status}`].filter(Boolean);
  return what.length === 0 ? "a text without known words" : what.join(", ");
}

function recognisedParagraphs(facts: Facts, { format }: Recognised): string[] {
  const said: string[] = ["No entry has these words, so no cause is claimed."];
  if (format) said.push(`The text has the form ${format}${facts.software ? `, as ${facts.software} writes it` : ""}.`);
  else if (facts.software) said.push(`It seems to come from ${facts.software}.`);
  const phase = phaseOf(facts.phase);
  if (phase) said.push(`It speaks of the phase "${phase}"${facts.side ? `, on the side of the ${facts.side}` : ""}.`);
  const here = factSentence(facts);
  if (here) said.push(here);
  return said;
}

function durationParagraphs(facts: Facts): string[] {
  return Object.entries(facts.durations ?? {}).flatMap(([name, ms]) => {
    const near = timersNear(ms);
    if (near.length === 0) return [];
    const names = near.map(({ software, setting }) => `${software} ${setting}`).join(", ");
    return [
      `${name} (${seconds(ms)}) is the default of ${names}: a timer may have ended the wait, not the application.`,
    ];
  });
}

function nextSteps(facts: Facts, nearby: readonly Alternative[]): GeneratedPage["sections"][number]["steps"] {
  const first = nextStep(null, facts);
  const others = nearby.slice(0, 2).flatMap(({ class: of }) => (isCauseId(of) ? [nextStep(of, facts)] : []));
  return [first, ...others.filter(({ command }) => command !== null)];
}

/** Entries that share the most telling words with the text; none where it shares too few. */
export function nearest(signatures: Signatures, text: string): Alternative[] {
  const words = new Set(Array.from(text.slice(0, 4000).toLowerCase().matchAll(WORD), ([word]) => word));
  const scores = new Map<string, number>();
  for (const { class: of, terms } of termsOf(signatures)) {
    let score = 0;
    for (const [term, weight] of terms) if (words.has(term)) score += weight;
    if (score > (scores.get(of) ?? 0)) scores.set(of, score);
  }
  return [...scores]
    .filter(([, score]) => score >= SCORE_MIN)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, NEAREST_MAX)
    .flatMap(([of]) =>
      isCauseId(of)
        ? [{ class: of, entry: `/cause/${of}`, title: CAUSES[of].title, separates: settles(of) ?? "" }]
        : [],
    );
}

/** Two rare words, or several common ones. */
const SCORE_MIN = 8;

interface Terms {
  readonly class: string;
  /** Words of the entry's messages with how telling they are. */
  readonly terms: readonly (readonly [word: string, weight: number])[];
}

const known = new WeakMap<Signatures, readonly Terms[]>();

function termsOf(signatures: Signatures): readonly Terms[] {
  const ready = known.get(signatures);
  if (ready) return ready;
  const documents = [...signatures.cards.values()]
    .filter(({ class: of }) => of !== null && isCauseId(of))
    .map((card) => ({
      class: card.class as string,
      words: wordsOf(`${card.title} ${card.matches.map(textOf).join(" ")}`),
    }));
  const uses = new Map<string, number>();
  for (const { words } of documents) for (const word of words) uses.set(word, (uses.get(word) ?? 0) + 1);
  const fresh = documents.map(({ class: of, words }) => ({
    class: of,
    terms: [...words].map((word) => [word, Math.log2(documents.length / uses.get(word)!)] as const),
  }));
  known.set(signatures, fresh);
  return fresh;
}

const textOf = (match: object): string => ("text" in match ? String(match.text) : "");

function wordsOf(text: string): Set<string> {
  return new Set(
    Array.from(text.toLowerCase().matchAll(WORD), ([word]) => word).filter((word) => /\p{L}{3}/u.test(word)),
  );
}
