import { describe, expect, test } from "vitest";
import type { Entry } from "../knowledge/entry.ts";
import { parseEntry } from "../knowledge/parse-entry.ts";
import { createHighlighter } from "./build/highlight.ts";
import { createRenderer } from "./build/render-sections.ts";
import { causeList, productList, productPage, statusList } from "./entry-lists.ts";
import { entryPage } from "./entry-page.ts";
import { homePage } from "./home-page.ts";
import { pageOf } from "./layout.ts";
import type { Library } from "./library.ts";

const CAUSE = `---
title: Nothing <listens>
summary: The machine said no.
samples: ["ECONNREFUSED", "</textarea><script>"]
confused: [{ entry: status/502, tell: "It is a <number>." }]
sources: [{ what: RFC 9293, url: "https://www.rfc-editor.org/rfc/rfc9293", read: 2026-01-02 }]
unverified: ["On AIX it may differ."]
---
## What it means
Cause meaning, see [the page](#diagnose).
## Causes
### Frontend
None.
### Backend
- **Down**: it is down.
### Infrastructure
None.
## Fixes
### HAProxy
By HAProxy.
### nginx
By nginx.
## FAQ
### nginx
Is it nginx?
### nginx
Asked twice.
`;
const MESSAGE = `---
title: "connect() failed"
summary: nginx could not connect.
software: nginx
cause: connect-refused
status: 502
matches: ["connect() failed"]
samples: ["connect() failed (111)"]
sources: [{ what: "nginx's source", version: "1.31.5" }]
related: [status/502, cause/none]
---
## Fastest fix
Look first.
## What it means
Message meaning.
## Who generates it
nginx.
`;
const STATUS = `---
title: 502 Bad Gateway
summary: A gateway got no valid answer.
samples: ["502"]
standard: RFC 9110 §15.6.3
sources: [{ what: RFC 9110 }]
---
## What it means
Status meaning.
`;

const entries = [
  entry("cause/connect-refused", CAUSE),
  entry("message/nginx/connect-failed", MESSAGE),
  entry("status/502", STATUS),
];
const highlighter = await createHighlighter([]);
const renderer = createRenderer(new Set(entries.map(({ id }) => id)), highlighter);
const assets = { style: "s.css", script: "p.js", index: "i.json", icon: "c.svg" };
const library: Library = {
  index: { cards: entries },
  assets,
  assetFolder: "",
  card: (id) => entries.find((each) => each.id === id),
  entry: async (id) => {
    const found = entries.find((each) => each.id === id)!;
    return { entry: found, fragments: renderer.render(found) };
  },
  source: async () => "",
};

/** Sections may be missing here: what must be there is the knowledge's business. */
function entry(id: string, text: string): Entry {
  const { entry: parsed, problems } = parseEntry(id, text);
  if (!parsed) throw new Error(problems.map(({ message }) => message).join("\n"));
  return parsed;
}

async function pageText(id: string): Promise<string> {
  return pageOf({ assets, base: null, served: false }, await entryPage(library, id, false));
}

const headingsOf = (text: string): string[] => [...text.matchAll(/<h2 id="([^"]*)"/g)].map(([, id]) => id!);
const idsOf = (text: string): string[] => [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!);

describe("a message", () => {
  test("shows the fix first, then its own sections, then those of its cause, marked", async () => {
    const text = await pageText("message/nginx/connect-failed");
    expect(headingsOf(text)).toEqual([
      ...["fastest-fix", "what-it-means", "who-generates-it", "edit-your-error", "causes", "fixes", "faq"],
      ...["confused-with", "related", "sources"],
    ]);
    expect(text).toContain("Message meaning.");
    expect(text).not.toContain("Cause meaning.");
    const origin = 'From the cause <a href="../../../cause/connect-refused/#causes">connect-refused</a>';
    expect(text).toContain(origin);
    expect(text.split('class="from"').length - 1).toBe(3);
  });

  test("opens the tab of its own product", async () => {
    const text = await pageText("message/nginx/connect-failed");
    expect(text).toContain('data-panel="nginx" class="on"');
    expect(await pageText("cause/connect-refused")).toContain('data-panel="haproxy" class="on"');
  });

  test("names what its cause was taken for, its sources and theirs, and what nobody verified", async () => {
    const text = await pageText("message/nginx/connect-failed");
    expect(text).toContain("It is a &lt;number&gt;.");
    expect(text).toContain("nginx&#39;s source, 1.31.5 <em>(not read again)</em>");
    expect(text).toContain('<time datetime="2026-01-02">2026-01-02</time>');
    expect(text).toContain("On AIX it may differ.");
    expect(text).not.toContain("cause/none");
  });
});

test("a cause says what the failure table knows, and has its messages and the way", async () => {
  const text = await pageText("cause/connect-refused");
  for (const words of ["connection_refused", "upstream or configuration", "no application saw", "connect() failed"])
    expect(text).toContain(words);
  expect(text).toContain('aria-label="Where it breaks: TCP connect"');
  expect(text).toContain("<h1>Nothing &lt;listens&gt;</h1>");
});

test("a status has its causes and the messages that say it", async () => {
  const text = await pageText("status/502");
  expect(headingsOf(text)).toEqual(expect.arrayContaining(["causes-with-this-status", "messages"]));
  expect(text).toContain('<span class="number">502</span> Bad Gateway');
  expect(text).toContain("RFC 9110 §15.6.3");
});

test("ids are unique, every anchor of the contents is there, and samples do not end their box", async () => {
  for (const { id } of entries) {
    const text = await pageText(id);
    const ids = idsOf(text);
    expect(
      ids.filter((each, index) => ids.indexOf(each) !== index),
      id,
    ).toEqual([]);
    for (const [, anchor] of text.matchAll(/href="#([^"]*)"/g)) expect(ids, `${id}#${anchor}`).toContain(anchor);
    expect(text.match(/<\/textarea>/g), id).toHaveLength(1);
    expect(text, id).not.toContain("entry:");
  }
});

test("questions are given to search engines with their answers", async () => {
  const text = await pageText("cause/connect-refused");
  const data = [...text.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/g)].map(([, json]) =>
    JSON.parse(json!),
  );
  expect(data.map((each) => each["@type"])).toEqual(["TechArticle", "FAQPage"]);
  expect(data[1].mainEntity[0]).toMatchObject({ name: "nginx", acceptedAnswer: { text: "Is it nginx?" } });
});

test("lists have every entry, in its place", () => {
  const text = (page: ReturnType<typeof statusList>): string => pageOf({ assets, base: null, served: false }, page);
  expect(text(statusList(library))).toMatch(/id="5xx"[\s\S]*status\/502\//);
  expect(text(causeList(library))).toMatch(/id="network"|cause\/connect-refused\//);
  expect(text(productList(library))).toContain('href="../message/nginx/">nginx <span class="count">1</span>');
  expect(text(productPage(library, "nginx"))).toContain("../../message/nginx/connect-failed/");
  expect(text(homePage(library, false))).toContain('href="./status/502/"');
});
