import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeHtml, html, rawHtml } from "./html.ts";

test("interpolations are escaped, nested markup is not escaped twice", () => {
  const inner = html`<b>${"a<b & \"c'"}</b>`;
  expect(html`<p title="${'"x"'}">${inner}${rawHtml("<hr>")}</p>`.markup).toBe(
    '<p title="&quot;x&quot;"><b>a&lt;b &amp; &quot;c&#39;</b><hr></p>',
  );
});

test("lists are joined; null, undefined and false leave nothing; numbers are written", () => {
  expect(html`${[html`<i>1</i>`, "<", null]}${undefined}${false}${0}`.markup).toBe("<i>1</i>&lt;0");
});

test("what looks like markup but is not Html is escaped", () => {
  const forged = { markup: "<script>" } as unknown as string;
  expect(html`${forged}`.markup).not.toContain("<script>");
});

test("no escaped text can end an element or an attribute", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(escapeHtml(text)).not.toMatch(/[<>"'\x00-\x08]/);
    }),
    { numRuns: 200 },
  );
});
