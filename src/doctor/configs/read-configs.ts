// All configurations that were given, each with its evidence, in the order given. A folder stands for the
// configurations in it: where a program's main file is among them, that one and what it includes counts for the
// program, since a folder also holds what is not in use (sites-available). Nothing here throws: a file that cannot be
// read, or is nothing known, is evidence with one problem that says so.
import type { InputProblem } from "../evidence.ts";
import { KINDS_READ, kindOfConfig, whatItLooksLike } from "./detect.ts";
import { type Encoding, FILES_ON_DISK, type FileAccess } from "./files.ts";
import type { ConfigEvidence, ConfigKind } from "./model.ts";
import { evidence, problem } from "./reader.ts";
import { READERS } from "./readers.ts";

const DEPTH_MAX = 4;
const FILES_MAX = 500;
const PASSED_OVER =
  /^(?:\.|node_modules$|vendor$|dist$|modules|mods-available$|sites-available$|.*(?:~|\.(?:bak|orig|rpmsave|rpmnew|dpkg-\w+|swp|pem|crt|key|log|gz|so|map|lock))$)/;
/** The file that a program reads first. */
const MAIN: Readonly<Partial<Record<ConfigKind, RegExp>>> = {
  nginx: /^nginx\.conf$/,
  apache: /^(?:httpd|apache2)\.conf$/,
};

interface Candidate {
  readonly file: string;
  readonly kind: ConfigKind;
}

/** Reads them all. */
export async function readConfigs(
  files: readonly string[],
  access: FileAccess = FILES_ON_DISK,
): Promise<ConfigEvidence[]> {
  const found: ConfigEvidence[] = [];
  for (const file of new Set(files)) found.push(...(await readOne(file, access)));
  // A file that another of them includes was read there, with what stands around it.
  const isIncluded = (each: ConfigEvidence) =>
    found.some((other) => other !== each && other.files.includes(each.file) && !each.files.includes(other.file));
  return found.filter((each) => !isIncluded(each));
}

async function readOne(file: string, access: FileAccess): Promise<readonly ConfigEvidence[]> {
  const content = access.read(file);
  if (content.kind === "fault") {
    if (content.reason === "folder") return readFolder(file, access);
    return [evidence(file, null, { problems: [problem(file, null, `${file}: ${content.text}`, content.next)] })];
  }
  const { text, encoding } = content;
  const kind = kindOfConfig(file, text);
  if (kind === null) return [evidence(file, null, { problems: [unknown(file, text)] })];
  const read = await readText(file, kind, text, access);
  return [{ ...read, problems: [...encodingProblems(file, encoding, kind), ...read.problems] }];
}

async function readText(file: string, kind: ConfigKind, text: string, files: FileAccess): Promise<ConfigEvidence> {
  const reader = await READERS[kind]();
  try {
    return reader({ file, text, files });
  } catch (error) {
    // A mistake of ours: the other inputs are still worth reading.
    const said = error instanceof Error ? error.message : String(error);
    const next = "the rest of the report holds without it; please report this with the file";
    return evidence(file, kind, {
      problems: [problem(file, null, `${file}: it could not be understood: ${said}`, next)],
    });
  }
}

function unknown(file: string, text: string): InputProblem {
  const looks = whatItLooksLike(text);
  const said = looks === null ? "it is none of the configurations that are read" : `it looks like ${looks}`;
  return problem(file, null, `${file}: ${said}`, `configurations that are read: ${KINDS_READ}`);
}

function encodingProblems(file: string, encoding: Encoding, kind: ConfigKind): readonly InputProblem[] {
  if (encoding !== "utf-16") return [];
  const text = `${file}: it is written in UTF-16, which ${kind} itself does not read`;
  return [problem(file, { file, line: 1, column: 1 }, text, "save it as UTF-8")];
}

async function readFolder(folder: string, access: FileAccess): Promise<readonly ConfigEvidence[]> {
  const candidates: Candidate[] = [];
  const isWhole = collect(folder.replace(/\/+$/, "") || "/", access, 0, candidates, { left: FILES_MAX });
  if (candidates.length === 0) {
    const next = `name the file itself; configurations that are read: ${KINDS_READ}`;
    return [
      evidence(folder, null, {
        problems: [problem(folder, null, `${folder}: no configuration is in this folder`, next)],
      }),
    ];
  }
  const found: ConfigEvidence[] = [];
  const read = new Set<string>();
  for (const { file } of counting(candidates)) {
    if (read.has(file)) continue;
    for (const each of await readOne(file, access)) {
      found.push(each);
      for (const included of each.files) read.add(included);
    }
  }
  if (!isWhole) {
    const text = `${folder}: more than ${FILES_MAX} files: only the first were looked at`;
    found.push(evidence(folder, null, { problems: [problem(folder, null, text, "name the files themselves")] }));
  }
  return found;
}

/** Main files first; of a program that has one, nothing else. */
function counting(candidates: readonly Candidate[]): readonly Candidate[] {
  const isMain = ({ file, kind }: Candidate) => MAIN[kind]?.test(file.slice(file.lastIndexOf("/") + 1)) ?? false;
  const withMain = new Set(candidates.filter(isMain).map(({ kind }) => kind));
  return candidates.filter((each) => isMain(each) || !withMain.has(each.kind));
}

/** False = there were more than may be looked at. */
function collect(
  folder: string,
  access: FileAccess,
  depth: number,
  into: Candidate[],
  budget: { left: number },
): boolean {
  for (const name of access.list(folder) ?? []) {
    if (PASSED_OVER.test(name)) continue;
    if (budget.left === 0) return false;
    budget.left -= 1;
    const file = folder === "/" ? `/${name}` : `${folder}/${name}`;
    const content = access.read(file);
    if (content.kind === "text") {
      const kind = kindOfConfig(file, content.text);
      if (kind !== null) into.push({ file, kind });
    } else if (content.reason === "folder" && depth < DEPTH_MAX) {
      if (!collect(file, access, depth + 1, into, budget)) return false;
    }
  }
  return true;
}
