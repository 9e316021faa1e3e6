import { describe, expect, test } from "vitest";
import type { Explanation } from "../explain/explanation.ts";
import { addressOf, explainForm, explanationView, spokenAnswer } from "./explain-view.ts";

const INPUT = "upstream: connect() failed (111)";
const known: Explanation = {
  input: INPUT,
  class: "connect-refused",
  confidence: "proven",
  entry: "/cause/connect-refused",
  title: "Nothing listens at the upstream address",
  summary: "The machine said no.",
  facts: { software: "haproxy", upstream: "10.0.0.7:3000", status: 502, flags: ["UF"], durations: { connect: 3 } },
  decisive: [
    [20, 26],
    [10, 19],
  ],
  reasons: ["It says so."],
  settles: null,
  next: { text: "See whether `ss` finds it", command: "ss -ltnp 'sport = :3000'" },
  alternatives: [
    { class: "connect-timeout", entry: "/cause/connect-timeout", title: "SYN unanswered", separates: "It takes long." },
  ],
  generated: false,
  template: "upstream: connect() failed (<n>)",
  page: null,
};
const options = { root: "../../", level: 3, has: (id: string) => id === "cause/connect-refused" } as const;
const view = (changes: Partial<Explanation>): string => explanationView({ ...known, ...changes }, options).markup;

describe("a known text", () => {
  test("shows the deciding words, the facts, the next command and what else it may be", () => {
    const markup = view({});
    expect(markup).toContain("upstream: <mark>connect()</mark> <mark>failed</mark> (111)");
    expect(markup).toContain('<h3 class="title"><a href="../../cause/connect-refused/">');
    expect(markup).toContain("<dd>HAProxy</dd>");
    expect(markup).toContain("<dd>3 ms</dd>");
    expect(markup).toContain("<code>ss -ltnp &#39;sport = :3000&#39;</code>");
    expect(markup).toContain("whether <code>ss</code> finds it");
    expect(markup).toContain("<b>SYN unanswered</b>: It takes long.");
    expect(markup).not.toContain('href="../../cause/connect-timeout/"');
  });

  test("of which parts overlap or lie outside is shown once and whole", () => {
    const ranges = [
      [0, 8],
      [4, 12],
      [9000, 9100],
    ] as const;
    const shown = /<pre class="pasted"><code>([\s\S]*?)<\/code>/.exec(view({ decisive: ranges }))![1]!;
    expect(shown.replace(/<\/?mark>/g, "")).toBe(INPUT);
  });

  test("of great length is cut around its deciding words", () => {
    const input = `${"x".repeat(50_000)}DECIDES${"y".repeat(50_000)}`;
    const markup = view({ input, decisive: [[50_000, 50_007]] });
    expect(markup).toContain("<mark>DECIDES</mark>");
    expect(markup.length).toBeLessThan(10_000);
  });
});

test("nothing of the pasted text becomes markup, wherever it shows up", () => {
  const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>'\``;
  const facts = { software: hostile, upstream: hostile, path: hostile, flags: [hostile], durations: { [hostile]: 1 } };
  const page = {
    title: hostile,
    sections: [{ heading: hostile, paragraphs: [hostile], steps: [{ text: hostile, command: hostile }] }],
  };
  const base = {
    input: hostile,
    facts,
    title: hostile,
    summary: hostile,
    template: hostile,
    settles: hostile,
  } as const;
  const rest = {
    reasons: [hostile],
    next: { text: hostile, command: hostile },
    alternatives: [{ class: "dns-timeout", entry: `/${hostile}`, title: hostile, separates: hostile }],
    entry: `/generated/${hostile}`,
  } as const;
  const all = [view({ ...base, ...rest }), view({ ...base, ...rest, generated: true, page })];
  const form = { root: "./", text: hostile, label: "l", rows: 3, button: "b", served: true };
  for (const markup of [...all, explainForm(form).markup]) {
    expect(markup).not.toMatch(/<(?:img|script)\b/);
    expect(markup).not.toMatch(/="[^"]*">?<img/);
  }
});

describe("an unknown text", () => {
  const page = {
    title: "Not in the reference: a line of zorg",
    sections: [
      { heading: "What was recognised", paragraphs: ["Nothing."], steps: [] },
      { heading: "What to do next", paragraphs: [], steps: [{ text: "Look.", command: "ls" }] },
    ],
  };
  const unknown = { ...known, generated: true, class: null, entry: "/generated/0123456789ab", page, input: "a %# b" };

  test("says that its page was composed, and has an address whose text no server sees", () => {
    const { markup } = explanationView(unknown, options);
    expect(markup).toContain("<b>Not in the reference</b>");
    expect(markup).toContain('href="../../generated/#0123456789ab/a%20%25%23%20b"');
    expect(markup).toContain("<h4>What was recognised</h4>");
    expect(spokenAnswer(unknown)).toContain("A page was composed");
  });

  test("has an address even where the text ends in half a character", () => {
    expect(addressOf({ ...unknown, input: "x\ud83d" }, "./")).toBe("./generated/#0123456789ab/x%EF%BF%BD");
  });
});

test("the form goes to a server only where there is one", () => {
  const form = { root: "../", text: "\nfirst", label: "l", rows: 3, button: "b" };
  expect(explainForm({ ...form, served: true }).markup).toContain('action="../explain" method="get"');
  const still = explainForm({ ...form, served: false }).markup;
  expect(still).not.toContain("action=");
  expect(still).toContain("<noscript>");
  expect(still).toContain(">\n\nfirst</textarea>");
});
