// All matches of all entries, ready to be looked for at once: each template is filed under its rarest word, so that a
// line is compared only with the few templates that it could hold. Codes are filed by field and token.
import type { EntryCard, KnowledgeIndex } from "../knowledge/entry.ts";
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

interface Filed {
  readonly card: EntryCard;
  readonly finder: Finder;
}

export interface Signatures {
  readonly byWord: ReadonlyMap<string, readonly Filed[]>;
  /** Without a sure word: compared with every text. */
  readonly always: readonly Filed[];
  /** "heroku-code:h12". */
  readonly codes: ReadonlyMap<string, readonly EntryCard[]>;
  readonly cards: ReadonlyMap<string, EntryCard>;
}

const compiled = new WeakMap<KnowledgeIndex, Signatures>();

/** Compiles an index, once. */
export function signaturesOf(index: KnowledgeIndex): Signatures {
  const known = compiled.get(index);
  if (known) return known;
  const fresh = compile(index.cards);
  compiled.set(index, fresh);
  return fresh;
}

function compile(cards: readonly EntryCard[]): Signatures {
  const filed: Filed[] = [];
  const codes = new Map<string, EntryCard[]>();
  for (const card of cards) {
    for (const match of card.matches) {
      const finder = finderOf(match);
      if (finder) filed.push({ card, finder });
      if ("code" in match) file(codes, codeKey(match.of, match.code), card);
    }
  }
  const uses = new Map<string, number>();
  for (const { finder } of filed) for (const word of finder.words) uses.set(word, (uses.get(word) ?? 0) + 1);
  const byWord = new Map<string, Filed[]>();
  const always: Filed[] = [];
  for (const each of filed) {
    const rarest = each.finder.words.toSorted((a, b) => uses.get(a)! - uses.get(b)! || b.length - a.length)[0];
    if (rarest === undefined) always.push(each);
    else file(byWord, rarest, each);
  }
  return { byWord, always, codes, cards: new Map(cards.map((card) => [card.id, card])) };
}

function file<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** HAProxy's states differ by case: "SC" is a refusal, "sC" a timer. */
const codeKey = (of: string, code: string): string => `${of}:${of === "haproxy-state" ? code : code.toLowerCase()}`;

/** The entries of a code. */
export function cardsOfCode(signatures: Signatures, of: string, code: string): readonly EntryCard[] {
  return signatures.codes.get(codeKey(of, code)) ?? [];
}

/** The messages that stand in the given parts of the text. */
export function findMessages(signatures: Signatures, text: string, parts: readonly Range[]): Hit[] {
  const hits: Hit[] = [];
  for (const [start, end] of parts) {
    const seen = new Set<string>();
    const tried = new Set<Filed>();
    const look = (each: Filed) => {
      if (tried.has(each)) return;
      tried.add(each);
      const pieces = each.finder.find(text, start, end);
      if (pieces) hits.push({ card: each.card, pieces, weight: each.finder.weight });
    };
    WORD.lastIndex = 0;
    for (const [word] of text.slice(start, end).toLowerCase().matchAll(WORD)) {
      if (seen.has(word)) continue;
      seen.add(word);
      for (const each of signatures.byWord.get(word) ?? []) look(each);
    }
    for (const each of signatures.always) look(each);
  }
  return hits;
}
