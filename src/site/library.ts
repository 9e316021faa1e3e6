// The reference as the build left it in dist/: the index is read once, entries when they are asked for. An id counts
// only if the index has it, so that no address ever becomes a path of its own.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EntryCard, KnowledgeIndex } from "../knowledge/entry.ts";
import { openArchive } from "../knowledge/entry-archive.ts";
import type { Assets, PackedEntry, RenderedEntry } from "./fragment.ts";

export interface Library {
  readonly index: KnowledgeIndex;
  readonly assets: Assets;
  readonly assetFolder: string;
  card(id: string): EntryCard | undefined;
  /** Rejects where the index does not have it. */
  entry(id: string): Promise<RenderedEntry>;
  /** The entry's Markdown. */
  source(id: string): Promise<string>;
}

/** dist/ of this package, from its sources and from its build alike. */
const distFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "dist");

/** Opens what the build left in `folder`; throws where there is no build. */
export function openLibrary(folder: string = distFolder): Library {
  const indexFile = join(folder, "knowledge", "index.json");
  if (!existsSync(indexFile)) throw new Error("the reference is not built: run `npm run build`");
  const index = JSON.parse(readFileSync(indexFile, "utf8")) as KnowledgeIndex;
  const assets = JSON.parse(readFileSync(join(folder, "site", "assets.json"), "utf8")) as Assets;
  const cards = new Map(index.cards.map((card) => [card.id, card]));
  const archive = openArchive(join(folder, "knowledge", "entries"));
  const read = async (id: string): Promise<PackedEntry> => {
    const packed = archive?.read(id) as PackedEntry | undefined;
    if (!packed) throw new Error(`the reference has no entry ${id}`);
    return packed;
  };
  return {
    index,
    assets,
    assetFolder: join(folder, "site", "assets"),
    card: (id) => cards.get(id),
    entry: read,
    source: async (id) => (await read(id)).markdown,
  };
}
