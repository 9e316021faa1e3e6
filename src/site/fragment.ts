// What the build leaves for run time: of each entry its head and its sections as markup, so that pages are put together
// without a Markdown parser or a highlighter. Links to other entries are kept as `href="entry:ID/#anchor"`, because how
// far a page stands from the root is known only where the page is made.
import type { Entry, SectionHeading } from "../knowledge/entry.ts";

/** A section of an entry as markup. */
export interface Fragment {
  readonly heading: SectionHeading;
  readonly anchor: string;
  /** Before the first "### …". Trusted: made by the build from our own entries. */
  readonly html: string;
  /** Below each "### …". */
  readonly parts: readonly FragmentPart[];
}

export interface FragmentPart {
  readonly id: string;
  /** Without markup. */
  readonly title: string;
  readonly titleHtml: string;
  readonly html: string;
}

/** An entry as its page is made of. */
export interface RenderedEntry {
  readonly entry: Entry;
  readonly fragments: readonly Fragment[];
}

/** As the archive of the build keeps it. */
export interface PackedEntry extends RenderedEntry {
  /** The file that it was made from. */
  readonly markdown: string;
}

/** Marks the address of an entry in a fragment; the id, a slash and perhaps an anchor follow. */
export const ENTRY_LINK = "entry:";

/** What the bundler made, by names that change with the content. */
export interface Assets {
  readonly style: string;
  /** On every page. */
  readonly script: string;
  /** Loaded where somebody explains or searches: the index of the entries. */
  readonly index: string;
  readonly icon: string;
}
