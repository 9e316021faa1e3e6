// Cases of test/corpus/nginx-conf: a head (what it shows, what nginx says, what we say), then files, the first of
// which is nginx.conf. Expectations of nginx were taken from nginx; corpus.test.ts holds them against it again.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatProblem } from "../config/problem.ts";
import { byteText, shown } from "./byte-text.ts";
import { type CheckResult, checkDirectives } from "./check.ts";
import { DIRECTIVES } from "./directives/table.ts";
import { type Files, loadNginx, type NginxConfiguration } from "./load.ts";
import { nginxLine } from "./problem.ts";

const folder = fileURLToPath(new URL("../../test/corpus/nginx-conf/", import.meta.url));

export interface CorpusCase {
  readonly name: string;
  readonly about: string;
  /** "accepted", or the line that nginx prints. */
  readonly nginx: string;
  /** Why a real nginx is not asked. */
  readonly notCompared: string | undefined;
  /** "nginx.conf:1:2: error: message" and the hint. */
  readonly problems: readonly string[];
  /** Byte text by relative name. */
  readonly files: ReadonlyMap<string, string>;
}

/** All cases. */
export function corpusCases(): CorpusCase[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort()
    .map((name) => parseCase(name.slice(0, -4), byteText(readFileSync(join(folder, name)))));
}

function parseCase(name: string, text: string): CorpusCase {
  const [head = "", ...parts] = text.split(/^--- /m);
  const field = (key: string) => [...head.matchAll(new RegExp(`^${key}: (.*)$`, "gm"))].map(([, value]) => value!);
  const files = parts.map((part) => {
    const end = part.indexOf("\n");
    const [path = "", ...marks] = part.slice(0, end).split(" ");
    let content = part.slice(end + 1);
    if (marks.includes("crlf")) content = content.replace(/\n/g, "\r\n");
    if (marks.includes("no-newline")) content = content.replace(/\n$/, "");
    if (marks.includes("bom")) content = `\xef\xbb\xbf${content}`;
    return [path, content] as const;
  });
  return {
    name,
    about: field("about")[0] ?? "",
    nginx: shown(field("nginx")[0] ?? ""),
    notCompared: field("not-compared")[0],
    problems: field("problem").map(shown),
    files: new Map(files),
  };
}

/** The folder that the files of a case seem to be in. */
export const PREFIX = "/etc/nginx/";

/** Files of a case as the loader reads them. */
export function filesOf(files: ReadonlyMap<string, string>): Files {
  const paths = [...files.keys()].map((name) => (name.startsWith("/") ? name : PREFIX + name));
  return {
    read: (path) =>
      files.get(path.replace(PREFIX, "")) ?? { call: "open", errno: 2, text: "No such file or directory" },
    list: (path) => {
      const within = path.endsWith("/") ? path : `${path}/`;
      const inside = paths.filter((each) => each.startsWith(within)).map((each) => each.slice(within.length));
      return inside.length === 0 ? null : [...new Set(inside.map((rest) => rest.split("/")[0]!))];
    },
  };
}

/** Loads and checks the files of a case. */
export function run(files: ReadonlyMap<string, string>, commandLine = ""): NginxConfiguration & CheckResult {
  const loaded = loadNginx(`${PREFIX}nginx.conf`, filesOf(files), commandLine);
  if ("errno" in loaded) throw new Error("the case has no nginx.conf");
  return { ...loaded, ...checkDirectives(loaded, DIRECTIVES) };
}

/** What nginx would print. */
export function verdict({ problems }: CheckResult): string {
  const first = problems.find(({ severity, nginx }) => severity === "error" && nginx !== null);
  return first ? nginxLine(first).replace("nginx: ", "").replaceAll(PREFIX, "") : "accepted";
}

/** What we say, one line each. */
export function said({ problems }: CheckResult): string[] {
  return problems.map((problem) => {
    const { source: _, hint, ...bare } = problem;
    const line = formatProblem(bare).replaceAll(PREFIX, "");
    return hint === undefined ? line : `${line} | ${hint.replaceAll(PREFIX, "")}`;
  });
}
