// Under which word each message is filed: the rarest of those that any text with it must have. Worked out when the
// index is built, since it takes longer than to explain a text.
import type { Anchors, EntryCard, MatchRef } from "./entry.ts";
import { finderOf } from "./signature.ts";

/** Files all messages of the cards. */
export function anchorsOf(cards: readonly EntryCard[]): Anchors {
  const wordsOf = new Map<MatchRef, readonly string[]>();
  const uses = new Map<string, number>();
  const software: Record<string, MatchRef[]> = Object.create(null);
  const always: MatchRef[] = [];
  cards.forEach((card, cardIndex) => {
    card.matches.forEach((match, matchIndex) => {
      const finder = finderOf(match);
      const ref: MatchRef = [cardIndex, matchIndex];
      if (!finder) return;
      if (finder.isRegex && card.software !== null) file(software, card.software, ref);
      else if (finder.words.length === 0) always.push(ref);
      else wordsOf.set(ref, finder.words);
      for (const word of finder.words) uses.set(word, (uses.get(word) ?? 0) + 1);
    });
  });
  const words: Record<string, MatchRef[]> = Object.create(null);
  for (const [ref, candidates] of wordsOf) {
    const rarest = candidates.toSorted((a, b) => uses.get(a)! - uses.get(b)! || b.length - a.length)[0]!;
    file(words, rarest, ref);
  }
  return { words, software, always };
}

function file(lists: Record<string, MatchRef[]>, key: string, ref: MatchRef): void {
  const list = lists[key];
  if (list) list.push(ref);
  else lists[key] = [ref];
}
