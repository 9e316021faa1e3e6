// An entry as it was written, out of the archive of the build. Apart from load-index.ts, since hardly any answer needs it.
import { join } from "node:path";
import { openArchive } from "./entry-archive.ts";
import { knowledgeFolder } from "./load-index.ts";

/** The Markdown of an entry, as written; null where there is none. */
export function loadMarkdown(id: string): string | null {
  const packed = openArchive(join(knowledgeFolder, "entries"))?.read(id) as { readonly markdown: string } | undefined;
  return packed?.markdown ?? null;
}
