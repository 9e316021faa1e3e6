// Which of many lists have a word in a text, found in one pass: the first two letters of every word are in a table, and
// only where a pair of the text is in it the words are compared. Case counts; words are ASCII, of two characters or more.

const ASCII = 128;

/** For each list, 1 = one of its words stands in the text. */
export type WordFinder = (text: string) => Uint8Array;

interface Entry {
  readonly word: string;
  readonly list: number;
}

/** Prepares the lists. */
export function findWords(lists: readonly (readonly string[])[]): WordFinder {
  const begins = new Uint8Array(ASCII * ASCII);
  const entries = new Map<number, Entry[]>();
  for (const [list, words] of lists.entries()) {
    for (const word of words) {
      const pair = word.charCodeAt(0) * ASCII + word.charCodeAt(1);
      begins[pair] = 1;
      const known = entries.get(pair);
      if (known) known.push({ word, list });
      else entries.set(pair, [{ word, list }]);
    }
  }
  return (text) => {
    const found = new Uint8Array(lists.length);
    let before = text.charCodeAt(0);
    for (let at = 1; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const pair = before * ASCII + code;
      if (code < ASCII && begins[pair] === 1) {
        for (const { word, list } of entries.get(pair)!)
          if (found[list] === 0 && text.startsWith(word, at - 1)) found[list] = 1;
      }
      before = code;
    }
    return found;
  };
}
