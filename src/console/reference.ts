// The reference below /reference of the console: the same pages as the static site, made when they are asked for, and
// the answer to the box's form, so that it works without scripts, too. What is pasted stays on this machine; it is not
// logged. The text comes in the address, whose length the console's limit on heads bounds.

import { explain } from "../explain/explain.ts";
import type { Explanation } from "../explain/explanation.ts";
import { SITE_POLICY } from "../site/layout.ts";
import { openLibrary } from "../site/library.ts";
import { answerTo, notFound, type Reference, type Resource, resourceAt } from "../site/reference.ts";

/** What the console sends. */
export interface ReferenceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

const PREFIX = "/reference";

let opened: Reference | null = null;

/** Opened at the first request: a gateway whose reference nobody reads does not load it. */
function reference(): Reference {
  if (!opened) {
    const library = openLibrary();
    opened = { library, site: { assets: library.assets, base: null, served: true } };
  }
  return opened;
}

/** The answer for a path below /reference with its query ("?text=…", or ""). Throws where the reference is not built. */
export async function answerReference(path: string, query: string): Promise<ReferenceAnswer> {
  if (path === PREFIX) return redirect(`${PREFIX}/`);
  const below = path.slice(PREFIX.length + 1);
  if (below === "explain") {
    const text = new URLSearchParams(query).get("text") ?? "";
    return text.trim() === "" ? redirect(`${PREFIX}/`) : resource(200, answerTo(reference(), text));
  }
  const found = await resourceAt(reference(), below);
  if (found) return resource(200, found);
  // "status/502" without its slash: links in error pages and people write it so.
  const page = await resourceAt(reference(), `${below}/`);
  return page ? redirect(`${PREFIX}/${below}/`) : resource(404, notFound(reference(), below));
}

/** What explain says of a text. Throws where the reference is not built. */
export function explainText(text: string): Explanation {
  return explain(text, reference().library.index);
}

const redirect = (location: string): ReferenceAnswer => ({ status: 308, headers: { Location: location }, body: "" });

function resource(status: number, { type, body, immutable }: Resource): ReferenceAnswer {
  const headers: Record<string, string> = { "Content-Type": type };
  if (immutable) headers["Cache-Control"] = "private, max-age=31536000, immutable";
  if (type.startsWith("text/html")) headers["Content-Security-Policy"] = `${SITE_POLICY}; frame-ancestors 'none'`;
  return { status, headers, body };
}
