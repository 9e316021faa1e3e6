// goodgate explain: a pasted error, log line or status in; the cause, the confidence and the next step out. Nothing
// leaves the machine. Exit codes: 0 answered, 1 nothing in the reference matched (a page was composed), 2 wrong usage.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { explain } from "../explain/explain.ts";
import type { Explanation } from "../explain/explanation.ts";
import { loadIndex } from "../knowledge/load-index.ts";
import { renderExplanation, renderLine, renderMarkdown } from "./explain-text.ts";
import { coloured, columns, print } from "./terminal.ts";

const EXIT_ANSWERED = 0;
const EXIT_UNKNOWN = 1;
const EXIT_USAGE = 2;
const STDIN_MAX = 1024 * 1024;
/** Answers are written together where they come from a file; those of a pipe at once. */
const BATCH_CHARS = 64 * 1024;

export interface ExplainOptions {
  /** A file with one text per line, or "-". */
  readonly lines?: string;
  /** A whole log, grouped; or "-". */
  readonly log?: string;
  readonly json?: boolean;
  /** Print the entry's page, too. */
  readonly page?: boolean;
}

/** Runs the command; resolves with the exit code. */
export async function explainCommand(texts: readonly string[], options: ExplainOptions): Promise<number> {
  const wanted = [options.lines, options.log].filter((file) => file !== undefined);
  if (wanted.length + (texts.length > 0 ? 1 : 0) > 1) return usage("give a text, --lines or --log: one of them");
  const file = wanted[0];
  if (file !== undefined && file !== "-" && !isFile(file)) return usage(`${file}: no such file`);
  if (options.log !== undefined) {
    const { explainLog } = await import("./explain-log.ts");
    return explainLog(options.log, options.json === true, coloured());
  }
  if (options.lines !== undefined) return explainLines(options.lines, options.json === true);
  const text = texts.length === 0 || (texts.length === 1 && texts[0] === "-") ? await readStdin() : texts.join(" ");
  if (text === null) return usage('nothing to explain: goodgate explain "502 Bad Gateway", or pipe a log line into it');
  if (text.trim() === "") return usage("the text is empty");
  const answer = explain(text, loadIndex());
  const page = options.page ? await markdownOf(answer.entry.slice(1)) : null;
  const colour = coloured();
  const human = () =>
    renderExplanation(answer, { colour, columns: columns() }) + (page ? `\n${renderMarkdown(page, colour)}` : "");
  await print(options.json ? `${JSON.stringify(answer, null, 2)}\n` : human());
  return codeOf(answer);
}

/** The entry as it is written; null where there is none. */
async function markdownOf(id: string): Promise<string | null> {
  return (await import("../knowledge/load-markdown.ts")).loadMarkdown(id);
}

async function explainLines(file: string, json: boolean): Promise<number> {
  const index = loadIndex();
  const colour = coloured();
  let unknown = 0;
  let batch = "";
  const input = file === "-" ? process.stdin : createReadStream(file);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const answer = explain(line, index);
    unknown += codeOf(answer);
    batch += json ? `${JSON.stringify(answer)}\n` : renderLine(answer, colour);
    if (batch.length < BATCH_CHARS && file !== "-") continue;
    await print(batch);
    batch = "";
  }
  if (batch !== "") await print(batch);
  return unknown > 0 ? EXIT_UNKNOWN : EXIT_ANSWERED;
}

const codeOf = ({ generated }: Explanation): number => (generated ? EXIT_UNKNOWN : EXIT_ANSWERED);

/** Standard input as text; null where a person sits at it. */
async function readStdin(): Promise<string | null> {
  if (process.stdin.isTTY) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > STDIN_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function usage(problem: string): number {
  process.stderr.write(`goodgate explain: ${problem}\n`);
  return EXIT_USAGE;
}

function isFile(file: string): boolean {
  return existsSync(file) && !statSync(file).isDirectory();
}
