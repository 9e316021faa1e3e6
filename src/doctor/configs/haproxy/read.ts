// haproxy.cfg. HAProxy may be given several files, or a folder of them, and reads them as one: here each stands for
// itself, and what would need the others is left unsaid. Files beside are looked at for the backends that they define.
import type { ConfigEvidence } from "../model.ts";
import { evidence, folderOf, problem, type ReadInput } from "../reader.ts";
import { haproxyFindings } from "./findings.ts";
import { haproxyHop } from "./hop.ts";
import { parseHaproxy } from "./words.ts";

const PROBLEMS_MAX = 20;
const BESIDE_MAX = 50;

/** Reads it. */
export function readHaproxy(input: ReadInput): ConfigEvidence {
  const { file, text } = input;
  const parsed = parseHaproxy(file, text);
  const hop = haproxyHop(parsed);
  const findings = haproxyFindings(parsed, backendsBeside(input)).map((each) => ({ ...each, hop: hop?.name ?? null }));
  const problems = parsed.broken
    .slice(0, PROBLEMS_MAX)
    .map((each) => problem(file, each.at, each.text, '"haproxy -c -f" says what it makes of it'));
  return evidence(file, "haproxy", { hops: hop ? [hop] : [], findings, problems });
}

/** Names of backends in other files of the folder, of "conf.d" in it, and of the folder around a "conf.d". */
function backendsBeside({ file, files }: ReadInput): ReadonlySet<string> {
  const own = folderOf(file);
  const folders = [own, `${own}conf.d/`, ...(/(?:^|\/)conf\.d\/$/.test(own) ? [own.replace(/conf\.d\/$/, "")] : [])];
  const paths = folders.flatMap((folder) => {
    const names = files.list(folder.replace(/(?<=.)\/$/, "") || ".") ?? [];
    return names.filter((name) => name.endsWith(".cfg")).map((name) => folder + name);
  });
  const names = paths
    .filter((path) => path !== file)
    .slice(0, BESIDE_MAX)
    .flatMap((path) => {
      const content = files.read(path);
      return content.kind === "text" ? parseHaproxy(path, content.text).sections : [];
    })
    .filter(({ kind }) => kind === "backend" || kind === "listen")
    .map(({ name }) => name);
  return new Set(names);
}
