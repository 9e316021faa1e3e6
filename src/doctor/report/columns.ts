// Text in columns of a terminal: how wide it is there, where it breaks. Width is counted as terminals do: combining
// marks take no column, East Asian wide characters and emoji take two.

const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

function columnsOf(character: string): number {
  if (character < "\u0300") return 1;
  return NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOf(character);
  return columns;
}

/** The text with spaces behind it up to the width. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** The text in lines no wider than `width`: broken at spaces, a longer word where it has to be. */
export function wrapped(text: string, width: number): string[] {
  const room = Math.max(8, width);
  return text.split("\n").flatMap((line) => wrapLine(line, room));
}

function wrapLine(line: string, room: number): string[] {
  const rows: string[] = [];
  let row = "";
  let taken = 0;
  for (const word of line.split(" ")) {
    for (const piece of pieces(word, room)) {
      const wide = widthOf(piece);
      if (row !== "" && taken + 1 + wide > room) {
        rows.push(row);
        [row, taken] = [piece, wide];
      } else if (row === "") [row, taken] = [piece, wide];
      else [row, taken] = [`${row} ${piece}`, taken + 1 + wide];
    }
  }
  return [...rows, row];
}

/** A word in parts that fit. */
function pieces(word: string, room: number): string[] {
  if (widthOf(word) <= room) return [word];
  const parts: string[] = [];
  let part = "";
  let taken = 0;
  for (const character of word) {
    const wide = columnsOf(character);
    if (taken + wide > room) {
      parts.push(part);
      [part, taken] = ["", 0];
    }
    part += character;
    taken += wide;
  }
  return [...parts, part];
}

/** At most `width` columns; "…" stands for what was cut. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let taken = 0;
  for (const character of text) {
    taken += columnsOf(character);
    if (taken > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
