// A command line as words: quotes, a shell's -c, variables with defaults, and what stands before the program (env,
// exec, npx, python -m …). Nothing is run, and a line with more than plain words in it gives what is plain.

/** The words of a line, as a shell cuts them; a quote that nothing closes is left out. */
export function wordsOfLine(line: string): readonly string[] {
  const words: string[] = [];
  let index = 0;
  while (index < line.length) {
    const char = line[index] ?? "";
    const end = /\s/.test(char) ? index + 1 : /[;&|]/.test(char) ? endOfRun(line, index) : null;
    if (end === null) {
      const word = wordAt(line, index);
      if (word.text !== null) words.push(word.text);
      index = word.end;
    } else {
      if (/\S/.test(char)) words.push(line.slice(index, end));
      index = end;
    }
  }
  return words;
}

function endOfRun(line: string, start: number): number {
  let end = start;
  while (/[;&|]/.test(line[end] ?? "")) end += 1;
  return end;
}

/** A word that is one quoted text as a whole loses its quotes; null = nothing but an open quote. */
function wordAt(line: string, start: number): { readonly text: string | null; readonly end: number } {
  let text = "";
  let index = start;
  while (index < line.length && !/[\s;&|]/.test(line[index] ?? "")) {
    const end = partEnd(line, index);
    if (end > 0) text += line.slice(index, end);
    index = end > 0 ? end : index + 1;
  }
  const whole = /^(["'])/.exec(text)?.[1];
  const isWhole = whole !== undefined && partEnd(text, 0) === text.length;
  return { text: text === "" ? null : isWhole ? text.slice(1, -1) : text, end: index };
}

/** Behind the quoted text, the escaped or the plain character that begins here; 0 = a quote that is not closed. */
function partEnd(text: string, start: number): number {
  const quote = text[start];
  if (quote === "\\") return Math.min(text.length, start + 2);
  if (quote !== '"' && quote !== "'") return start + 1;
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === quote) return at + 1;
    if (text[at] === "\\" && quote === '"') at += 1;
  }
  return 0;
}

const BEFORE =
  /^(?:exec|env|nohup|npx|pnpm|yarn|bunx|dotenv|cross-env|tini|dumb-init|gosu|su-exec|--|poetry|pipenv|uv|run|time|nice|bundle|pdm|rye|hatch)$/;

/** Programs that a command starts, each with its words: a shell's line may start several. */
export function programsOf(words: readonly string[]): readonly (readonly string[])[] {
  const [first = "", second] = words;
  const shell = /(?:^|\/)(?:ba|da|a|z)?sh$/.test(first) && /^-[a-z]*c$/.test(second ?? "");
  const all = shell ? wordsOfLine(words[2] ?? "") : words;
  const found: string[][] = [[]];
  for (const word of all) {
    if (/^[;&|]+$/.test(word)) found.push([]);
    else found.at(-1)?.push(word);
  }
  return found.map(withoutBefore).filter((each) => each.length > 0);
}

function withoutBefore(words: readonly string[]): readonly string[] {
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? "";
    if (/(?:^|\/)python[\d.]*$/.test(word) && words[index + 1] === "-m") index += 2;
    else if (/(?:^|\/)python[\d.]*$/.test(word) && /manage\.py$/.test(words[index + 1] ?? "")) index += 1;
    else if (BEFORE.test(word) || /^[A-Z_][A-Z0-9_]*=/.test(word)) index += 1;
    else break;
  }
  return words.slice(index);
}

/** The value of an option: "--bind x", "--bind=x", "-b x", "-bx". The last one counts. */
export function optionOf(words: readonly string[], ...names: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const [index, word] of words.entries())
    for (const name of names) {
      if (word === name) found = words[index + 1];
      else if (name.startsWith("--") && word.startsWith(`${name}=`)) found = word.slice(name.length + 1);
      else if (/^-\w$/.test(name) && word.startsWith(name) && word.length > 2 && !word.startsWith("--"))
        found = word.slice(2).replace(/^=/, "");
    }
  return found;
}

/** A port, or the variable that has it with its default. */
export function portOf(text: string): { readonly port: number | null; readonly variable: string | null } {
  const variable = /^\$\{?(\w+)(?::?-(\d+))?\}?$/.exec(text);
  if (variable) return { port: variable[2] === undefined ? null : Number(variable[2]), variable: variable[1] ?? null };
  return { port: /^\d{1,5}$/.test(text) ? Number(text) : null, variable: null };
}
