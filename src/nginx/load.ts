// A configuration with all of its files. Relative names of included files are relative to the folder of the main
// file, whatever file they stand in; patterns may fit nothing, a plain name must exist. A file that is included
// several times is read and parsed once. Reading and listing are passed in: nothing here touches a disk.
// nginx would run out of file descriptors in a loop of includes; we say which files it leads through.
import { shown } from "./byte-text.ts";
import { glob, isPattern, type ListFolder } from "./glob.ts";
import { parseNginx } from "./parse.ts";
import { makeProblem, type NginxProblem } from "./problem.ts";
import { makeSource, type Source } from "./source.ts";
import type { ConfFile, Directive } from "./tree.ts";

/** Names deeper than this are a mistake. */
const DEPTH_MAX = 50;
const INCLUSIONS_MAX = 10_000;

/** Why a file could not be read: errno and its text, as strerror(3) has it. */
export interface ReadFailure {
  readonly call: "open" | "read" | "pread";
  readonly errno: number;
  readonly text: string;
}

export interface Files {
  /** Byte text (byte-text.ts) of a file. Paths are byte text too. */
  readonly read: (path: string) => string | ReadFailure;
  readonly list: ListFolder;
}

/** One place where a file is read: the same file may stand in several. */
export interface Inclusion {
  readonly file: ConfFile;
  /** The `include` that led here; null for the main file and the command line. */
  readonly by: Directive | null;
  /** Where that stands. */
  readonly from: Inclusion | null;
  /** By the `include` directives of this file, in order. */
  readonly included: ReadonlyMap<Directive, readonly Inclusion[]>;
  /** Files that could not be included. */
  readonly problems: readonly NginxProblem[];
}

export interface NginxConfiguration {
  readonly main: Inclusion;
  /** What -g gave. */
  readonly commandLine: Inclusion | null;
  /** Each file once, in the order in which nginx opens them. */
  readonly files: readonly ConfFile[];
}

interface Loader {
  readonly files: Files;
  /** With its slash. */
  readonly folder: string;
  readonly parsed: Map<string, ConfFile | ReadFailure>;
  readonly inOrder: ConfFile[];
  inclusions: number;
}

/** Reads the main file (its full path) and all that it includes; a failure = the main file cannot be read. */
export function loadNginx(path: string, files: Files, commandLine = ""): NginxConfiguration | ReadFailure {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const loader: Loader = { files, folder, parsed: new Map(), inOrder: [], inclusions: 0 };
  const first = parsedFile(loader, path);
  if ("errno" in first) return first;
  const given = commandLine === "" ? null : parseNginx(makeSource("", commandLine, "command-line"));
  return {
    commandLine: given && { file: given, by: null, from: null, included: new Map(), problems: [] },
    main: include(loader, first, null, null),
    files: loader.inOrder,
  };
}

/** The name of a file that an `include` means, made full. */
export function fullName(folder: string, name: string): string {
  return name.startsWith("/") ? name : folder + name;
}

/** The directives of a list with those of included files in the place of each `include`. */
export function* expand(
  directives: readonly Directive[],
  inclusion: Inclusion,
): Generator<{ readonly directive: Directive; readonly inclusion: Inclusion }> {
  for (const directive of directives) {
    const included = inclusion.included.get(directive);
    if (!included) yield { directive, inclusion };
    else for (const inner of included) yield* expand(inner.file.directives, inner);
  }
}

/** Puts problems of several files into the order in which nginx comes to them. */
export function inNginxOrder<T extends { readonly problem: NginxProblem; readonly inclusion: Inclusion }>(
  found: readonly T[],
): T[] {
  const keyed = found.map((each) => ({ each, key: placeOf(each.problem, each.inclusion) }));
  return keyed.sort((a, b) => comparePlaces(a.key, b.key)).map(({ each }) => each);
}

function placeOf({ order }: NginxProblem, inclusion: Inclusion): number[] {
  const place = [order];
  // The command line is read before the main file.
  if (inclusion.file.source.kind === "command-line") return [-1, order];
  for (let at: Inclusion = inclusion; at.by && at.from; at = at.from)
    place.unshift(at.by.endsAt, at.from.included.get(at.by)?.indexOf(at) ?? 0);
  return place;
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!;
  }
  // nginx comes to the files of an `include` before it has finished with the directive.
  return b.length - a.length;
}

function include(loader: Loader, file: ConfFile, by: Directive | null, from: Inclusion | null): Inclusion {
  const included = new Map<Directive, readonly Inclusion[]>();
  const problems: NginxProblem[] = [];
  const inclusion: Inclusion = { file, by, from, included, problems };
  loader.inclusions += 1;
  for (const directive of includesOf(file.directives)) {
    const inner: Inclusion[] = [];
    included.set(directive, inner);
    for (const path of pathsOf(loader, directive)) {
      const obstacle = obstacleTo(loader, inclusion, directive, path);
      if (obstacle) {
        problems.push(obstacle);
        break;
      }
      const next = parsedFile(loader, path);
      if ("errno" in next) problems.push(cannotRead(directive, path, next));
      else inner.push(include(loader, next, directive, inclusion));
    }
  }
  return inclusion;
}

function* includesOf(directives: readonly Directive[]): Generator<Directive> {
  const open = [directives[Symbol.iterator]()];
  for (let at = open.at(-1); at; at = open.at(-1)) {
    const { value, done } = at.next();
    if (done) open.pop();
    else if (value.block) open.push(value.block.directives[Symbol.iterator]());
    else if (value.name === "include" && value.args.length === 1) yield value;
  }
}

function pathsOf({ folder, files }: Loader, { args }: Directive): readonly string[] {
  const path = fullName(folder, args[0]!.value);
  return isPattern(path) ? glob(path, files.list) : [path];
}

/** What speaks against including a file here: a loop, or too many. */
function obstacleTo(loader: Loader, from: Inclusion, directive: Directive, path: string): NginxProblem | null {
  const chain: string[] = [];
  for (let at: Inclusion | null = from; at; at = at.from) chain.unshift(at.file.source.path);
  const round = chain.indexOf(path);
  if (round !== -1) {
    const way = [...chain.slice(round), path].map(shown).join(" → ");
    return includeProblem(directive, "open", 24, "Too many open files", path, `the files include each other: ${way}`);
  }
  if (chain.length >= DEPTH_MAX) return tooMany(directive, `files include each other more than ${DEPTH_MAX} deep`);
  if (loader.inclusions >= INCLUSIONS_MAX) return tooMany(directive, `more than ${INCLUSIONS_MAX} files are included`);
  return null;
}

function tooMany(directive: Directive, text: string): NginxProblem {
  const { source, endsAt, head } = directive;
  return makeProblem({ kind: "include", source, text, saidByNginx: false, noticedAt: endsAt, at: head.start });
}

function cannotRead(directive: Directive, path: string, { call, errno, text }: ReadFailure): NginxProblem {
  const relative = !directive.args[0]!.value.startsWith("/");
  const hint = relative ? "names are relative to the folder of the main file" : undefined;
  return includeProblem(directive, call, errno, text, path, errno === 2 ? hint : undefined);
}

function includeProblem(
  { source, endsAt, args }: Directive,
  call: string,
  errno: number,
  reason: string,
  path: string,
  hint: string | undefined,
): NginxProblem {
  const [name] = args;
  const text = `${call}() "${path}" failed (${errno}: ${reason})`;
  return makeProblem({
    kind: "include",
    source,
    text,
    noticedAt: endsAt,
    at: name!.start,
    length: name!.raw.length,
    hint,
  });
}

function parsedFile(loader: Loader, path: string): ConfFile | ReadFailure {
  const known = loader.parsed.get(path);
  if (known) return known;
  const text = loader.files.read(path);
  const file = typeof text === "string" ? parseNginx(makeSource(path, text)) : text;
  loader.parsed.set(path, file);
  if (!("errno" in file)) loader.inOrder.push(file);
  return file;
}

/** What the -T option prints: every file under its name, each once. */
export function dumpFiles(files: readonly ConfFile[]): string {
  return files.map(({ source }) => dumpFile(source)).join("");
}

function dumpFile({ path, text }: Source): string {
  return `# configuration file ${path}:\n${text}\n`;
}
