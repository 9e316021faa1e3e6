// goodgate format: an nginx.conf in canonical form (one directive a line, four spaces a block; words, quotes and
// comments as they were). It is printed, or put in the place of the file (--write), or only compared (--check).
// Exit codes: 0 done, 1 the language has mistakes or (--check) the form is another, 2 the file cannot be used.
import { writeFileSync } from "node:fs";
import { toByteText } from "../../nginx/byte-text.ts";
import { formatNginx } from "../../nginx/format.ts";
import { parseNginx } from "../../nginx/parse.ts";
import { makeSource } from "../../nginx/source.ts";
import { printProblems } from "../problems.ts";
import { languageOf } from "../target.ts";
import { FILES_ON_DISK, fileName } from "./files-on-disk.ts";

export interface FormatOptions {
  readonly write?: boolean;
  readonly check?: boolean;
  readonly as?: "nginx";
}

/** Formats a file; resolves with the exit code. */
export async function formatFile(file: string, { write, check, as }: FormatOptions): Promise<number> {
  const path = toByteText(file);
  const text = FILES_ON_DISK.read(path);
  if (typeof text !== "string") return fail(2, `${file}: cannot be read (${text.text})`);
  if (as === undefined && text !== "" && languageOf(text) === "yaml")
    return fail(2, `${file} is no nginx.conf, as far as can be seen (--as nginx says that it is)`);
  const parsed = parseNginx(makeSource(path, text));
  const formatted = formatNginx(parsed);
  if (formatted === null) {
    printProblems(parsed.problems);
    return fail(1, `${file}: not formatted, since that would move what is wrong`);
  }
  if (check)
    return formatted === text ? 0 : fail(1, `${file}: not in canonical form (goodgate format --write ${file})`);
  const bytes = Buffer.from(formatted, "latin1");
  if (!write) await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()));
  else if (formatted !== text) {
    try {
      writeFileSync(fileName(path), bytes);
    } catch (error) {
      return fail(2, `${file}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  return 0;
}

function fail(code: number, text: string): number {
  process.stderr.write(`goodgate format: ${text}\n`);
  return code;
}
