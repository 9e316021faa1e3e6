import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { html } from "../std/html.ts";
import { type PageOptions, pageOf, rootFrom, SITE_POLICY, type Site } from "./layout.ts";

const assets = { style: "s.css", script: "p.js", index: "i.json", icon: "c.svg" };
const site: Site = { assets, base: null, served: false };
const page: PageOptions = { path: "status/502/", title: "T", description: "D", main: html`<h1>T</h1>` };

test("the root is as far away as the path is deep", () => {
  expect(["", "explain", "generated/", "cause/x/", "message/nginx/x/"].map(rootFrom)).toEqual([
    "./",
    "./",
    "../",
    "../../",
    "../../../",
  ]);
});

test("every address on a page is relative, and without a base nothing whole is said", () => {
  const text = pageOf(site, { ...page, card: "cards/502.png", json: "status/502.json" });
  const addresses = [...text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address]) => address!);
  expect(addresses.length).toBeGreaterThan(5);
  expect(addresses.filter((address) => !/^\.\.?\/|^#/.test(address))).toEqual([]);
  expect(text).not.toMatch(/canonical|og:image|og:url/);
});

test("with a base there are canonical addresses and a picture, but not for pages that are not to be found", () => {
  const based: Site = { ...site, base: "https://errors.example/reference" };
  const text = pageOf(based, { ...page, card: "cards/502.png" });
  expect(text).toContain('<link rel="canonical" href="https://errors.example/reference/status/502/">');
  expect(text).toContain('content="https://errors.example/reference/cards/502.png"');
  expect(pageOf(based, { ...page, unlisted: true })).not.toContain("canonical");
});

test("the policy allows no inline code but the one line that it names", () => {
  const text = pageOf(site, page);
  const inline = [...text.matchAll(/<script>([^<]*)<\/script>/g)].map(([, code]) => code!);
  expect(inline).toHaveLength(1);
  const hash = createHash("sha256").update(inline[0]!).digest("base64");
  expect(SITE_POLICY).toContain(`'sha256-${hash}'`);
  expect(SITE_POLICY).not.toMatch(/unsafe|https?:|\*/);
  expect(text).not.toMatch(/ style=| on[a-z]+=|<style/);
});

test("data for search engines cannot end its element", () => {
  const text = pageOf(site, { ...page, structured: [{ "@type": "TechArticle", headline: "</script><b>" }] });
  const json = /<script type="application\/ld\+json">(.*?)<\/script>/.exec(text)![1]!;
  expect(JSON.parse(json)).toMatchObject({ "@context": "https://schema.org", headline: "</script><b>" });
});
