// The build of the reference: reads /knowledge, renders it, bundles what runs in the browser, and leaves in dist/ what
// the program needs of all that at run time, where there is no Markdown parser, highlighter or bundler any more:
//   knowledge/index.json        all cards, for explain and the lists
//   knowledge/entries/ID.json   the entry with its fragments; ID.md is its source
//   site/assets/*               script, style and index for browsers, by names that change with their content
//   site/assets.json            those names
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KnowledgeIndex } from "../../knowledge/entry.ts";
import type { EntryProblem } from "../../knowledge/parse-entry.ts";
import { indexOf, readEntries } from "../../knowledge/read-entries.ts";
import type { Assets, RenderedEntry } from "../fragment.ts";
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
  const [target, assets] = [join(output, "knowledge", "entries"), join(output, "site", "assets")];
  for (const folder of [target, assets]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(assets, { recursive: true });

  const bundling = bundleScripts(join(source, "site", "browser"), assets);
  const renderer = createRenderer(new Set(entries.map(({ id }) => id)), await createHighlighter(languagesOf(entries)));
  for (const entry of entries) {
    const file = join(target, `${entry.id}.json`);
    mkdirSync(dirname(file), { recursive: true });
    const rendered: RenderedEntry = { entry, fragments: renderer.render(entry) };
    writeFileSync(file, JSON.stringify(rendered));
    copyFileSync(join(knowledge, `${entry.id}.md`), join(target, `${entry.id}.md`));
  }
  const index = indexOf(entries);
  writeFileSync(join(output, "knowledge", "index.json"), JSON.stringify(index));
  const names: Assets = {
    script: await bundling,
    style: writeNamed(assets, "site", "css", shrinkStyle(readFileSync(join(source, "site", "site.css"), "utf8"))),
    index: writeNamed(assets, "index", "json", JSON.stringify(forBrowsers(index))),
    icon: writeNamed(assets, "icon", "svg", readFileSync(join(source, "site", "icon.svg"), "utf8")),
  };
  writeFileSync(join(output, "site", "assets.json"), JSON.stringify(names));
  return { entries: entries.length, problems };
}

/** A page brings its own sample with it; the index that a browser loads goes without. */
function forBrowsers({ cards }: KnowledgeIndex): KnowledgeIndex {
  return { cards: cards.map((card) => ({ ...card, samples: [] })) };
}

/** Writes a file under a name with a hash of its content, which may be kept for ever; returns the name. */
function writeNamed(folder: string, name: string, extension: string, content: string): string {
  const hash = createHash("sha256").update(content).digest("base64url").slice(0, 10);
  const file = `${name}-${hash}.${extension}`;
  writeFileSync(join(folder, file), content);
  return file;
}
