// From the path of a request to the path of a file: root + uri, or an alias in place of the location's prefix. What a
// request adds may not climb out of the root. The uri is normalised before it comes here, but an alias can put a name
// together with dots that a request brings ("/img../x" below location /img, alias /data/), and a rewrite can make any.
import type { RootConfig } from "../config/servers.ts";

/** A file's path, and where in it the request begins. */
export interface MappedPath {
  /** Byte text. */
  readonly path: string;
  /** Up to here it is what the configuration says. */
  readonly rootLength: number;
}

/**
 * `renderedRoot` is RootConfig.path with its variables. `addUri`: try_files found a file below the alias of a pattern's
 * location, so that its uri is added.
 */
export function mapToPath(root: RootConfig, renderedRoot: string, uri: string, addUri = false): MappedPath {
  if (root.kind === "root") return { path: renderedRoot + uri, rootLength: renderedRoot.length };
  if (root.prefixLength >= 0) {
    return { path: renderedRoot + uri.slice(root.prefixLength), rootLength: renderedRoot.length };
  }
  // Captures come from the request: only the text before the first is sure.
  const constant = root.path.search(/\{/);
  const rootLength = constant < 0 ? renderedRoot.length : constant;
  return { path: addUri ? renderedRoot + uri : renderedRoot, rootLength };
}

/** Whether what the request added has a ".." segment. */
export function climbsOut({ path, rootLength }: MappedPath): boolean {
  for (let at = path.indexOf("..", Math.max(0, rootLength - 1)); at >= 0; at = path.indexOf("..", at + 1)) {
    const before = at === 0 || path[at - 1] === "/";
    const after = at + 2 === path.length || path[at + 2] === "/";
    if (before && after) return true;
  }
  return false;
}
