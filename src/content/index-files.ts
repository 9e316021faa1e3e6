// Which file stands for a folder. index tries its names in order: the first that is there is gone on with as the uri; a
// name with a leading slash is gone on with unseen. Whether the folder itself is there is asked only after the first name
// is not, since most requests find one. random_index takes any file of the folder.
import { answer, type ContentRequest, type StatusOutcome } from "./content-request.ts";
import { readDirectory } from "./directory.ts";
import { type FileProblem, isProblem, problemStatus } from "./file-problem.ts";

/** Go on with this uri, as an internal redirect; the query stays. */
export interface InternalOutcome {
  readonly kind: "internal";
  readonly uri: string;
}

/** null = no index file; the next one may answer (autoindex). */
export async function findIndex(request: ContentRequest): Promise<InternalOutcome | StatusOutcome | null> {
  const { uri, path, store, symlinks } = request;
  let isFolderKnown = false;
  for (const text of request.settings.index) {
    const name = request.render(text);
    if (name.startsWith("/")) return { kind: "internal", uri: name };
    const found = await store.stat(path + name, symlinks);
    if (!isProblem(found)) return { kind: "internal", uri: uri + name };
    const refused = refusal(found, request);
    if (refused) return refused;
    if (!isFolderKnown) {
      const wrong = await checkFolder(request, found);
      if (wrong) return wrong;
      isFolderKnown = true;
    }
    if (found.code !== "ENOENT") {
      request.report("crit", found.problem);
      return answer(500);
    }
  }
  return null;
}

/** What ends the search at once. */
function refusal(problem: FileProblem, { settings, report }: ContentRequest): StatusOutcome | null {
  const { code, path, text } = problem;
  // A symbolic link that is refused: without a line in the log, as nginx has it.
  if (code === "EMLINK" || code === "ELOOP") return answer(403);
  if (code === "EACCES") {
    report("error", `"${path}" is forbidden (${text})`);
    return answer(403);
  }
  if (code !== "ENOTDIR" && code !== "ENAMETOOLONG") return null;
  if (settings.logNotFound) report("error", `"${path}" is not found (${text})`);
  return answer(404);
}

async function checkFolder(request: ContentRequest, missing: FileProblem): Promise<StatusOutcome | null> {
  const { path, settings, report, store, symlinks } = request;
  const folder = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  const found = await store.stat(folder, symlinks);
  if (!isProblem(found)) {
    if (found.isDirectory) return null;
    report("alert", `"${missing.path}" is not a directory`);
    return answer(500);
  }
  if (found.code === "EMLINK" || found.code === "ELOOP") return answer(403);
  // The first name could be looked up, so that the folder may be searched.
  if (found.code === "EACCES") return null;
  if (found.code === "ENOENT") {
    if (settings.logNotFound) report("error", `"${missing.path}" is not found (${found.text})`);
    return answer(404);
  }
  report("crit", found.problem);
  return answer(500);
}

/** null = the folder has no files. */
export async function pickIndex(request: ContentRequest): Promise<InternalOutcome | StatusOutcome | null> {
  const { uri, path, report, random } = request;
  const entries = await readDirectory(path.slice(0, -1), (problem) => report("crit", problem.problem));
  if (isProblem(entries)) {
    const { status, level } = problemStatus(entries);
    report(level, entries.problem);
    return answer(status);
  }
  const files = entries.filter(({ isFile }) => isFile);
  const picked = files[Math.floor(random() * files.length)];
  return picked ? { kind: "internal", uri: uri + picked.name } : null;
}
