// Paste any gateway error, get the cause and the fix: normalise → recognise → find → resolve → say. Pure: the index of
// the reference comes in, an Explanation goes out. The same code answers in the terminal, the console and the browser.
import { CAUSES, isCauseId } from "../failure/causes.ts";
import type { EntryClass, KnowledgeIndex } from "../knowledge/entry.ts";
import { evidenceOf } from "./evidence.ts";
import type { Alternative, Confidence, Explanation, Facts, Range } from "./explanation.ts";
import { generatedPage, nearest } from "./generated-page.ts";
import { looseFacts } from "./loose-facts.ts";
import { nextStep, settles } from "./next-step.ts";
import { normalise } from "./normalise.ts";
import { recognise } from "./recognise.ts";
import type { Normalised, Recognised } from "./recognised.ts";
import { type Decision, type Evidence, resolve, type Tier } from "./resolve.ts";
import { factSentence } from "./say.ts";
import { type Signatures, signaturesOf } from "./signatures.ts";
import { templateHash, templateOf } from "./template.ts";

/** Longer input is cut: a paste, not a log (for that there is explain --log). In UTF-16 units. */
export const INPUT_MAX = 64 * 1024;
const ALTERNATIVES_MAX = 3;

/** Explains a pasted text. Never throws; what is not known is said to be unknown. */
export function explain(input: string, index: KnowledgeIndex): Explanation {
  const signatures = signaturesOf(index);
  const normalised = normalise(input.slice(0, INPUT_MAX));
  const recognised = recognise(normalised);
  const found = evidenceOf(signatures, normalised.text, recognised);
  const decision = resolve(recognised.benign && !found.some(isStrong) ? found.filter(isBenign) : found);
  return compose({ input, signatures, normalised, recognised, decision });
}

const isBenign = ({ class: of }: Evidence): boolean => of === "not-an-error";

/** A line that its format calls fine can still hold a message of its own program that is not. */
const isStrong = ({ tier, class: of }: Evidence): boolean =>
  tier === "own" && of !== "not-an-error" && of !== "status-only-502";

interface Case {
  readonly input: string;
  readonly signatures: Signatures;
  readonly normalised: Normalised;
  readonly recognised: Recognised;
  readonly decision: Decision | null;
}

/** What was recognised, and what free text gives besides: an address that is the client's is no upstream. */
function factsOf({ normalised, recognised }: Case): Facts {
  const loose = looseFacts(normalised.text);
  const { client } = recognised.facts;
  const { upstream, ...others } = loose;
  const isClient = upstream !== undefined && client !== undefined && upstream.replace(/^\w+:\/\//, "") === client;
  return { ...(isClient ? others : loose), ...normalised.facts, ...recognised.facts };
}

function compose(seen: Case): Explanation {
  const { input, normalised, recognised, decision } = seen;
  const facts = factsOf(seen);
  const template = templateOf(normalised.text);
  const of: EntryClass | null = decision ? decision.best.class : recognised.benign ? "not-an-error" : null;
  const known = of !== null && of !== "unknown";
  const generated = !known && !decision?.best.card;
  const alternatives = generated ? nearest(seen.signatures, normalised.text) : alternativesOf(seen);
  const confidence = confidenceOf(of, decision, recognised);
  const page = generated ? generatedPage(facts, recognised, alternatives) : null;
  return {
    input,
    class: of === "unknown" ? null : of,
    confidence,
    entry: generated ? `/generated/${templateHash(template)}` : entryOf(of, decision, facts),
    title: page ? page.title : titleOf(of, decision, facts),
    summary: page ? page.sections[0]!.paragraphs.join(" ") : summaryOf(of, decision, facts),
    facts,
    decisive: decision ? decisiveRanges(decision, normalised, input.length) : [],
    reasons: reasonsOf(decision, recognised),
    settles: known && confidence !== "proven" ? settles(of) : null,
    next: nextStep(of, facts),
    alternatives,
    generated,
    template,
    page,
  };
}

/** Root causes that no single line proves (taxonomy: "never claim it from one line alone"). */
const NEVER_PROVEN: readonly EntryClass[] = ["keepalive-race", "upstream-saturated"];

function confidenceOf(of: EntryClass | null, decision: Decision | null, recognised: Recognised): Confidence {
  if (of === null || of === "unknown" || of === "status-only-502") return "none";
  if (!decision) return recognised.benign ? "proven" : "none";
  if (NEVER_PROVEN.includes(of)) return "likely";
  const { best, others } = decision;
  const rival = others.find(
    ({ tier, class: other }) => tier === best.tier && other !== "not-an-error" && other !== "status-only-502",
  );
  if (rival && !isWrapped(rival, best)) return "possible";
  return SAYS_ITSELF.includes(best.tier) && best.card?.proves !== false ? "proven" : "likely";
}

/** Whoever printed it states what failed; the others are phrases that need to be read. */
const SAYS_ITSELF: readonly Tier[] = ["named", "own", "code", "family"];

/** The rival is the wrapper around the answer, or stands for the same failure in more general words. */
const isWrapped = (rival: Evidence, best: Evidence): boolean =>
  rival.class === "unknown" || rival.range[0] <= best.range[0];

function entryOf(of: EntryClass | null, decision: Decision | null, facts: Facts): string {
  const card = decision?.best.card;
  if (card) return `/${card.id}`;
  if (of !== null && isCauseId(of)) return `/cause/${of}`;
  return facts.status === undefined ? "/" : `/status/${facts.status}`;
}

function titleOf(of: EntryClass | null, decision: Decision | null, facts: Facts): string {
  if (of === "not-an-error") return "Nothing failed here";
  if (of !== null && isCauseId(of)) return CAUSES[of].title;
  return decision?.best.card?.title ?? (facts.status === undefined ? "A status" : `Status ${facts.status}`);
}

function summaryOf(of: EntryClass | null, decision: Decision | null, facts: Facts): string {
  const card = decision?.best.card;
  const base = card
    ? card.summary
    : of === "not-an-error"
      ? "The line reports normal work."
      : of !== null && isCauseId(of)
        ? `${CAUSES[of].title}.`
        : "Only the status is known, not which hop made it or why.";
  const here = factSentence(facts);
  return here === "" ? base : `${base} ${here}`;
}

function alternativesOf({ signatures, decision }: Case): Alternative[] {
  if (!decision) return [];
  const { best, others } = decision;
  const result: Alternative[] = [];
  const add = (of: EntryClass, separates: string) => {
    if (of === best.class || result.some((each) => each.class === of) || result.length >= ALTERNATIVES_MAX) return;
    const card = signatures.cards.get(`cause/${of}`);
    if (isCauseId(of))
      result.push({ class: of, entry: `/cause/${of}`, title: card?.title ?? CAUSES[of].title, separates });
  };
  for (const other of others) if (isCauseId(other.class)) add(other.class, separating(signatures, best, other.class));
  const confusions = [...(best.card?.confused ?? []), ...(signatures.cards.get(`cause/${best.class}`)?.confused ?? [])];
  for (const { entry, tell } of confusions) {
    const card = signatures.cards.get(entry);
    const of = card?.class ?? entry.replace(/^cause\//, "");
    if (isCauseId(of)) add(of, tell);
  }
  return result;
}

function separating(signatures: Signatures, best: Evidence, of: EntryClass): string {
  const told = signatures.cards.get(`cause/${best.class}`)?.confused.find(({ entry }) => entry === `cause/${of}`);
  return told?.tell ?? settles(of) ?? "";
}

/** In the input's own offsets. */
function decisiveRanges({ best }: Decision, normalised: Normalised, length: number): Range[] {
  return best.pieces
    .map(([start, end]) => inputRange(normalised, start, end, length))
    .filter(([start, end]) => end > start);
}

function inputRange({ offsets }: Normalised, start: number, end: number, length: number): Range {
  if (!offsets) return [start, Math.min(end, length)];
  const from = offsets[start] ?? 0;
  const last = offsets[end - 1] ?? from;
  return [from, Math.min(length, last + 1)];
}

function reasonsOf(decision: Decision | null, recognised: Recognised): string[] {
  const reasons: string[] = [];
  if (recognised.format) reasons.push(`The text is in the format ${recognised.format}.`);
  if (!decision) return recognised.benign ? [...reasons, "Its fields say that nothing failed."] : reasons;
  const { best, others } = decision;
  reasons.push(best.what);
  for (const other of others.slice(0, 2)) {
    if (other.class === "status-only-502") continue;
    reasons.push(
      `It also says ${other.class}: that is ${other.range[0] < best.range[0] ? "the wrapper around it" : "the weaker evidence"}.`,
    );
  }
  return reasons;
}
