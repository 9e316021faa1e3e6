import { describe, expect, test } from "vitest";
import type { Entry, SectionHeading } from "../../knowledge/entry.ts";
import { createHighlighter } from "./highlight.ts";
import { createRenderer, languagesOf } from "./render-sections.ts";

const highlighter = await createHighlighter(["nginx", "haproxy", "caddyfile", "http", "sh"]);
const renderer = createRenderer(new Set(["cause/connect-refused", "status/502"]), highlighter);

function render(markdown: string, heading: SectionHeading = "What it means") {
  const section = { heading, anchor: "anchor", markdown, line: 1 };
  return renderer.render({ id: "status/502", sections: [section] } as unknown as Entry)[0]!;
}

describe("links", () => {
  test("lead to entries by a mark that the page replaces, and to the own page by its id", () => {
    const { html } = render("[a](cause/connect-refused) [b](cause/connect-refused#diagnose) [c](#faq)");
    expect(html).toContain('<a href="entry:cause/connect-refused/">a</a>');
    expect(html).toContain('<a href="entry:cause/connect-refused/#diagnose">b</a>');
    expect(html).toContain('<a href="entry:status/502/#faq">c</a>');
  });

  test("to an entry that is not there become their text, and others stay links", () => {
    expect(render("[gone](cause/none) and [here](status/502)").html).toBe(
      '<p>gone and <a href="entry:status/502/">here</a></p>',
    );
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example/x",
    "entry:status/502",
  ])("%s is no link", (address) => {
    const { html } = render(`[x](${address}) <a href="${address}">y</a>`);
    expect(html).not.toMatch(/<a\b/);
  });

  test("outside name their relation", () => {
    expect(render("[rfc](https://www.rfc-editor.org/rfc/rfc9110)").html).toContain(
      '<a href="https://www.rfc-editor.org/rfc/rfc9110" rel="noopener external">rfc</a>',
    );
  });
});

describe("markup", () => {
  test("in Markdown is text, and pictures are not loaded", () => {
    const { html } = render("<script>alert(1)</script>\n\n<b>x</b> ![p](https://x.example/p.png)");
    expect(html).not.toMatch(/<(?:script|b|img)\b/);
    expect(html).toContain("&lt;script&gt;");
  });

  test("of code is escaped in every language, and has classes instead of styles", () => {
    for (const language of ["nginx", "haproxy", "caddyfile", "http", "sh", "log", "", "none"]) {
      const { html } = render(`\`\`\`${language}\n<img src=x onerror="alert(1)"> '</code>' & # <b>\n\`\`\``);
      const inner = /<code>([\s\S]*)<\/code>/.exec(html)![1]!;
      expect(inner.replace(/<span class="[a-z]">|<\/span>/g, ""), language).not.toMatch(/[<>]/);
      expect(html, language).not.toContain("style=");
      expect(unescaped(inner), language).toBe(`<img src=x onerror="alert(1)"> '</code>' & # <b>`);
    }
  });
});

test("code keeps its text, is coloured, and says in which language it is", () => {
  const code = "server {\n    listen 80; # the port\n}";
  const { html } = render(`\`\`\`nginx run=good app=down\n${code}\n\`\`\``);
  expect(html).toContain("<span>nginx</span>");
  expect(html).toMatch(/<span class="c"># the port<\/span>/);
  expect(html).toContain('<span class="n">80</span>');
  expect(unescaped(/<code>([\s\S]*)<\/code>/.exec(html)![1]!)).toBe(code);
});

test("examples say whether they work, and not how the tests run them", () => {
  const bad = render("```nginx run=bad app=down cause=connect-refused status=502\nlisten 80;\n```").html;
  const good = render("```nginx run=good app=down\nlisten 80;\n```").html;
  const plain = render('```sh run=no why="needs a machine"\nls\n```').html;
  expect(bad).toContain("✕ fails");
  expect(good).toContain("✓ works");
  expect(plain).not.toMatch(/verdict|needs|run=/);
  for (const html of [bad, good]) expect(html).not.toMatch(/app=|cause=|run=/);
});

test("parts begin at headings of the third level outside code, and have the anchors that links name", () => {
  const { html, parts } = render(
    "intro\n\n### nginx\n\none\n\n```sh\n### no heading\n```\n\n### Is `502` final?\n\ntwo",
    "FAQ",
  );
  expect(html).toBe("<p>intro</p>");
  expect(parts.map(({ id, title }) => [id, title])).toEqual([
    ["nginx", "nginx"],
    ["is-502-final", "Is 502 final?"],
  ]);
  expect(parts[1]!.titleHtml).toBe("Is <code>502</code> final?");
  expect(parts[0]!.html).toContain("### no heading");
});

test("own grammars know HAProxy, Caddy and HTTP messages", () => {
  expect(render("```haproxy\nbackend app\n    server a 10.0.0.1:80 check\n```").html).toMatch(
    /<span class="k">backend<\/span>/,
  );
  expect(render("```caddyfile\nshop.example {\n\treverse_proxy 127.0.0.1:3000\n}\n```").html).toMatch(
    /<span class="f">\s*reverse_proxy<\/span>/,
  );
  expect(render("```http\nHTTP/1.1 502 Bad Gateway\nServer: nginx\n```").html).toMatch(/<span class="n">502 ?<\/span>/);
});

test("languages are read from the fences of all entries", () => {
  const sections = [
    { heading: "Example", anchor: "example", markdown: "```http\nx\n```\n~~~~sh run=ok\n~~~~", line: 1 },
  ];
  expect([...languagesOf([{ sections } as unknown as Entry])]).toEqual(["http", "sh"]);
});

function unescaped(markup: string): string {
  return markup
    .replace(/<\/?span[^>]*>/g, "")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&");
}
