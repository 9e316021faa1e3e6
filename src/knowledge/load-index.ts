// The index and the pages that the build made from /knowledge, from inside the package. For Node; the browser fetches
// the same index.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnowledgeIndex } from "./entry.ts";
import { openArchive } from "./entry-archive.ts";

const here = dirname(fileURLToPath(import.meta.url));
/** Beside the compiled code; from src/, where tests run, that is in dist/. */
const folder = existsSync(join(here, "index.json")) ? here : join(here, "..", "..", "dist", "knowledge");

let loaded: KnowledgeIndex | null = null;

/** Reads the index, once. Throws where it was not built: a package has it, a checkout after `npm run build`. */
export function loadIndex(): KnowledgeIndex {
  loaded ??= JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as KnowledgeIndex;
  return loaded;
}

/** The Markdown of an entry, as written; null where there is none. */
export function loadMarkdown(id: string): string | null {
  const packed = openArchive(join(folder, "entries"))?.read(id) as { readonly markdown: string } | undefined;
  return packed?.markdown ?? null;
}
