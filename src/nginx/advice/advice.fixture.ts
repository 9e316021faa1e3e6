// Cases of test/corpus/nginx-advice: NAME.risk.txt is a configuration in which the rule of that name finds something,
// NAME.fine.txt one that is right. Their heads have what is said, a line each.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { byteText, shown } from "../byte-text.ts";
import { PREFIX, run } from "../corpus.fixture.ts";
import { type Advice, adviseNginx } from "./advise.ts";

const folder = fileURLToPath(new URL("../../../test/corpus/nginx-advice/", import.meta.url));

export interface AdviceCase {
  readonly rule: string;
  readonly kind: "risk" | "fine";
  /** As `lineOf` writes them. */
  readonly said: readonly string[];
  /** Byte text by relative name. */
  readonly files: ReadonlyMap<string, string>;
}

/** All cases. */
export function adviceCases(): AdviceCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => parseCase(name, byteText(readFileSync(join(folder, name)))));
}

function parseCase(name: string, text: string): AdviceCase {
  const [rule = "", kind = ""] = name.split(".");
  if (kind !== "risk" && kind !== "fine") throw new Error(`${name}: neither risk nor fine`);
  const [head = "", ...parts] = text.split(/^--- /m);
  const files = parts.map((part) => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), part.slice(end + 1)] as const;
  });
  const said = head.split("\n").filter((line) => /^(?:found|note): /.test(line));
  return { rule, kind, said: said.map(shown), files: new Map(files) };
}

/** What the rules say of files. */
export function advise(files: ReadonlyMap<string, string>): readonly Advice[] {
  return adviseNginx(run(files));
}

/** A finding in one line. */
export function lineOf({ note, rule, message, hint, cause, position }: Advice): string {
  const place = `${position?.file.replace(PREFIX, "")}:${position?.line}:${position?.column}`;
  return `${note ? "note" : "found"}: ${place} [${rule}] ${message} | ${hint}${cause ? ` | ${cause}` : ""}`;
}

/** A whole configuration with this in its http block. */
export function inHttp(text: string): ReadonlyMap<string, string> {
  return new Map([["nginx.conf", `events {}\nhttp {\n${text}\n}\n`]]);
}
