// "Did you mean …?": the nearest of the allowed words, where it is near enough to be a slip of the hand.

/** The candidate that `word` was probably meant to be. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const given = plain(word);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const near = given.length >= 3 && other.length >= 3 && (other.startsWith(given) || given.startsWith(other));
    // The beginning of a word is near, a slip of one key nearer: "proxy_pas" is proxy_pass rather than proxy.
    const distance = Math.min(near ? 1.5 : Infinity, editDistance(given, other));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A hint for a word that is not known: the one that was meant, or all there are. */
export function suggestionHint(word: string, candidates: readonly string[]): string {
  const meant = suggest(word, candidates);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return candidates.length === 0 ? "there are none" : `known: ${candidates.join(", ")}`;
}

/** Case and the ways to join words do not count: idleBody, idle_body and idle-body are one. */
function plain(word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_ ]/g, "");
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
