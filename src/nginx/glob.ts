// glob(3) over a function that lists folders: `*`, `?`, `[…]` and backslash within the parts of a path. Names that
// begin with a dot need a dot in the pattern. Results are in the order of their bytes, as in the C locale, which is
// the one that nginx runs in.

/** Names in a folder; null = there is no such folder, or it may not be read. */
export type ListFolder = (path: string) => readonly string[] | null;

/** Whether nginx takes the name of an include for a pattern. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/** The paths that fit. */
export function glob(pattern: string, list: ListFolder): string[] {
  const parts = pattern.split("/");
  // "/etc/x": the first part is empty, and the folder of the second is "/".
  let found = [pattern.startsWith("/") ? "/" : ""];
  for (const [index, part] of parts.entries()) {
    if (part === "") continue;
    const isLast = index === parts.length - 1;
    found = found.flatMap((folder) => within(folder, part, isLast, list));
  }
  return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function within(folder: string, part: string, isLast: boolean, list: ListFolder): string[] {
  const join = (name: string) => (folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`);
  if (!isPattern(part)) {
    const name = part.replace(/\\(.)/g, "$1");
    if (!isLast) return [join(name)];
    return (list(folder || ".") ?? []).includes(name) ? [join(name)] : [];
  }
  const fits = patternOf(part);
  return (list(folder || ".") ?? []).filter((name) => fits.test(name)).map(join);
}

/** A part of a path as a regular expression. Stars in a row count as one, so matching stays fast. */
function patternOf(part: string): RegExp {
  let source = /^[*?[]/.test(part) ? "(?!\\.)" : "";
  for (const [token, set] of part.matchAll(/\*+|\?|\[([!^]?\]?[^\]]*)\]|\\?[\s\S]/g)) {
    if (token.startsWith("*")) source += "[^]*?";
    else if (token === "?") source += "[^]";
    else if (set !== undefined) {
      const inner = set.replace(/^[!^]/, "").replace(/[\\\][^]/g, "\\$&");
      source += `[${/^[!^]/.test(set) ? "^" : ""}${inner}]`;
    } else source += token.replace(/^\\(?=.)/, "").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  }
  try {
    return new RegExp(`^${source}$`);
  } catch {
    // A range from high to low ("[z-a]") holds nothing.
    return /(?!)/;
  }
}
