// A command line as words: quotes, a shell's -c, variables with defaults, and what stands before the program (env,
// exec, npx, python -m …). Nothing is run, and a line with more than plain words in it gives what is plain.

/** The words of a line, as a shell cuts them. */
export function wordsOfLine(line: string): readonly string[] {
  return [...line.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\;&|]|\\.)+)|([;&|]+))+?(?=\s|$|[;&|])/g)].map(
    (match) => match[0].replace(/^"([\s\S]*)"$|^'([\s\S]*)'$/, (_, double, single) => double ?? single ?? ""),
  );
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
