// The build of the reference: reads /knowledge, renders it, bundles what runs in the browser, and leaves in dist/ what
// the program needs of all that at run time, where there is no Markdown parser, highlighter or bundler any more:
//   knowledge/index.json        all cards, for explain and the lists; samples come with the page of an entry
//   knowledge/entries.pack      each entry with its fragments and its source; entries.json says where
//   site/assets/*               script, style and index for browsers, by names that change with their content
//   site/assets.json            those names
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeArchive } from "../../knowledge/entry-archive.ts";
import type { EntryProblem } from "../../knowledge/parse-entry.ts";
import { indexOf, readEntries } from "../../knowledge/read-entries.ts";
import type { Assets, PackedEntry } from "../fragment.ts";
import { bundleScripts } from "./bundle.ts";
import { createHighlighter } from "./highlight.ts";
import { createRenderer, languagesOf } from "./render-sections.ts";
import { shrinkStyle } from "./shrink-style.ts";

export interface LibraryFolders {
  /** Markdown of the entries. */
  readonly knowledge: string;
  /** The package's src/: the browser's code is bundled from there. */
  readonly source: string;
  /** The package's dist/. */
  readonly output: string;
}

export interface LibraryReport {
  readonly entries: number;
  readonly problems: readonly EntryProblem[];
}

/** Makes all of it anew. Entries with problems are left out or lose a link; the report says which. */
export async function writeLibrary({ knowledge, source, output }: LibraryFolders): Promise<LibraryReport> {
  const { entries, problems } = readEntries(knowledge);
  const assets = join(output, "site", "assets");
  rmSync(assets, { recursive: true, force: true });
  mkdirSync(join(output, "knowledge"), { recursive: true });
  mkdirSync(assets, { recursive: true });

  const bundling = bundleScripts(join(source, "site", "browser", "page.ts"), assets);
  const renderer = createRenderer(new Set(entries.map(({ id }) => id)), await createHighlighter(languagesOf(entries)));
  const packed = entries.map((entry): [string, PackedEntry] => {
    const markdown = readFileSync(join(knowledge, `${entry.id}.md`), "utf8");
    return [entry.id, { entry, fragments: renderer.render(entry), markdown }];
  });
  writeArchive(join(output, "knowledge", "entries"), packed);
  const index = indexOf(entries);
  const cards = index.cards.map((card) => ({ ...card, samples: [] }));
  writeFileSync(join(output, "knowledge", "index.json"), JSON.stringify({ ...index, cards }));
  const names: Assets = {
    script: await bundling,
    style: writeNamed(assets, "site", "css", shrinkStyle(readFileSync(join(source, "site", "site.css"), "utf8"))),
    index: writeNamed(assets, "index", "json", JSON.stringify({ cards })),
    icon: writeNamed(assets, "icon", "svg", readFileSync(join(source, "site", "icon.svg"), "utf8")),
  };
  writeFileSync(join(output, "site", "assets.json"), JSON.stringify(names));
  return { entries: entries.length, problems };
}

/** Writes a file under a name with a hash of its content, which may be kept for ever; returns the name. */
function writeNamed(folder: string, name: string, extension: string, content: string): string {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
  const file = `${name}-${hash}.${extension}`;
  writeFileSync(join(folder, file), content);
  return file;
}
