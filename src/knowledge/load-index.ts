// The index that the build made from /knowledge, from inside the package. For Node; the browser fetches the same.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnowledgeIndex } from "./entry.ts";

const here = dirname(fileURLToPath(import.meta.url));
/** Beside the compiled code; from src/, where tests run, that is in dist/. */
export const knowledgeFolder = existsSync(join(here, "index.json"))
  ? here
  : join(here, "..", "..", "dist", "knowledge");

let loaded: KnowledgeIndex | null = null;

/** Reads the index, once. Throws where it was not built: a package has it, a checkout after `npm run build`. */
export function loadIndex(): KnowledgeIndex {
  loaded ??= JSON.parse(readFileSync(join(knowledgeFolder, "index.json"), "utf8")) as KnowledgeIndex;
  return loaded;
}
