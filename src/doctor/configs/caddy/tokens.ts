// The words of a Caddyfile: separated by white space, "…" with \", `…` as it stands, heredocs, comments from a # that
// begins a word, a backslash before the end of a line. {$NAME:default} is the environment's: the default is taken where
// there is one, since the environment of the server is not known here; without one the text stays as written.
import type { Place } from "../../evidence.ts";
import { placesIn } from "../reader.ts";

export interface Word {
  readonly text: string;
  readonly at: Place;
  /** A brace in quotes is no brace. */
  readonly quoted: boolean;
  /** First on its line. */
  readonly first: boolean;
}

export interface Words {
  readonly words: readonly Word[];
  readonly problems: readonly { readonly at: Place; readonly text: string }[];
}

const PART =
  /(?<space>[ \t\r\f\ufeff]+|\\\r?\n)|(?<line>\n)|(?<comment>#[^\n]*)|"(?<double>(?:[^"\\]|\\[\s\S])*)"|`(?<back>[^`]*)`|<<(?<marker>[A-Za-z0-9_-]+)[ \t]*\r?\n|(?<word>[^\s]+)/y;

/** Cuts a Caddyfile into words. */
export function wordsOf(given: string, file: string): Words {
  const place = placesIn(file, given);
  const words: Word[] = [];
  const problems: { at: Place; text: string }[] = [];
  let offset = 0;
  let first = true;
  const add = (text: string, quoted: boolean): void => {
    words.push({ text: quoted ? text : withDefaults(text), at: place(offset), quoted, first });
    first = false;
  };
  while (offset < given.length) {
    PART.lastIndex = offset;
    const match = PART.exec(given);
    if (!match) break;
    const { line, double, back, marker, word } = match.groups ?? {};
    let end = PART.lastIndex;
    if (line !== undefined) first = true;
    else if (double !== undefined) add(withDefaults(double.replace(/\\"/g, '"')), true);
    else if (back !== undefined) add(back, true);
    else if (marker !== undefined) {
      const close = new RegExp(`^[ \\t]*${marker}(?=\\s|$)`, "m");
      const rest = given.slice(end);
      const found = close.exec(rest);
      if (!found) problems.push({ at: place(offset), text: `the text that <<${marker} opens has no end` });
      const indent = /^[ \t]*/.exec(found?.[0] ?? "")?.[0] ?? "";
      const body = (found ? rest.slice(0, found.index) : rest).replace(/\r?\n$/, "");
      const lines = body.split("\n").map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each));
      add(lines.join("\n"), true);
      end = found ? end + found.index + found[0].length : given.length;
    } else if (word !== undefined) {
      if (/^["`]/.test(word)) problems.push({ at: place(offset), text: `the quote ${word[0]} has no end` });
      add(word, false);
    }
    offset = end;
  }
  return { words, problems };
}

function withDefaults(text: string): string {
  return text.replace(/\{\$[\w.-]+:([^}]*)\}/g, "$1");
}
