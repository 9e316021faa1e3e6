// All matches of all entries, ready to be looked for at once: each template is filed under its rarest word, so that a
// line is compared only with the few templates that it could hold. Codes are filed by field and token.

import { anchorsOf } from "../knowledge/anchors.ts";
import type { Anchors, EntryCard, KnowledgeIndex, MatchRef } from "../knowledge/entry.ts";
import { type Finder, finderOf, WORD } from "../knowledge/signature.ts";
import type { Range } from "./explanation.ts";

/** An entry's message that stands in the text. */
export interface Hit {
  readonly card: EntryCard;
  /** The words of the message; between them is what changes. */
  readonly pieces: readonly Range[];
  /** Letters and digits that the match gives: how specific it is. */
  readonly weight: number;
}

export interface Signatures {
  readonly index: KnowledgeIndex;
  readonly anchors: Anchors;
  /** "heroku-code:h12". */
  readonly codes: ReadonlyMap<string, readonly EntryCard[]>;
  readonly cards: ReadonlyMap<string, EntryCard>;
  /** By MatchRef, as they are first needed. */
  readonly finders: Map<MatchRef, Finder>;
}

const prepared = new WeakMap<KnowledgeIndex, Signatures>();

/** Prepares an index, once. */
export function signaturesOf(index: KnowledgeIndex): Signatures {
  const known = prepared.get(index);
  if (known) return known;
  const codes = new Map<string, EntryCard[]>();
  for (const card of index.cards) {
    for (const match of card.matches) {
      if (!("code" in match)) continue;
      const key = codeKey(match.of, match.code);
      const list = codes.get(key);
      if (list) list.push(card);
      else codes.set(key, [card]);
    }
  }
  const cards = new Map(index.cards.map((card) => [card.id, card]));
  const fresh = { index, anchors: index.anchors ?? anchorsOf(index.cards), codes, cards, finders: new Map() };
  prepared.set(index, fresh);
  return fresh;
}

function finderAt({ index, finders }: Signatures, ref: MatchRef): Finder {
  let finder = finders.get(ref);
  if (!finder) {
    finder = finderOf(index.cards[ref[0]]!.matches[ref[1]]!)!;
    finders.set(ref, finder);
  }
  return finder;
}

/** HAProxy's states differ by case: "SC" is a refusal, "sC" a timer. */
const codeKey = (of: string, code: string): string => `${of}:${of === "haproxy-state" ? code : code.toLowerCase()}`;

/** The entries of a code. */
export function cardsOfCode(signatures: Signatures, of: string, code: string): readonly EntryCard[] {
  return signatures.codes.get(codeKey(of, code)) ?? [];
}

/**
 * The messages that stand in the text. Those of the program that wrote it may stand anywhere, since its fields are its
 * own words; those of others only in the parts that speak freely, not in a user agent or a path.
 */
export function findMessages(
  signatures: Signatures,
  text: string,
  parts: readonly Range[],
  software: string | undefined,
): Hit[] {
  const hits: Hit[] = [];
  const whole: Range = [0, text.length];
  const { anchors, index } = signatures;
  const look = (ref: MatchRef) => {
    const card = index.cards[ref[0]]!;
    const finder = finderAt(signatures, ref);
    const places = software !== undefined && card.software === software ? [whole] : parts;
    for (const [start, end] of places) {
      const pieces = finder.find(text, start, end);
      if (pieces) hits.push({ card, pieces, weight: finder.weight });
    }
  };
  for (const word of new Set(text.toLowerCase().match(WORD)))
    if (Object.hasOwn(anchors.words, word)) for (const ref of anchors.words[word]!) look(ref);
  for (const ref of anchors.always) look(ref);
  const regexes = software === undefined ? Object.values(anchors.software).flat() : ownOf(anchors.software, software);
  for (const ref of regexes) look(ref);
  return hits;
}

const ownOf = (lists: Anchors["software"], software: string): readonly MatchRef[] =>
  Object.hasOwn(lists, software) ? lists[software]! : [];
