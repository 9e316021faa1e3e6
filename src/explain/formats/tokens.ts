// Access logs as tokens: blanks separate them, double quotes hold them together; lists as nginx writes them for several
// attempts ("502, 504", "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80") stay one token.

export interface Token {
  readonly text: string;
  /** Of the text, without quotes. */
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

const TOKENS_MAX = 80;

/** The tokens of a line from `start` on. */
export function tokensOf(line: string, start: number): Token[] {
  const tokens: Token[] = [];
  let at = start;
  while (at < line.length && tokens.length < TOKENS_MAX) {
    const char = line.charCodeAt(at);
    if (char === 32 || char === 9) {
      at++;
      continue;
    }
    const quoted = char === 34;
    const from = quoted ? at + 1 : at;
    const end = quoted ? quoteEnd(line, from) : bareEnd(line, from);
    tokens.push({ text: line.slice(from, end), start: from, end, quoted });
    at = quoted ? end + 1 : end;
  }
  return tokens;
}

/** The next quote that is not escaped. */
function quoteEnd(line: string, from: number): number {
  let end = line.indexOf('"', from);
  while (end > from && line.charCodeAt(end - 1) === 92) end = line.indexOf('"', end + 1);
  return end < 0 ? line.length : end;
}

/** A blank behind "," or around ":" goes on with the list. */
function bareEnd(line: string, from: number): number {
  let end = from;
  while (end < line.length) {
    const char = line.charCodeAt(end);
    if (char === 32 || char === 9) {
      if (line.charCodeAt(end - 1) === 44) end++;
      else if (line.startsWith(" : ", end)) end += 3;
      else break;
    } else end++;
  }
  return end;
}
