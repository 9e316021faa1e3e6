// nginx's command line, read as nginx reads it: an argument begins with "-" and holds one letter after the other; a
// letter that has a value takes the rest of its argument, or else the whole next one, whatever that begins with. The
// first mistake ends it and is told in nginx's words. A lone "-" says nothing, and is none. All of it is byte text.
// One option is ours: --lenient.

export type Signal = "stop" | "quit" | "reopen" | "reload";

export interface Options {
  readonly help: boolean;
  readonly version: boolean;
  /** -V: what was built in. */
  readonly built: boolean;
  readonly test: boolean;
  readonly dump: boolean;
  readonly quiet: boolean;
  readonly signal: Signal | null;
  /** null = not given. */
  readonly prefix: string | null;
  /** "" = standard error. */
  readonly errorLog: string | null;
  readonly conf: string | null;
  readonly directives: string;
  /** What is not done here is answered with 501 where it stands, and the rest runs. */
  readonly lenient: boolean;
}

const WITH_VALUE: Readonly<Record<string, string>> = {
  p: "directory name",
  e: "file name",
  c: "file name",
  g: "parameter",
  s: "parameter",
};

/** The options, or what nginx says of them (without "nginx: "). */
export function parseOptions(argv: readonly string[]): Options | string {
  const letters = new Set<string>();
  const values: Record<string, string | undefined> = {};
  let lenient = false;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === "--lenient") {
      lenient = true;
      continue;
    }
    if (!argument.startsWith("-")) return `invalid option: "${argument}"`;
    for (let at = 1; at < argument.length; at++) {
      const letter = argument[at]!;
      const wanted = WITH_VALUE[letter];
      if (wanted === undefined) {
        if (!"?hvVtTq".includes(letter)) return `invalid option: "${letter}"`;
        letters.add(letter);
        continue;
      }
      if (at === argument.length - 1) index += 1;
      const value = at < argument.length - 1 ? argument.slice(at + 1) : argv[index];
      if (value === undefined) return `option "-${letter}" requires ${wanted}`;
      if (letter === "s" && !isSignal(value)) return `invalid option: "-s ${value}"`;
      values[letter] = value;
      break;
    }
  }
  const has = (some: string) => [...some].some((letter) => letters.has(letter));
  return {
    help: has("?h"),
    version: has("?hvV"),
    built: has("V"),
    test: has("tT"),
    dump: has("T"),
    quiet: has("q"),
    signal: (values["s"] as Signal | undefined) ?? null,
    prefix: values["p"] ?? null,
    errorLog: values["e"] === "stderr" ? "" : (values["e"] ?? null),
    conf: values["c"] ?? null,
    directives: values["g"] ?? "",
    lenient,
  };
}

function isSignal(text: string): text is Signal {
  return text === "stop" || text === "quit" || text === "reopen" || text === "reload";
}
