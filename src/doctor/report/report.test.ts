// What the four formats say of each way in which a run can end, and in which order.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { DoctorReport } from "../diagnose/model.ts";
import { config, noLogs } from "./files.fixture.ts";
import { renderHtml } from "./html.ts";
import { toJson } from "./json.ts";
import { renderMarkdown } from "./markdown.ts";
import {
  diagnosis,
  evidence,
  faulty,
  healthy,
  hop,
  logOnly,
  REPORTS,
  risk,
  timeouts,
  verdict,
} from "./reports.fixture.ts";
import { START_MS } from "./scene.fixture.ts";
import { renderTerminal } from "./terminal.ts";

const OPTIONS = { colour: false, columns: 80, verbose: false, unicode: true };
const terminal = (report: DoctorReport, more: Partial<typeof OPTIONS> = {}): string =>
  renderTerminal(report, { ...OPTIONS, ...more });
const firstLine = (text: string): string => text.trimStart().split("\n", 1)[0] ?? "";
/** Places of the texts, each behind the one before. */
function inOrder(text: string, ...parts: string[]): void {
  const places = parts.map((part) => text.indexOf(part));
  expect(Object.fromEntries(parts.map((part, index) => [part, (places[index] ?? -1) >= 0]))).toEqual(
    Object.fromEntries(parts.map((part) => [part, true])),
  );
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

describe("the terminal", () => {
  test("answers in its first line", () => {
    const first = Object.fromEntries(
      Object.entries(REPORTS).map(([name, make]) => [name, firstLine(terminal(make(), { columns: 120 }))]),
    );
    expect(first).toEqual({
      faulty: "✗ Proven: Nothing listens on 127.0.0.1:3000, where nginx sends every request for shop.example.com.",
      healthy: "✓ No fault found for https://shop.example.com/cart",
      logOnly: "✗ Likely: Nothing listens on 127.0.0.1:3000, where nginx sends every request for shop.example.com.",
      chainOnly: "! 1 risk for cloudflare > nginx > node",
      unknown: "? Cause open: https://shop.example.com/cart answers 502, and nothing tells which hop made it or why.",
      dnsFailure: "✗ Proven: The name nosuch.example.com does not exist.",
    });
  });

  test("has verdict, chain, reasons, fix, what was excluded and not tested, then risks", () => {
    const text = terminal(faulty({ nextCheck: { text: "Ask again in a minute.", command: "goodgate doctor X" } }));
    inOrder(
      text,
      "Proven",
      "connect-refused · at app 127.0.0.1:3000 · 10 of 10 requests",
      "since 2026-11-21 03:01:04 UTC (11 min",
      "✓ DNS",
      "✗ app 127.0.0.1:3000",
      "Why",
      "[local]",
      "Do this",
      "Ask again",
      "Excluded",
      "Not tested",
      "Risks",
      "Inputs that could not",
    );
  });

  test("gives commands and configuration alone on their lines, unbroken", () => {
    const long = `curl -sv --resolve shop.example.com:443:192.0.2.7 ${"--header 'X-Test: 1' ".repeat(12)}https://shop.example.com/`;
    const text = terminal(
      faulty({
        verdict: verdict({
          fixes: [
            {
              text: "Ask.",
              command: long,
              config: { language: "nginx", text: "upstream app {\n    server 127.0.0.1:3001;\n}\n", file: "a.conf" },
            },
          ],
        }),
      }),
      { columns: 60 },
    );
    const lines = text.split("\n").map((line) => line.replace(/^ {4}/, ""));
    expect(lines).toContain(long);
    const start = lines.indexOf("upstream app {");
    expect(lines.slice(start, start + 3)).toEqual(["upstream app {", "    server 127.0.0.1:3001;", "}"]);
  });

  test("puts the deciding check before the fix where nothing is proven", () => {
    inOrder(terminal(logOnly()), "The one check", "ss -ltnp", "Likely to mend it");
    const settles = { text: "Look at the log of the application.", command: null };
    expect(terminal(faulty({ verdict: verdict({ certainty: "possible", settles }) }))).toContain(settles.text);
  });

  test("shows a handful of risks, and all with --verbose; notes with --verbose only", () => {
    const brief = terminal(healthy());
    expect(brief).toContain("and 2 more (--verbose)");
    expect(brief).not.toContain("risk-f");
    expect(brief).not.toContain("a-note");
    const verbose = terminal(healthy(), { verbose: true });
    expect(verbose).toContain("risk-g");
    expect(verbose).toContain("a-note");
    expect(verbose).not.toContain("--verbose)");
  });

  test("of a healthy site says what was tested, and no word of a fault", () => {
    const text = terminal(healthy());
    inOrder(text, "No fault found", "What was tested", "TLS 1.2 and 1.3", "Risks: allowed");
    expect(text).not.toMatch(/✗|Proven|Do this|Cause/);
  });

  test("does not say that nothing is wrong where nothing was looked at", () => {
    for (const chain of [timeouts(), null]) {
      const report: DoctorReport = {
        version: "1",
        diagnosis: diagnosis({
          outcome: "healthy",
          verdict: null,
          summary: "Two files were read.",
          chain: [],
          risks: [],
        }),
        evidence: evidence({ url: null, targets: [], local: null, logs: noLogs, chain, configs: [config()] }),
      };
      expect(firstLine(terminal(report))).toBe("✓ No risk found for /etc/nginx/nginx.conf");
      expect(renderHtml(report)).not.toContain("No fault found");
    }
  });

  test("says no certainty and no command twice", () => {
    const check = { text: "Look at it.", command: "ss -ltnp" };
    const fixes = [{ text: "See who listens.", command: "ss -ltnp", config: null }];
    const report = faulty({
      chain: [],
      summary: "Likely: Nothing listens.",
      verdict: verdict({ certainty: "likely", headline: "Likely: Nothing listens.", fixes, settles: check }),
      nextCheck: check,
    });
    const text = terminal(report);
    expect(text.match(/likely/gi)).toEqual(["Likely", "Likely"]);
    expect(text).toContain("Likely to mend it\n  See who listens.\n");
    expect(text.match(/ss -ltnp/g)).toHaveLength(1);
  });

  test("quotes the beginning of a long line, with --verbose all of it", () => {
    const report = faulty({
      verdict: verdict({ reasons: [{ text: `upstream ${"prematurely closed ".repeat(60)}END`, source: "log a:1" }] }),
    });
    expect(terminal(report)).not.toContain("END");
    expect(terminal(report)).toContain("[log a:1]");
    expect(terminal(report, { verbose: true })).toContain("END");
  });

  test("plots failures where there are some, on UTC", () => {
    expect(terminal(faulty())).toMatch(
      /42 ┤ .*▂[\s\S]*▲[\s\S]*2026-11-21 02:12 +03:12[\s\S]*deploy of v42 \[app\.log:77\]/,
    );
    const { series } = evidence().logs;
    const quiet = {
      ...noLogs,
      series: { ...series!, failures: series!.failures.map((_, step) => (step === 7 ? 2 : 0)) },
    };
    for (const none of [quiet, noLogs])
      expect(renderMarkdown(faulty({}, { logs: none }))).not.toContain("Failures over time");
  });

  test("groups what was not tested by its reason", () => {
    expect(terminal(faulty())).toContain("• idle close (url) and HTTP/2 (url): the time was up\n    → --time 30s");
    const many = Array.from({ length: 40 }, (_, index) => ({
      check: `check ${index}`,
      target: null,
      reason: "no time",
      how: null,
    }));
    const text = terminal(faulty({ notTested: many }));
    expect(text.replace(/\s+/g, " ")).toContain("check 5 and 34 more: no time");
  });

  test("draws side by side where that fits, members of a pool as branches", () => {
    const plain = faulty({
      chain: [hop("client", "good", "here"), hop("nginx", "bad", "closed"), hop("app", "behind")],
    });
    expect(terminal(plain)).toContain(
      "  ✓ client ── ✗ nginx ──────────────── · app\n    here        closed                   not reached\n                (the fault is here)\n",
    );
    expect(terminal(plain, { unicode: false })).toContain(
      "  + client -- X nginx ---------------- . app\n    here        closed                   not reached\n                (the fault is here)\n",
    );
    expect(terminal(faulty())).toMatch(
      /├→ ✗ app 127\.0\.0\.1:3000 +connection refused ← the fault is here\n {2}└→ ✓ app/,
    );
    const origins = [hop("edge", "good", "502"), hop("origin-1", "good", "200"), hop("origin-2", "bad", "refused")];
    expect(terminal(faulty({ chain: origins }))).toMatch(/├→ ✓ origin-1 .*\n {2}└→ ✗ origin-2/);
    expect(terminal(faulty({ chain: origins.slice(0, 2) }))).not.toContain("└");
  });

  test("says of the hop at fault no more than the verdict does", () => {
    const said = { proven: "the fault is here", likely: "likely the fault", possible: "possibly the fault" };
    for (const [certainty, words] of Object.entries(said) as [keyof typeof said, string][]) {
      const report = faulty({ verdict: verdict({ certainty }) });
      for (const text of [terminal(report), renderMarkdown(report), renderHtml(report)]) {
        expect(text).toContain(words);
        if (certainty !== "proven") expect(text).not.toContain("fault is here");
      }
    }
    expect(terminal(faulty({ outcome: "unknown", verdict: null }))).toContain("it fails here");
  });

  test("with colour says the same, with ASCII uses nothing else", () => {
    for (const make of Object.values(REPORTS)) {
      const coloured = terminal(make(), { colour: true, verbose: true });
      expect(coloured).toContain("\x1b[");
      expect(coloured.replace(/\x1b\[[\d;]*m/g, "")).toBe(terminal(make(), { verbose: true }));
      expect(terminal(make(), { unicode: false, verbose: true })).toMatch(/^[\n\x20-\x7e]*$/);
    }
  });

  test("shows timers to everyone where they were asked for or are the matter", () => {
    const legend = "the others are defaults";
    expect(terminal(REPORTS["chainOnly"]!())).toContain(legend);
    expect(terminal(faulty())).not.toContain(legend);
    expect(terminal(faulty())).toContain("Risks, apart");
    expect(terminal(faulty(), { verbose: true })).toContain(legend);
    const raced = terminal(faulty({ verdict: verdict({ class: "keepalive-race" }) }));
    expect(raced).toContain(legend);
    expect(raced).not.toContain("Risks, apart");
  });

  test("with --verbose has the evidence: answers, certificates, processes, members, lines", () => {
    const text = terminal(faulty(), { verbose: true, columns: 120 });
    for (const part of [
      "CF-RAY: 8f1b2c3d4e5f6a7b-FRA",
      "NOERROR",
      "TLSv1.3",
      "CN=Test CA",
      "127.0.0.1:3001, another port",
      "oom-kill",
      "proxy_read_timeout",
      "3 times connect-refused",
      "All 412 failures",
      "gg-7f3a9c21",
    ])
      expect(text).toContain(part);
    expect(terminal(faulty())).not.toContain("CF-RAY");
  });
});

describe("all formats", () => {
  test("say the same things in the same order", () => {
    const report = faulty({
      alternatives: [verdict({ class: "backend-absent", certainty: "possible", headline: "The port is filtered." })],
      nextCheck: { text: "Ask it from the gateway.", command: "curl -v http://127.0.0.1:3000/" },
    });
    for (const text of [terminal(report), renderMarkdown(report), renderHtml(report)])
      inOrder(
        text.slice(Math.max(0, text.indexOf("<main"))),
        "Nothing listens on 127.0.0.1:3000",
        "Cloudflare",
        "Why",
        "Do this",
        "systemctl status shop.service",
        "Could also be",
        "The port is filtered",
        "The one check",
        "Excluded",
        "Not tested",
        "Risks, apart",
        "Inputs that",
      );
  });

  test("lead to the page of the reference, and to no other", () => {
    const url = "https://goodgate.dev/reference/cause/connect-refused";
    expect(terminal(faulty())).toContain(`More on connect-refused: ${url}`);
    expect(renderMarkdown(faulty())).toContain(`<${url}>`);
    expect(renderHtml(faulty()).match(/<a [^>]*/g)).toEqual([`<a href="${url}" rel="noreferrer"`]);
    for (const entry of ["//evil.example/x", "/a b", "javascript:alert(1)", "/../x", null])
      expect(renderHtml(faulty({ verdict: verdict({ entry }) }))).not.toContain("<a ");
  });

  test("carry each reason with its source", () => {
    for (const text of [terminal(faulty()), renderMarkdown(faulty()), renderHtml(faulty())])
      for (const source of ["probe endpoint app", "local", "log error.log:120"]) expect(text).toContain(source);
  });

  test("stand times that are none, and reports of nothing", () => {
    const bare: DoctorReport = {
      version: "",
      diagnosis: {
        outcome: "unknown",
        summary: "",
        verdict: verdict({
          since: { atMs: Number.NaN, how: "" },
          reasons: [],
          fixes: [],
          rate: "",
          hopName: "",
          hop: "",
        }),
        alternatives: [],
        chain: [],
        risks: [],
        excluded: [],
        notTested: [],
        nextCheck: null,
        tested: [],
      },
      evidence: {
        url: null,
        way: [],
        startedAtMs: 1e300,
        tookMs: 0,
        targets: [],
        local: null,
        configs: [],
        logs: noLogs,
        chain: null,
        notTested: [],
        problems: [],
      },
    };
    for (const text of [terminal(bare), renderMarkdown(bare), renderHtml(bare), JSON.stringify(toJson(bare))])
      expect(text).not.toMatch(/undefined|NaN|\[object/);
    expect(toJson(bare)).toMatchObject({ startedAt: null, verdict: { since: { atMs: null, at: null } } });
  });

  test("nothing undefined or of an object's default text is in any report", () => {
    for (const make of Object.values(REPORTS)) {
      const texts = [terminal(make(), { verbose: true }), renderMarkdown(make()), renderHtml(make())];
      for (const text of texts) expect(text).not.toMatch(/\bundefined\b|NaN|\[object|\bnull\b/);
    }
  });
});

describe("JSON", () => {
  const KEYS = [
    "version",
    "url",
    "startedAt",
    "startedAtMs",
    "tookMs",
    "outcome",
    "summary",
    "class",
    "confidence",
    "hop",
    "verdict",
    "alternatives",
    "chain",
    "risks",
    "excluded",
    "notTested",
    "nextCheck",
    "tested",
    "evidence",
    "problems",
  ];

  test("has the same members in every report", () => {
    for (const make of Object.values(REPORTS)) {
      const document = toJson(make()) as Record<string, unknown>;
      expect(Object.keys(document)).toEqual(KEYS);
      expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    }
  });

  test("is as its schema says", () => {
    const file = new URL("../../../schema/doctor.json", import.meta.url);
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(file, "utf8")));
    for (const make of Object.values(REPORTS)) expect(schema.safeParse(toJson(make())).error).toBeUndefined();
    const { verdict: _, ...without } = toJson(faulty()) as Record<string, unknown>;
    expect(schema.safeParse(without).success).toBe(false);
    expect(schema.safeParse({ ...without, verdict: { class: "x" } }).success).toBe(false);
  });

  test("says the certainty in both words and the times as text", () => {
    expect(toJson(faulty())).toMatchObject({
      startedAt: "2026-11-21T03:12:04.000Z",
      outcome: "fault",
      verdict: {
        class: "connect-refused",
        certainty: "proven",
        confidence: "proven",
        hop: "endpoint app 127.0.0.1:3000",
        since: { atMs: START_MS - 660_000, at: "2026-11-21T03:01:04.000Z" },
      },
      risks: [{ id: "keepalive-order", at: { file: "/etc/nginx/nginx.conf", line: 14 } }],
      evidence: {
        targets: [{ target: { id: "url" } }, { requests: 0 }],
        timeouts: { hops: [{ name: "cloudflare" }, {}, {}] },
      },
    });
    expect(toJson(healthy())).toMatchObject({ outcome: "healthy", verdict: null, nextCheck: null });
  });
});

test("a risk without a place is named by its id", () => {
  expect(terminal(faulty({ risks: [risk("x-id", { at: null, also: null, text: "Something." })] }))).toContain(
    "Something. [x-id]",
  );
});
