// YAML (and with it JSON) as plain values, each with its place in the file. Never throws: what is wrong becomes
// problems, all at once. ${VAR} and ${VAR:-default} are put in here, in scalars only, so that a value from the
// environment can never add keys or lists; "$${" stands for "${".
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLError,
} from "yaml";
import type { Problem } from "./config.ts";
import { suggestionHint } from "./suggest.ts";

/** Keys and indices from the top of the file. */
export type Path = readonly PropertyKey[];
export type Environment = Readonly<Record<string, string | undefined>>;

/** A file that was read: its plain value and the way back from a path in it to the text. */
export interface SourceDocument {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Adds the place of the value at `path` (or of its key) to a problem; of the nearest above where it is not written. */
  locate(problem: Problem, path: Path, which?: "value" | "key"): Problem;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Place {
  readonly value: Range;
  readonly key: Range | null;
  readonly scalar: boolean;
}

/** Aliases can make a short file huge. */
const NODES_MAX = 50_000;
const DEPTH_MAX = 64;
const TEXT_MAX = 4 * 1024 * 1024;

/** Reads the text of a configuration file. */
export function readDocument(given: string, file: string, env: Environment): SourceDocument {
  const text = given.replace(/^\uFEFF/, "");
  const source = new Source(text, file);
  if (text.length > TEXT_MAX) {
    source.report({ severity: "error", message: "the file is too large", hint: "at most 4 MiB" }, { start: 0, end: 0 });
    return source;
  }
  const document = parseDocument(text, { lineCounter: source.lines, prettyErrors: false });
  // One error of syntax often brings others behind it: the first of each line is told.
  const seen = new Set<number>();
  for (const error of document.errors) {
    const { line } = source.lines.linePos(error.pos[0]);
    if (!seen.has(line)) source.report(syntaxProblem(error, text), errorRange(error, text));
    seen.add(line);
  }
  for (const { message, pos } of document.warnings) {
    source.report({ severity: "warning", message: sentence(message) }, { start: pos[0], end: pos[1] });
  }
  if (document.errors.length === 0)
    source.value = new Walk(source, document, env).valueOf(document.contents, [], null, 0);
  return source;
}

/** The text with the places of its values. */
class Source implements SourceDocument {
  value: unknown;
  readonly problems: Problem[] = [];
  readonly lines = new LineCounter();
  readonly places = new Map<string, Place>();
  readonly #text: string;
  readonly #file: string;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  report(problem: Problem, range: Range): void {
    this.problems.push(this.#placed(problem, range));
  }

  locate(problem: Problem, path: Path, which: "value" | "key" = "value"): Problem {
    const short = this.places.has(pathKey(path)) ? undefined : this.#shortForm(path);
    if (short) return this.#placed(problem, short.value);
    for (let length = path.length; length > 0; length--) {
      const place = this.places.get(pathKey(path.slice(0, length)));
      if (!place) continue;
      // Where the value itself is not in the file, the key above it says best what is meant.
      const wantsKey = which === "key" || length < path.length;
      return this.#placed(problem, wantsKey && place.key ? place.key : place.value);
    }
    return this.#placed(problem, { start: 0, end: 0 });
  }

  /** Short forms leave levels out: `app: [a:1]` is app.endpoints, `app: a:1` its first, `redirect: /x` is redirect.to. */
  #shortForm(path: Path): Place | undefined {
    const alone = this.places.get(pathKey(path.slice(0, -2)));
    if (alone?.scalar) return alone;
    for (let index = path.length - 1; index > 0; index--) {
      const place = this.places.get(pathKey(path.toSpliced(index, 1)));
      if (place && (index < path.length - 1 || place.scalar)) return place;
    }
    return undefined;
  }

  #placed(problem: Problem, { start, end }: Range): Problem {
    const { line, col } = this.lines.lineStarts.length === 0 ? { line: 1, col: 1 } : this.lines.linePos(start);
    const lineStart = start - (col - 1);
    const newline = this.#text.indexOf("\n", start);
    const source = this.#text.slice(lineStart, newline < 0 ? undefined : newline).replace(/\r$/, "");
    const length = Math.max(1, Math.min(end - start, source.length - (col - 1)));
    return { ...problem, position: { file: this.#file, line, column: col }, source, length };
  }
}

/** One pass over the nodes: plain values, places, variables. */
class Walk {
  readonly #source: Source;
  readonly #document: Document;
  readonly #env: Environment;
  #nodes = 0;

  constructor(source: Source, document: Document, env: Environment) {
    this.#source = source;
    this.#document = document;
    this.#env = env;
  }

  valueOf(node: unknown, path: Path, key: Range | null, depth: number): unknown {
    const range = rangeOf(node as Node | null) ?? key ?? { start: 0, end: 0 };
    this.#source.places.set(pathKey(path), { value: range, key, scalar: isScalar(node) });
    if (++this.#nodes > NODES_MAX || depth > DEPTH_MAX) {
      if (this.#nodes <= NODES_MAX + 1)
        this.#fail("the file is too deep or too large once its aliases are followed", range);
      this.#nodes = NODES_MAX + 1;
      return undefined;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target) return this.valueOf(target, path, key ?? range, depth + 1);
      return this.#fail(`there is no anchor "&${node.source}"`, range, 'text that begins with "*" stands in quotes');
    }
    if (isSeq(node)) return node.items.map((item, index) => this.valueOf(item, [...path, index], null, depth + 1));
    if (isMap(node)) {
      // No prototype: "__proto__" is a key like any other.
      const values: Record<string, unknown> = Object.create(null);
      for (const pair of node.items) {
        const keyRange = rangeOf(pair.key as Node | null) ?? range;
        if (!isScalar(pair.key)) this.#fail("a key is a plain text", keyRange, flowHint(pair.key));
        else {
          const name = String(pair.key.value ?? "");
          values[name] = this.valueOf(pair.value, [...path, name], keyRange, depth + 1);
        }
      }
      return values;
    }
    return isScalar(node) ? this.#scalar(node, range) : null;
  }

  #scalar(node: Scalar, range: Range): unknown {
    if (typeof node.value !== "string" || !node.value.includes("${")) return node.value;
    const text = this.#expand(node.value, range);
    if (text === undefined || node.type !== "PLAIN") return text;
    // Unquoted, ${WORKERS} is what would stand there: a number, true, false.
    if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    return text === "true" ? true : text === "false" ? false : text;
  }

  #expand(text: string, range: Range): string | undefined {
    let complete = true;
    const expanded = text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, inside: string | undefined, close: string) => {
      if (inside === undefined) return "${";
      const parts = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside);
      // As in a shell: ":-" also stands in for a variable that is empty.
      const value = parts
        ? parts[2] === undefined
          ? this.#env[parts[1]!]
          : this.#env[parts[1]!] || parts[2]
        : undefined;
      if (parts && close && value !== undefined) return value;
      complete = false;
      if (!parts || !close)
        this.#fail(
          `"${whole}" is not a variable`,
          range,
          'write "${NAME}" or "${NAME:-default}"; "$${" stands for "${"',
        );
      else this.#fail(`the environment variable ${parts[1]} is not set`, range, this.#variableHint(parts[1]!));
      return "";
    });
    return complete ? expanded : undefined;
  }

  #variableHint(name: string): string {
    const meant = suggestionHint(name, Object.keys(this.#env));
    return `${meant.startsWith("did") ? `${meant} ` : ""}write "\${${name}:-default}" where it may be missing`;
  }

  #fail(message: string, range: Range, hint?: string): undefined {
    this.#source.report(
      hint === undefined ? { severity: "error", message } : { severity: "error", message, hint },
      range,
    );
  }
}

function pathKey(path: Path): string {
  return JSON.stringify(path);
}

function rangeOf(node: Node | null): Range | null {
  return node?.range ? { start: node.range[0], end: node.range[1] } : null;
}

/** `- {client.ip}: x` and `{{…}}` make a mapping a key. */
function flowHint(key: unknown): string {
  return isMap(key) ? "put text that begins with a brace in quotes" : "write it in quotes";
}

/** The parser's errors in words for people who do not know its terms. */
function syntaxProblem(error: YAMLError, text: string): Problem {
  const severity = "error";
  switch (error.code) {
    case "DUPLICATE_KEY":
      return {
        severity,
        message: `the key ${keyAt(text, error.pos[0])} is given twice in one mapping`,
        hint: "put both in one",
      };
    case "TAB_AS_INDENT":
      return { severity, message: "a tab in the indentation", hint: "YAML is indented with spaces" };
    case "MULTIPLE_DOCS":
      return { severity, message: "the file has more than one document", hint: 'take the "---" out' };
    case "BAD_ALIAS":
      return { severity, message: sentence(error.message), hint: 'text that begins with "*" or "&" stands in quotes' };
    case "MISSING_CHAR":
    case "UNEXPECTED_TOKEN":
    case "BAD_SCALAR_START":
    case "BAD_COLLECTION_TYPE": {
      const variable = /\$\{/.test(lineAt(text, error.pos[0]));
      const hint = variable ? 'within { } and [ ] put a value with "${…}" in quotes' : sentence(error.message);
      const character = text[error.pos[0]] ?? "\n";
      const message =
        character.trim() === "" ? "something is missing before this place" : `"${character}" does not fit here`;
      return { severity, message, hint };
    }
    default:
      return { severity, message: sentence(error.message) };
  }
}

function errorRange(error: YAMLError, text: string): Range {
  const [start, end] = error.pos;
  return { start, end: error.code === "DUPLICATE_KEY" ? start + keyAt(text, start).length : end };
}

function keyAt(text: string, offset: number): string {
  return /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,{}]+)/.exec(text.slice(offset, offset + 200))?.[0] ?? "";
}

function lineAt(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  return text.slice(start, end < 0 ? undefined : end);
}

function sentence(message: string): string {
  const line = message.split("\n")[0]!.trim().replace(/\.$/, "");
  return line.charAt(0).toLowerCase() + line.slice(1);
}
