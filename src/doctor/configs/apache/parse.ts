// The language of httpd.conf: a directive per line, "\" at its end continues it, "#" at its beginning makes it a
// comment, <Sections> hold directives. Include is followed (relative to ServerRoot; a copy of another machine's folder
// is looked at beside the main file first), <IfModule> and its kind are decided where the files tell, macros are
// used, and what Define says is put in. What modules would refuse is not known here.
import { glob, isPattern } from "../../../nginx/glob.ts";
import type { InputProblem, Place } from "../../evidence.ts";
import type { FileAccess } from "../files.ts";
import { folderOf, problem, type ReadInput } from "../reader.ts";
import { type Row, rowsOf, wordsOf } from "./words.ts";

export interface Directive {
  /** As written; compare in lower case. */
  readonly name: string;
  readonly args: readonly string[];
  readonly at: Place;
  /** Places of the arguments. */
  readonly places: readonly Place[];
  /** null = a directive; else what the section holds. */
  readonly inner: readonly Directive[] | null;
}

export interface Tree {
  readonly directives: readonly Directive[];
  readonly files: readonly string[];
  readonly problems: readonly InputProblem[];
}

const FILES_MAX = 1000;
const DEPTH_MAX = 40;
const CHARS_MAX = 16 * 1024 * 1024;
/** With what macros and includes make of them. */
const ROWS_MAX = 200_000;
const PROBLEMS_MAX = 20;
/** What Debian's envvars say. */
const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["APACHE_LOG_DIR", "/var/log/apache2"],
  ["APACHE_RUN_DIR", "/var/run/apache2"],
];

interface Macro {
  readonly parameters: readonly string[];
  readonly rows: readonly Row[];
}

interface Loader {
  readonly main: string;
  readonly access: FileAccess;
  readonly defined: Map<string, string>;
  readonly macros: Map<string, Macro>;
  /** "ssl_module", "mod_ssl.c". */
  readonly modules: Set<string>;
  readonly files: string[];
  /** Files that are being read, the innermost last. */
  readonly within: string[];
  charsLeft: number;
  rowsLeft: number;
  readonly problems: InputProblem[];
  serverRoot: string;
}

type Draft = Omit<Directive, "inner"> & { readonly inner: Draft[] | null };

/** Reads a file and what it includes. */
export function parseApache({ file, text, files: access }: ReadInput): Tree {
  const serverRoot = /^[ \t]*ServerRoot[ \t]+"?([^"\r\n]+?)"?[ \t]*\r?$/im.exec(text)?.[1] ?? folderOf(file);
  const loader: Loader = {
    main: file,
    access,
    defined: new Map(ENVIRONMENT),
    macros: new Map(),
    modules: new Set(),
    files: [file],
    within: [file],
    charsLeft: CHARS_MAX,
    rowsLeft: ROWS_MAX,
    problems: [],
    serverRoot: serverRoot === "" || serverRoot.endsWith("/") ? serverRoot : `${serverRoot}/`,
  };
  const directives: Draft[] = [];
  readRows(loader, rowsOf(file, text), directives, 0);
  const { files, problems } = loader;
  if (loader.rowsLeft < 0 || loader.charsLeft < 0)
    problems.unshift(
      problem(
        file,
        null,
        `${file}: more lines, with what it includes and its macros, than are read`,
        "give the part that matters",
      ),
    );
  return { directives, files, problems: problems.slice(0, PROBLEMS_MAX) };
}

/** Sections that only say when what they hold is read. */
const WHEN = /^(?:ifmodule|ifdefine|ifversion|iffile|ifdirective|ifsection|else|elseif|requireall|requireany)$/;

interface Open {
  readonly name: string;
  readonly at: Place;
  readonly into: Draft[];
  /** Nothing in it is read. */
  readonly skipped: boolean;
}

function readRows(loader: Loader, rows: readonly Row[], into: Draft[], depth: number): void {
  const open: Open[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    loader.rowsLeft -= 1;
    if (!row || loader.rowsLeft < 0) continue;
    const top: Open | undefined = open.at(-1);
    const closing = /^<\/\s*(\w+)\s*>/.exec(row.text)?.[1]?.toLowerCase();
    if (closing !== undefined) {
      const at = open.findLastIndex(({ name }) => name === closing);
      if (at === -1) tell(loader, row.at, `"</${closing}>" closes nothing`);
      else open.length = at;
    } else if (/^<\s*macro\b/i.test(row.text)) {
      const end = rows.findIndex((each, at) => at > index && /^<\/\s*macro\s*>/i.test(each.text));
      defineMacro(loader, row, rows.slice(index + 1, end === -1 ? rows.length : end));
      index = end === -1 ? rows.length : end;
    } else if (/^<\s*[A-Za-z]/.test(row.text)) open.push(opened(loader, row, top?.into ?? into, top?.skipped ?? false));
    else if (!top?.skipped) readRow(loader, row, top?.into ?? into, depth);
  }
  for (const { name, at } of open) tell(loader, at, `"<${name}>" is not closed`);
}

function opened(loader: Loader, row: Row, into: Draft[], skipped: boolean): Open {
  const inside = row.text.replace(/^</, "").replace(/>\s*$/, "");
  const at = { ...row.at, column: row.at.column + 1 };
  const { name, args, places } = directiveOf(loader, { text: inside, at });
  const lower = name.toLowerCase();
  if (WHEN.test(lower))
    return { name: lower, at: row.at, into, skipped: skipped || !holds(loader, lower, args[0] ?? "") };
  const inner: Draft[] = [];
  if (!skipped) into.push({ name, args, at: row.at, places, inner });
  return { name: lower, at: row.at, into: inner, skipped };
}

/** Fewer LoadModule lines than this do not tell which modules there are: others are built in. */
const MODULES_MIN = 10;
const BUILT_IN =
  /^(?:core|http_core|so|mod_so|log_config|mod_log_config|unixd|mod_unixd|version|mod_version)(?:_module|\.c)?$/;

/** Where no modules are loaded in these files, all are taken for loaded. */
function holds({ defined, modules }: Loader, name: string, word: string): boolean {
  if (name === "ifmodule") {
    const module = word.replace(/^!/, "");
    const isThere = modules.size < 2 * MODULES_MIN || modules.has(module) || BUILT_IN.test(module);
    return isThere !== word.startsWith("!");
  }
  if (name !== "ifdefine") return true;
  return word.startsWith("!") ? !defined.has(word.slice(1)) : defined.has(word);
}

function readRow(loader: Loader, row: Row, into: Draft[], depth: number): void {
  const directive = directiveOf(loader, row);
  const { name, args } = directive;
  switch (name.toLowerCase()) {
    case "define":
      loader.defined.set(args[0] ?? "", args[1] ?? "");
      return;
    case "loadmodule":
      loader.modules.add(args[0] ?? "").add(`${/([^/]*)\.so$/.exec(args[1] ?? "")?.[1] ?? args[0]}.c`);
      into.push({ ...directive, inner: null });
      return;
    case "undefine":
      loader.defined.delete(args[0] ?? "");
      return;
    case "use":
      useMacro(loader, directive, into, depth);
      return;
    case "include":
    case "includeoptional":
      include(loader, directive, into, depth);
      return;
    default:
      into.push({ ...directive, inner: null });
  }
}

function directiveOf({ defined }: Loader, row: Row): Omit<Directive, "inner"> {
  const put = (text: string) => text.replace(/\$\{(\w+)\}/g, (whole, name: string) => defined.get(name) ?? whole);
  const [first, ...rest] = wordsOf(row);
  return {
    name: first?.text ?? "",
    args: rest.map(({ text }) => put(text)),
    at: row.at,
    places: rest.map(({ at }) => at),
  };
}

function defineMacro({ macros }: Loader, row: Row, rows: readonly Row[]): void {
  const [, name, ...parameters] = wordsOf({ ...row, text: row.text.replace(/^<|>\s*$/g, "") });
  macros.set((name?.text ?? "").toLowerCase(), { parameters: parameters.map(({ text }) => text), rows });
}

function useMacro(loader: Loader, { args, at }: Omit<Directive, "inner">, into: Draft[], depth: number): void {
  const [name = "", ...values] = args;
  const macro = loader.macros.get(name.toLowerCase());
  if (!macro) return tell(loader, at, `there is no macro "${name}"`);
  if (depth >= DEPTH_MAX || loader.rowsLeft < 0) return;
  // The longer names first: "$host" is in "$hostname".
  const pairs = macro.parameters.map((parameter, index) => [parameter, values[index] ?? ""] as const);
  pairs.sort(([a], [b]) => b.length - a.length);
  const rows = macro.rows.map((row) => ({
    ...row,
    text: pairs.reduce((text, [parameter, value]) => text.replaceAll(parameter, () => value), row.text),
  }));
  readRows(loader, rows, into, depth + 1);
}

function include(loader: Loader, { name, args, at }: Omit<Directive, "inner">, into: Draft[], depth: number): void {
  for (const path of args) {
    const found = depth >= DEPTH_MAX ? [] : filesOf(loader, path);
    if (found.length === 0 && /^include$/i.test(name) && !isPattern(path))
      loader.problems.push(
        problem(
          loader.main,
          at,
          `"${path}" is included and is not here: what it says is not known`,
          "give it as well, beside the main file, or run doctor on the gateway's own machine",
        ),
      );
    for (const file of found) {
      // Apache refuses a file that includes itself.
      if (loader.within.includes(file)) continue;
      const content = loader.files.length < FILES_MAX && loader.charsLeft > 0 ? loader.access.read(file) : null;
      if (content?.kind !== "text") continue;
      loader.files.push(file);
      loader.charsLeft -= content.text.length;
      loader.within.push(file);
      readRows(loader, rowsOf(file, content.text), into, depth + 1);
      loader.within.pop();
    }
  }
}

/** The files that an Include means: beside the main file where that is a copy of another machine's. */
function filesOf({ main, serverRoot, access }: Loader, path: string): readonly string[] {
  const folder = folderOf(main);
  const relative = path.startsWith(serverRoot) ? path.slice(serverRoot.length) : path.startsWith("/") ? null : path;
  // RHEL's httpd.conf is in "conf" below ServerRoot.
  const places = relative === null ? [] : [folder + relative, `${folder}../${relative}`];
  const full = path.startsWith("/") ? path : serverRoot + path;
  const isAtHome = main.startsWith(serverRoot);
  for (const each of isAtHome ? [full, ...places] : [...places, full]) {
    const list = (at: string) => access.list(at.replace(/(?<=.)\/+$/, ""));
    const found = isPattern(each) ? glob(each, list) : [each];
    const files = found.flatMap((file) => {
      const content = access.read(file);
      if (content.kind === "text") return [file];
      // A folder stands for all that is in it.
      return content.reason === "folder"
        ? (access.list(file) ?? []).map((name) => `${file.replace(/\/$/, "")}/${name}`)
        : [];
    });
    if (files.length > 0) return files;
  }
  return [];
}

function tell(loader: Loader, at: Place, text: string): void {
  loader.problems.push(problem(loader.main, at, text, '"apachectl configtest" says what it makes of it'));
}
