// Finds the format of a text and reads it. One line: the formats in order, each with a cheap test of its own; what none of
// them knows is free text. Several lines: a document (JSON, an error page), or line by line, where stack frames and
// fields of an inspected object belong to the line above them. What stands in running text (phrases.ts) is read in the
// parts that speak, whatever the format is.
import type { Facts, Range } from "./explanation.ts";
import { access } from "./formats/access.ts";
import { apacheError } from "./formats/apache.ts";
import { appLog, iisAccess } from "./formats/app-logs.ts";
import { awsLoadBalancer, cloudfront } from "./formats/aws.ts";
import { readCodeAlone } from "./formats/code-alone.ts";
import { envoyAccess, envoyLog } from "./formats/envoy.ts";
import { readErrorPage } from "./formats/error-page.ts";
import { addCode, type Format, isQuiet, levelOf, type Reading, reading, setFact } from "./formats/format.ts";
import { goLog, klog, zapConsole, zerolog } from "./formats/go-log.ts";
import { haproxyMessage, haproxyTraffic } from "./formats/haproxy.ts";
import { heroku, herokuAppPrefix } from "./formats/heroku.ts";
import { hasHead, httpHead } from "./formats/http-head.ts";
import { goodgateLine, jsonLog } from "./formats/json-log.ts";
import { isDescribe, k8sDescribe, k8sEvent, k8sPods } from "./formats/kubernetes.ts";
import { nginxError } from "./formats/nginx-error.ts";
import { readPhrases } from "./formats/phrases.ts";
import { productOf } from "./formats/products.ts";
import { lineEnd } from "./mapped-text.ts";
import type { Code, Normalised, Recognised } from "./recognised.ts";

/** Formats of one line. Those of busy logs first: the rest is asked only where these know nothing. */
const FORMATS: readonly Format[] = [
  nginxError,
  haproxyTraffic,
  access,
  envoyAccess,
  jsonLog,
  awsLoadBalancer,
  cloudfront,
  heroku,
  apacheError,
  envoyLog,
  zerolog,
  zapConsole,
  klog,
  goodgateLine,
  appLog,
  iisAccess,
  goLog,
  haproxyMessage,
  k8sEvent,
  k8sPods,
];

/** Formats whose messages have been read already, or have none. */
const COMPLETE: ReadonlySet<string> = new Set([
  "nginx-error",
  "haproxy-http",
  "haproxy-tcp",
  "envoy-access",
  "apache-error",
]);

/** Reads a text without its wrappers. Never throws; what no format knows has format null. */
export function recognise({ text, facts, wrappers }: Normalised): Recognised {
  const read = readText(text, facts, wrappers);
  for (const name of Object.keys(facts) as (keyof Facts)[]) setFact(read.facts, name, facts[name]);
  if (!read.benign && read.codes.every(isFineStatus)) {
    const shown = text.slice(0, PRODUCT_MAX);
    read.benign = (isQuiet(read.facts.level) || NORMAL_WORK.test(shown)) && !TROUBLE.test(shown);
  }
  return read;
}

/** Words that make even a line of level info worth a look. */
const TROUBLE =
  /fail|error|refus|time[ds]? ?out|reset|unable|unreachable|cannot|can't|could not|denied|panic|crash|kill|exceed|abort|no such|not found|invalid|warn|\b50\d\b/i;

const isFineStatus = ({ of, code }: Code): boolean => of === "http-status" && Number(code) < 400;

/** What servers say of work that goes well, whatever form their lines have. */
const NORMAL_WORK =
  /\bHTTP\/[\d.]+"?[ :]{1,3}[123]\d\d\b|\b(?:INFO?|DEBUG|DBG|NOTICE|info|notice)\b|^[ID]\d{4} \d\d:|\b(?:listening (?:on|at)|still healthy|successfully|now ready|is ready|server (?:is )?(?:started|running|listening)|started (?:server|process|worker)|(?:re)?loaded|connected to|billed duration|ready for (?:connections|start up)|health check (?:passed|ok|succeeded))\b/im;

function readText(text: string, known: Facts, wrappers: readonly string[]): Reading {
  if (text === "") return reading(null);
  const alone = text.length < 120 && !text.includes("\n") ? readCodeAlone(text) : null;
  if (alone) {
    setFact(alone.facts, "software", productOf(text));
    return alone;
  }
  if (!text.includes("\n") && !wrappers.includes("html")) return readLine(text, known);
  return readDocument(text, known, wrappers) ?? readWrapped(text, known) ?? readLines(text, known);
}

const WRAPPED_LINES_MAX = 8;

/** One long line that a terminal or a mail broke: only the first piece looks like a record, and all together are one. */
function readWrapped(text: string, known: Facts): Reading | null {
  const [first = "", ...rest] = text.split("\n");
  if (rest.length >= WRAPPED_LINES_MAX || first.length < 40) return null;
  const goesOn = (line: string) => line.trim() !== "" && !FRAME.test(line) && readFormatted(line, known) === null;
  if (!rest.every(goesOn)) return null;
  // As many characters as before, so that every range still fits.
  return readFormatted(text.replaceAll("\n", " "), known);
}

/** One line, in its format or as free text. */
function readLine(line: string, known: Facts): Reading {
  return readFormatted(line, known) ?? readFree(line, known);
}

function readFormatted(line: string, known: Facts): Reading | null {
  for (const format of FORMATS) {
    const found = format.recognise(line, known);
    if (found) return withPhrases(line, found);
  }
  const app = herokuAppPrefix(line);
  return app ? shifted(readLine(line.slice(app.length), known), app, known) : null;
}

function withPhrases(line: string, found: Reading): Reading {
  if (found.format === null || COMPLETE.has(found.format)) return found;
  for (const [start, end] of found.messages) readPhrases(line, start, end, found);
  if (found.facts.software === undefined && found.messages.length > 0)
    setFact(found.facts, "software", productOf(line));
  return found;
}

/** What stands behind "app[web.1]: " as a part of the whole line. */
function shifted(inner: Reading, { length, dyno }: { length: number; dyno: string }, known: Facts): Reading {
  const into = moved(inner, length);
  setFact(into.facts, "upstreamName", dyno);
  setFact(into.facts, "time", known.time);
  into.format ??= "heroku-app";
  into.facts.format ??= "heroku-app";
  into.facts.software ??= "heroku";
  return into;
}

function moved(inner: Reading, by: number): Reading {
  return {
    ...inner,
    codes: inner.codes.map(({ of, code, range }) => ({ of, code, range: [range[0] + by, range[1] + by] as Range })),
    messages: inner.messages.map(([start, end]) => [start + by, end + by] as Range),
  };
}

/** The name of the product stands near the beginning of what it prints. */
const PRODUCT_MAX = 20_000;

const PLAIN_TIME =
  /\[?((?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?(?: [AP]M)?(?= |\]|$))\]?[ \t:-]{0,4}/y;
const PLAIN_LEVEL =
  /[[(]?(EMERG|ALERT|CRIT|CRITICAL|FATAL|ERROR|ERR|WARN|WARNING|NOTICE|INFO|DEBUG|TRACE|emerg|alert|crit|critical|fatal|error|err|warn|warning|notice|info|debug|trace)[\])]?(?::(?=\s)|(?<=\])|(?=[ \t]))[ \t-]{0,8}/y;

/** Free text: a time and a level at its beginning are facts, the rest speaks. */
function readFree(line: string, known: Facts): Reading {
  const into = reading(null, known.software);
  let at = 0;
  PLAIN_TIME.lastIndex = 0;
  const time = PLAIN_TIME.exec(line);
  if (time && time[0].length < line.length) {
    into.facts.time = time[1]!;
    at = time[0].length;
  }
  PLAIN_LEVEL.lastIndex = at;
  const level = PLAIN_LEVEL.exec(line);
  // A sentence may begin with "error" or "warning": only in capitals or in brackets it is a level.
  if (level && (/^[[(]|^[A-Z]{3}/.test(level[0]) || at > 0)) into.facts.level = levelOf(level[1]!);
  into.messages = [[0, line.length]];
  if (known.software === undefined) setFact(into.facts, "software", productOf(line.slice(0, PRODUCT_MAX)));
  readPhrases(line, 0, line.length, into);
  return into;
}

/** Texts that are one thing over several lines. */
function readDocument(text: string, known: Facts, wrappers: readonly string[]): Reading | null {
  if (text[0] === "{") {
    const record = jsonLog.recognise(text, known);
    if (record && (record.facts.cause !== undefined || record.codes.length > 0 || record.messages.length > 0))
      return withPhrases(text, record);
  }
  if (hasHead(text)) return null;
  const page = readErrorPage(text, wrappers.includes("html"));
  if (!page) return null;
  readPhrases(text, 0, text.length, page);
  return page;
}

const FRAME =
  /^\s{0,40}(?:at (?:async )?[\w$.<>[\]/ (]|File "|\.{3} \d+ (?:more|common)|from \/|#\d{1,3} |\^|~+|[\w./-]+:\d+:in `|├─|└─|│)|^[{}[\](),;\s]*$|^[{}] \[\d+ bytes data\]|^[<>] ?$/;
/** A paste, not a log: what stands further down is left out. */
const LINES_MAX = 2_000;

/** Line by line; lines of no format that follow each other are one text. */
function readLines(text: string, known: Facts): Reading {
  const context: Context = { text, known, describe: isDescribe(text), head: hasHead(text) };
  const body = context.head ? bodyOf(text) : -1;
  const reads: Reading[] = [];
  const frees: FreeText[] = [];
  let free: FreeText | null = null;
  let count = 0;
  for (let start = 0; start < text.length && count++ < LINES_MAX; ) {
    if (start === body) {
      reads.push(readBody(text, start, known));
      break;
    }
    const end = lineEnd(text, start);
    const line = text.slice(start, end);
    if (line.trim() !== "" && !FRAME.test(line)) {
      const found = readInContext(line, context);
      if (found === "nothing") free = null;
      else if (found) {
        reads.push(moved(found, start));
        free = null;
      } else if (free) {
        free.read.messages.push([start, end]);
        free.end = end;
        readPhrases(text, start, end, free.read);
      } else {
        free = { read: moved(readFree(line, known), start), start, end };
        frees.push(free);
        reads.push(free.read);
      }
    }
    start = end + 1;
  }
  for (const each of frees) nameProduct(each, text, known);
  return joined(reads, text);
}

interface Context {
  readonly text: string;
  readonly known: Facts;
  readonly describe: boolean;
  readonly head: boolean;
}

interface FreeText {
  readonly read: Reading;
  readonly start: number;
  end: number;
}

/** A line of a head or of a describe block as such, else in its format; null = free text. */
function readInContext(line: string, { known, describe, head }: Context): Reading | "nothing" | null {
  const field =
    (head ? httpHead.recognise(line, known) : null) ?? (describe ? k8sDescribe.recognise(line, known) : null);
  if (field) return withPhrases(line, field);
  const found = readFormatted(line, known);
  // Other fields of a describe block say nothing.
  return found ?? (describe && /^\s*[\w -]{1,30}:/.test(line) ? "nothing" : null);
}

/** The words of a product may stand on a later line than the first. */
function nameProduct({ read, start, end }: FreeText, text: string, known: Facts): void {
  if (known.software !== undefined) return;
  const product = productOf(text.slice(start, Math.min(end, start + PRODUCT_MAX)));
  if (product !== undefined) read.facts.software = product;
}

function readBody(text: string, start: number, known: Facts): Reading {
  const body = text.slice(start);
  const page = readErrorPage(body, false);
  if (!page) return moved(readText(body, known, []), start);
  const read = moved(page, start);
  readPhrases(text, start, text.length, read);
  return read;
}

/** Where the body begins behind a head: after its first empty line; -1 = nowhere. */
function bodyOf(text: string): number {
  const empty = text.indexOf("\n\n");
  if (empty < 0 || !/^(?:< )?HTTP\//.test(text)) return -1;
  return empty + 2 < text.length ? empty + 2 : -1;
}

/** The first that tells of a failure gives the facts, the others what it does not say. */
function joined(reads: readonly Reading[], text: string): Reading {
  const failing = reads.filter(({ benign }) => !benign);
  const telling = failing.length > 0 ? failing : reads;
  const first = telling.find(({ format }) => format !== null) ?? telling[0] ?? reading(null);
  const into = reading(first.format, first.facts.software);
  const ordered = [first, ...telling.filter((read) => read !== first), ...reads.filter(isHeadLine)];
  for (const { facts } of ordered) {
    for (const name of Object.keys(facts) as (keyof Facts)[]) setFact(into.facts, name, facts[name]);
  }
  for (const { of, code, range } of telling.flatMap(({ codes }) => codes)) addCode(into, of, code, ...range);
  into.messages = mergeRanges(
    telling.flatMap(({ messages }) => messages),
    text,
  );
  into.benign = reads.length > 0 && failing.length === 0;
  if (into.facts.software === undefined && failing.length > 0)
    setFact(into.facts, "software", productOf(text.slice(0, PRODUCT_MAX)));
  return into;
}

/** Fields of a head say nothing bad, but they say who spoke. */
const isHeadLine = ({ format, benign }: Reading): boolean => benign && format === "http-head";

/** Neighbouring lines become one range, so that a sentence that was wrapped is found. */
function mergeRanges(ranges: readonly Range[], text: string): Range[] {
  const merged: Range[] = [];
  for (const [start, end] of ranges) {
    const last = merged.at(-1);
    if (last && start >= last[1] && text.slice(last[1], start).trim() === "" && start - last[1] < 80)
      merged[merged.length - 1] = [last[0], end];
    else merged.push([start, end]);
  }
  return merged;
}
