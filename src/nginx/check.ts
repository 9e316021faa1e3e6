// A configuration against the table of directives, in nginx's words: names, places, blocks, numbers and forms of
// arguments, duplicates. Included files are checked in the place where they are included. All is told, in the order
// in which nginx would come to it, so that the first error is the one that nginx would stop at.
// Beyond nginx: a line that was swallowed because the one before has no semicolon is taken for what it is, and what
// Goodgate does not do is told with its reason.
import { suggest } from "../config/suggest.ts";
import { countInWords, entryRefusal, refusalsOf, takes } from "./arguments.ts";
import { originOf } from "./directives/foreign.ts";
import type { Context, DirectiveSpec } from "./directives/spec.ts";
import { contextWithin, type DirectiveTable, specIn } from "./directives/table.ts";
import { type Inclusion, inNginxOrder, type NginxConfiguration } from "./load.ts";
import { named } from "./meant.ts";
import { makeProblem, type NginxProblem, type ProblemFacts } from "./problem.ts";
import { splitAtLines } from "./swallowed.ts";
import { type Arg, type Directive, endOf } from "./tree.ts";

/** A directive and what it means where it stands. */
export interface Meaning {
  readonly directive: Directive;
  readonly spec: DirectiveSpec;
}

export interface CheckResult {
  /** Of the language, of includes and of directives, in nginx's order. */
  readonly problems: readonly NginxProblem[];
  /** Directives that make no difference here. */
  readonly accepted: readonly Meaning[];
}

interface Check {
  readonly table: DirectiveTable;
  readonly found: { readonly problem: NginxProblem; readonly inclusion: Inclusion }[];
  readonly accepted: Meaning[];
}

/** What stands around the directives that are being looked at. */
interface Place {
  /** undefined = a block that nobody knows. */
  readonly context: Context | undefined;
  /** The block; null = the file. */
  readonly block: Directive | null;
  /** Directives of this block so far that may stand once. */
  readonly once: Map<DirectiveSpec, Directive>;
  /** All of it is out of scope: told once, at its beginning. */
  readonly refused: boolean;
  readonly around: Place | null;
}

/** Holds a loaded configuration against a table. */
export function checkDirectives({ main, commandLine }: NginxConfiguration, table: DirectiveTable): CheckResult {
  const check: Check = { table, found: [], accepted: [] };
  const place: Place = { context: "main", block: null, once: new Map(), refused: false, around: null };
  if (commandLine) {
    addProblems(check, commandLine);
    checkAll(check, place, commandLine.file.directives, commandLine);
  }
  addProblems(check, main);
  checkAll(check, place, main.file.directives, main);
  const problems = withoutRepetition(inNginxOrder(check.found).map(({ problem }) => problem));
  const hasEvents = [...place.once.values()].some(({ name }) => name === "events");
  if (!hasEvents && !problems.some(({ severity, kind }) => severity === "error" && kind !== "scope"))
    problems.push(noEvents(main));
  return { problems, accepted: check.accepted };
}

/** The language and the includes of a file, and of those that it includes. */
function addProblems(check: Check, inclusion: Inclusion): void {
  const { file, problems, included } = inclusion;
  for (const problem of [...file.problems, ...problems]) check.found.push({ problem, inclusion });
  for (const inner of [...included.values()].flat()) addProblems(check, inner);
}

function checkAll(check: Check, place: Place, directives: readonly Directive[], inclusion: Inclusion): void {
  for (const directive of directives) {
    const included = inclusion.included.get(directive);
    if (place.block && isEntryBlock(check, place)) checkEntry(check, place.block, directive, inclusion);
    else if (directive.head.raw !== "" || directive.args.length > 0) checkOne(check, place, directive, inclusion);
    else if (directive.block) checkBlock(check, place, directive, undefined, inclusion);
    for (const inner of included ?? []) checkAll(check, place, inner.file.directives, inner);
  }
}

function isEntryBlock({ table }: Check, { block, context }: Place): boolean {
  return (
    context === undefined &&
    block !== null &&
    (table.get(block.name)?.some(({ args }) => args.block === "entries") ?? false)
  );
}

function checkOne(check: Check, place: Place, directive: Directive, inclusion: Inclusion): void {
  const { context } = place;
  const { name, block } = directive;
  const parts =
    context === undefined ? null : splitAtLines(directive, (word) => specIn(check.table, word, context) !== undefined);
  if (context === undefined) {
    // The block is unknown: what stands in it cannot be judged.
    if (block) checkBlock(check, place, directive, undefined, inclusion);
    return;
  }
  const spec = specIn(check.table, name, context);
  if (!spec) {
    complainName(check, place, context, directive, inclusion);
    for (const part of parts?.slice(1) ?? []) checkOne(check, place, part, inclusion);
    if (parts) return;
  } else {
    const wrong = complainForm(check, spec, directive, inclusion, parts !== null);
    if (!wrong) complainArguments(check, place, spec, directive, inclusion);
    if (!wrong && parts && isPlausible(check, place, parts)) complainSwallowed(check, parts, directive, inclusion);
    if (wrong && parts) {
      for (const part of parts) checkOne(check, place, part, inclusion);
      return;
    }
    tellStatus(check, place, spec, directive, inclusion);
  }
  if (block) checkBlock(check, place, directive, spec, inclusion);
}

function checkBlock(
  check: Check,
  place: Place,
  directive: Directive,
  spec: DirectiveSpec | undefined,
  at: Inclusion,
): void {
  const within = spec && place.context ? contextWithin(directive.name, place.context) : undefined;
  const refused = place.refused || spec?.status === "refused";
  const inner: Place = { context: within, block: directive, once: new Map(), refused, around: place };
  checkAll(check, inner, directive.block!.directives, at);
}

/** A name that is unknown, or known elsewhere. */
function complainName(check: Check, place: Place, context: Context, directive: Directive, inclusion: Inclusion): void {
  const { name } = directive;
  if (check.found.length >= FOUND_MAX) return;
  const meanings = check.table.get(name);
  const text = meanings ? `"${name}" directive is not allowed here` : `unknown directive "${name}"`;
  const hint = meanings
    ? (hintForOpenBlock(check, place, directive, inclusion) ?? hintForPlace(meanings, context, name))
    : hintForUnknown(check, context, name);
  complain(check, inclusion, directive, { text, hint });
}

function hintForPlace(meanings: readonly DirectiveSpec[], context: Context, name: string): string {
  const places = placesOf(meanings, context).join(", ");
  return `"${name}" stands in ${places}; this is ${context === "main" ? "the main context" : context}`;
}

/** A block that could stand further out, in a file that ends too early: one between was not closed. */
function hintForOpenBlock(
  { table }: Check,
  { block, around }: Place,
  { name, block: own }: Directive,
  { file }: Inclusion,
): string | undefined {
  const endsTooEarly = file.problems.some(({ nginx }) => nginx?.endsWith('expecting "}"') === true);
  if (!endsTooEarly || !own || !block) return undefined;
  for (let place = around; place; place = place.around) {
    if (place.context && specIn(table, name, place.context))
      return `is a "}" missing in front of it? ${named(block)} is open here`;
  }
  return undefined;
}

/** Where a name may stand; places of the stream and mail proxies only to those who are there, or where there are no others. */
function placesOf(meanings: readonly DirectiveSpec[], context: Context): Context[] {
  const kind = (each: Context) => /^(?:stream|mail)/.exec(each)?.[0] ?? "http";
  const all = [...new Set(meanings.flatMap(({ contexts }) => contexts))];
  const near = all.filter((each) => kind(each) === kind(context));
  return near.length > 0 ? near : all;
}

const BYTE_ORDER_MARK = "\xef\xbb\xbf";

function hintForUnknown({ table }: Check, context: Context, name: string): string | undefined {
  if (name.startsWith(BYTE_ORDER_MARK)) return "the file begins with a byte order mark: save it as UTF-8 without one";
  const origin = originOf(name);
  if (origin !== undefined) return origin;
  const isHere = (known: string) => specIn(table, known, context) !== undefined;
  const meant = suggest(
    name,
    // Shorter ones first: of those that are as near, "proxy_pass" rather than "proxy_pass_header".
    [...table.keys()].sort((a, b) => a.length - b.length || Number(isHere(b)) - Number(isHere(a))),
  );
  return meant === undefined ? undefined : `did you mean "${meant}"?`;
}

/** Whether it has the block and the number of arguments that it should. */
function complainForm(
  check: Check,
  spec: DirectiveSpec,
  directive: Directive,
  inclusion: Inclusion,
  swallowed: boolean,
): boolean {
  const { name, args, block, ending } = directive;
  const { count, block: kind } = spec.args;
  const at = swallowed ? endOfFirstLine(directive) : undefined;
  const missing = at === undefined ? undefined : '";" is missing here';
  // What has no ending was told already.
  if (kind === "none" && block) {
    const text = `directive "${name}" is not terminated by ";"`;
    const hint = missing ?? `"${name}" has no block: end it with ";"`;
    complain(check, inclusion, directive, { text, hint, ...place(at) });
    return true;
  }
  if (kind !== "none" && !block && ending === ";") {
    if (inclusion.file.source.kind === "command-line") return false;
    const text = `directive "${name}" has no opening "{"`;
    complain(check, inclusion, directive, {
      text,
      hint: `"${name}" begins a block: "{" is due here`,
      at: directive.endsAt,
    });
    return true;
  }
  // What has no ending may lack arguments too.
  if (ending === "" || takes(count, args.length)) return false;
  const text = `invalid number of arguments in "${name}" directive`;
  const hint = missing ?? `"${name}" ${countInWords(count)}; here it has ${args.length}`;
  complain(check, inclusion, directive, { text, hint, ...place(at) });
  return true;
}

/** Values, and whether it stands there twice. */
function complainArguments(
  check: Check,
  { once }: Place,
  spec: DirectiveSpec,
  directive: Directive,
  at: Inclusion,
): void {
  if (spec.once) {
    const before = once.get(spec);
    if (before) {
      const text = `"${spec.name}" directive is duplicate`;
      complain(check, at, directive, { text, hint: `it stands here already: ${named(before)}` });
      return;
    }
    once.set(spec, directive);
  }
  for (const { text, arg, hint, severity } of refusalsOf(spec, directive)) {
    complain(check, at, directive, {
      text,
      at: arg.start,
      length: arg.raw.length,
      ...(hint === undefined ? {} : { hint }),
      ...(severity === undefined ? {} : { severity }),
    });
  }
}

/** Whether each part would be right by itself: "gzip buffer=1m" is more of the line before. */
function isPlausible({ table }: Check, { context }: Place, parts: readonly Directive[]): boolean {
  return parts.every((part) => {
    const spec = context && specIn(table, part.name, context);
    return spec && takes(spec.args.count, part.args.length) && refusalsOf(spec, part).length === 0;
  });
}

/** nginx accepts it, and takes the next line for arguments. */
function complainSwallowed(
  check: Check,
  parts: readonly Directive[],
  directive: Directive,
  inclusion: Inclusion,
): void {
  const names = parts
    .slice(1)
    .map(({ name }) => `"${name}"`)
    .join(", ");
  complain(check, inclusion, directive, {
    kind: "advice",
    severity: "warning",
    saidByNginx: false,
    text: `"${directive.name}" takes ${names} of the next line for arguments`,
    hint: '";" is probably missing here',
    ...place(endOfFirstLine(directive)),
  });
}

function tellStatus(check: Check, { refused }: Place, spec: DirectiveSpec, directive: Directive, at: Inclusion): void {
  if (spec.status === "accepted") check.accepted.push({ directive, spec });
  if (spec.status !== "refused" || refused) return;
  const text = `"${spec.name}" is not supported: ${spec.why ?? "it is out of scope"}`;
  complain(check, at, directive, { kind: "scope", saidByNginx: false, text });
}

function checkEntry(check: Check, block: Directive, directive: Directive, inclusion: Inclusion): void {
  if (directive.block) {
    const hint = `${named(block)} holds lines, not blocks`;
    complain(check, inclusion, directive, { text: 'unexpected "{"', at: directive.endsAt, hint });
    return;
  }
  const refusal = entryRefusal(block, directive);
  if (refusal) {
    const { text, arg, hint } = refusal;
    complain(check, inclusion, directive, { text, at: arg.start, length: arg.raw.length, ...(hint ? { hint } : {}) });
  }
}

type Complaint = Partial<ProblemFacts> & { readonly text: string };

/** More are consequences, or nobody reads them. */
const FOUND_MAX = 1000;

function complain({ found }: Check, inclusion: Inclusion, directive: Directive, facts: Complaint): void {
  if (found.length >= FOUND_MAX) return;
  const { source, head, endsAt } = directive;
  const length = facts.at === undefined ? Math.max(1, head.raw.length) : 1;
  const problem = makeProblem({ kind: "directive", source, noticedAt: endsAt, at: head.start, length, ...facts });
  found.push({ problem, inclusion });
}

function place(at: number | undefined): Partial<ProblemFacts> {
  return at === undefined ? {} : { at };
}

/** Behind the last word of the line that a directive begins in. */
function endOfFirstLine({ head, args }: Directive): number {
  let last: Arg = head;
  for (const arg of args) {
    if (arg.gap.includes("\n")) break;
    last = arg;
  }
  return endOf(last);
}

/** A file that is included several times has its problems once. */
function withoutRepetition(problems: readonly NginxProblem[]): NginxProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ in: source, order, position, message }) => {
    const key = `${source.path}:${order}:${position?.line}:${position?.column}:${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function noEvents({ file: { source } }: Inclusion): NginxProblem {
  const text = 'no "events" section in configuration';
  const hint = 'write "events {}": nginx does not start without it';
  const end = source.text.length;
  return { ...makeProblem({ kind: "directive", source, text, noticedAt: end, at: 0, hint }), placeless: true };
}
