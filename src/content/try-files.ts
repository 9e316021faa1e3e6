// try_files: the first of its paths that is there becomes the uri and the location goes on with it; else the last one is
// where to go. Below an alias the path takes the place of what the alias stands for: with variables, the location's
// prefix is taken off first (it came with $uri); that is nginx's rule, and it holds for the last path as well.
import type { RootConfig, Text, TryFilesConfig } from "../config/servers.ts";
import type { ContentRequest } from "./content-request.ts";
import { isAbsent, isProblem } from "./file-problem.ts";
import { climbsOut } from "./path.ts";

export type TryFilesOutcome =
  /** The location goes on with this uri; `addUri` is for mapToPath. */
  | { readonly kind: "found"; readonly uri: string; readonly addUri: boolean }
  /** "/path?args" (an internal redirect) or "@name". */
  | { readonly kind: "last"; readonly to: string }
  | { readonly kind: "status"; readonly status: number };

/** What try_files looks at of a request. `renderedRoot` is root or alias with its variables. */
export type TryFilesRequest = Pick<ContentRequest, "uri" | "store" | "symlinks" | "render" | "report"> & {
  readonly root: RootConfig;
  readonly renderedRoot: string;
};

export async function tryFiles(config: TryFilesConfig, request: TryFilesRequest): Promise<TryFilesOutcome> {
  const { root, renderedRoot, store, symlinks, report } = request;
  for (const text of config.paths) {
    // A slash that the configuration has asks for a folder; one that a variable brings does not.
    const wantsFolder = text.endsWith("/");
    const name = nameOf(wantsFolder ? text.slice(0, -1) : text, request);
    const path = renderedRoot + name;
    if (climbsOut({ path, rootLength: renderedRoot.length })) continue;
    const found = await store.stat(path, symlinks);
    if (isProblem(found)) {
      if (!isAbsent(found)) report("crit", found.problem);
    } else if (found.isDirectory === wantsFolder) {
      return foundAt(name, wantsFolder, root, request.uri);
    }
  }
  if (typeof config.last !== "string") return { kind: "status", status: config.last.status };
  return { kind: "last", to: nameOf(config.last, request) };
}

function foundAt(name: string, isFolder: boolean, root: RootConfig, uri: string): TryFilesOutcome {
  if (root.kind === "root") return { kind: "found", uri: name, addUri: false };
  if (root.prefixLength >= 0) return { kind: "found", uri: uri.slice(0, root.prefixLength) + name, addUri: false };
  return isFolder ? { kind: "found", uri, addUri: false } : { kind: "found", uri: name, addUri: true };
}

function nameOf(text: Text, { root, uri, render }: TryFilesRequest): string {
  const name = render(text);
  const prefix = root.kind === "alias" && root.prefixLength > 0 ? uri.slice(0, root.prefixLength) : "";
  const hasVariables = text.replaceAll("{{", "").includes("{");
  return hasVariables && name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
