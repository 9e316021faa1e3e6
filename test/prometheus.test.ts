// What is shipped for Prometheus and Grafana fits what /metrics says: every metric and label that a rule, an alert or
// a panel names exists, every expression can be read, alerts fire when they should (packaging/prometheus/tests.yml),
// and /metrics itself is as Prometheus wants it. The judge is Prometheus' own promtool; without it its part is skipped.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { Served } from "../src/cli/serve.ts";
import { loadConfig } from "../src/config/load.ts";
import { Webhooks } from "../src/notify/webhooks.ts";
import { attempt, exchange, failure } from "../src/observe/record.fixture.ts";
import type { ExchangeRecord } from "../src/observe/record.ts";
import { Traces } from "../src/observe/traces/traces.ts";
import type { StoreState } from "../src/store/model.ts";
import { registerStoreMetrics } from "../src/store/store-metrics.ts";
import { isInstalled, runCommand } from "./command.ts";

const PACKAGING = fileURLToPath(new URL("../packaging/", import.meta.url));
const PROMETHEUS = join(PACKAGING, "prometheus");
const hasPromtool = isInstalled("promtool");
const promtoolTest = test.skipIf(!hasPromtool);
if (!hasPromtool) console.warn("promtool is not here (Debian: apt-get install prometheus): its checks are skipped");

/** Labels that Prometheus adds. */
const ADDED = ["job", "instance"];

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

const rulesOf = (file: string): Rule[] =>
  (parse(readFileSync(join(PROMETHEUS, file), "utf8")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    ({ rules }) => rules,
  );
const recording = rulesOf("rules.yml");
const alerts = rulesOf("alerts.yml");
const dashboard = JSON.parse(readFileSync(join(PACKAGING, "grafana/goodgate.json"), "utf8")) as Dashboard;

let text: string;
let folder: string;
/** Metric → its labels. */
const known = new Map<string, Set<string>>();
const cleanUps: (() => unknown)[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-prometheus-"));
  text = exposition();
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const names = known.get(name) ?? new Set(ADDED);
    for (const [, label = ""] of labels.matchAll(/([a-z]+)="(?:[^"\\]|\\.)*"/g)) names.add(label);
    known.set(name, names);
  }
  // What a rule records has the labels that it sums by.
  for (const { record = "", expr } of recording) {
    const by = /\bby \(([^)]*)\)/.exec(expr)?.[1] ?? "job, route, upstream";
    known.set(record, new Set([...by.split(", ").filter((label) => label !== "le")]));
  }
});
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

/** /metrics with a series of everything that there is. */
function exposition(): string {
  const yaml = `listen: 127.0.0.1:0\nupstreams: { app: { endpoints: ["127.0.0.1:9", "127.0.0.1:10"] } }\nroutes: [{ path: /, proxy: app }]\nlog: { access: off, failures: off }\n`;
  const served = new Served(loadConfig(yaml, "goodgate.yaml", {}).config!);
  const { metrics } = served;
  const traces = new Traces("1.0.0", metrics);
  traces.tracerFor({ url: "http://127.0.0.1:9/v1/traces", headers: {}, sample: 0, service: "x" });
  const webhook = {
    url: "http://127.0.0.1:9/",
    format: "json",
    secret: "",
    on: ["opened"],
    severity: "notice",
    consoleUrl: null,
  } as const;
  const webhooks = new Webhooks([webhook], { id: "g", name: "g" });
  webhooks.registerMetrics(metrics);
  registerStoreMetrics(metrics, () => ({ ok: true, bytes: 1, queued: 0, written: 1, dropped: 0 }) as StoreState);
  cleanUps.push(
    () => traces.close(0),
    () => webhooks.close(0),
    () => served.gateway.close(),
  );
  const refused = failure("connect-refused");
  const records: ExchangeRecord[] = [
    exchange(),
    exchange({ attempts: [attempt({ reused: false })] }),
    exchange({ status: 502, failure: refused, attempts: [attempt({ status: 0, failure: refused })] }),
    exchange({ heldMs: 50 }),
  ];
  for (const record of records) metrics.observe(record);
  metrics.observeEvent({ kind: "breaker-closed", upstream: "app", at: 1 });
  return metrics.render();
}

/** What is wrong with the names in an expression. */
function unknownIn(expr: string): string[] {
  const wrong: string[] = [];
  const labels = new Set<string>();
  for (const [, name = "", selector = ""] of expr.matchAll(/\b((?:goodgate|process)[a-z0-9_:]+)(?:\{([^}]*)\})?/g)) {
    const its = known.get(name);
    if (!its) wrong.push(`${name}: no such metric`);
    for (const label of its ?? []) labels.add(label);
    for (const [, label = ""] of selector.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) {
      if (!its?.has(label)) wrong.push(`${name}: no label ${label}`);
    }
  }
  for (const [, list = ""] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of list.split(/,\s*/)) if (!labels.has(label)) wrong.push(`by ${label}: no such label`);
  }
  return wrong;
}

/** As Grafana sends it. */
function filled(expr: string): string {
  return expr
    .replace(/\$__(?:rate_interval|range|interval)/g, "5m")
    .replace(/"\$(?:job|route|upstream|endpoint)"/g, '".*"');
}

const panelExpressions = (): { title: string; expr: string }[] =>
  dashboard.panels.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => ({ title, expr })));

test("every metric and label of the rules and the alerts is one that there is", () => {
  expect(recording.length).toBeGreaterThan(5);
  expect(alerts.length).toBeGreaterThan(10);
  const wrong = [...recording, ...alerts].flatMap((rule) =>
    unknownIn(rule.expr).map((problem) => `${rule.record ?? rule.alert}: ${problem}`),
  );
  expect(wrong).toEqual([]);
});

test("every alert says what it means, how grave it is and where to read on", () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(alert).toMatch(/^Goodgate[A-Z]/);
    expect(["critical", "warning"]).toContain(labels?.["severity"]);
    expect(annotations?.["summary"]?.length).toBeGreaterThan(10);
    expect(annotations?.["description"]?.length).toBeGreaterThan(40);
    const entry = /^https:\/\/goodgate\.dev\/reference\/(?:cause\/([a-z-]+))?$/.exec(
      annotations?.["runbook_url"] ?? "",
    );
    expect(entry, alert).not.toBeNull();
    const cause = entry?.[1];
    if (cause) readFileSync(fileURLToPath(new URL(`../knowledge/cause/${cause}.md`, import.meta.url)));
  }
});

test("every metric and label of the dashboard is one that there is", () => {
  expect(panelExpressions().length).toBeGreaterThan(30);
  const wrong = panelExpressions().flatMap(({ title, expr }) =>
    unknownIn(expr).map((problem) => `${title}: ${problem}`),
  );
  expect(wrong).toEqual([]);
  for (const { expr } of dashboard.annotations.list) expect(unknownIn(expr)).toEqual([]);
  for (const { type, definition = "" } of dashboard.templating.list) {
    if (type !== "query") continue;
    const [, metric = "", label = ""] = /^label_values\(([a-z_]+)(?:\{[^}]*\})?, ([a-z]+)\)$/.exec(definition) ?? [];
    expect(known.get(metric)?.has(label), definition).toBe(true);
  }
});

test("legends name labels that their expression has; panels lie side by side, each says what it shows", () => {
  const variables = dashboard.templating.list.map(({ name }) => name);
  const taken = new Set<string>();
  for (const panel of dashboard.panels) {
    const { x, y, w, h } = panel.gridPos;
    expect(x + w).toBeLessThanOrEqual(24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        expect(taken.has(`${column},${line}`), panel.title).toBe(false);
        taken.add(`${column},${line}`);
      }
    }
    if (panel.type !== "row") expect(panel.description?.length, panel.title).toBeGreaterThan(10);
    for (const { expr, legendFormat } of panel.targets ?? []) {
      for (const [, label = ""] of legendFormat.matchAll(/\{\{([a-z]+)\}\}/g)) {
        const has = /\bby \(/.test(expr)
          ? new RegExp(`\\bby \\([^)]*\\b${label}\\b`).test(expr)
          : unknownLabel(expr, label);
        expect(has, `${panel.title}: ${legendFormat}`).toBe(true);
      }
      for (const [, variable = ""] of expr.matchAll(/"\$([a-z]+)"/g)) expect(variables).toContain(variable);
    }
  }
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

function unknownLabel(expr: string, label: string): boolean {
  const name = /\b((?:goodgate|process)[a-z0-9_:]+)/.exec(expr)?.[1] ?? "";
  return known.get(name)?.has(label) ?? false;
}

promtoolTest("promtool: /metrics has nothing to complain about", async () => {
  const { code, stdout, stderr } = await runCommand("promtool", ["check", "metrics"], undefined, text);
  const findings = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  expect(findings).toEqual([]);
  expect(code).toBe(0);
  const broken = await runCommand("promtool", ["check", "metrics"], undefined, "# TYPE a counter\na 1\n");
  expect(broken.code).not.toBe(0);
});

promtoolTest("promtool: the rules and the alerts can be read, and do what their tests say", async () => {
  const checked = await runCommand("promtool", ["check", "rules", "rules.yml", "alerts.yml"], PROMETHEUS);
  expect(checked).toMatchObject({ code: 0, stderr: "" });
  const tested = await runCommand("promtool", ["test", "rules", "tests.yml"], PROMETHEUS);
  expect(tested, tested.stdout + tested.stderr).toMatchObject({ code: 0 });
});

promtoolTest("promtool: every expression of the dashboard can be read", async () => {
  const expressions = [
    ...panelExpressions().map(({ expr }) => expr),
    ...dashboard.annotations.list.map(({ expr }) => expr),
  ];
  const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr: filled(expr) }));
  const file = join(folder, "panels.yml");
  writeFileSync(file, JSON.stringify({ groups: [{ name: "panels", rules }] }));
  const { code, stderr } = await runCommand("promtool", ["check", "rules", file]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

test("docs/observability.md names every metric, and none that is not", () => {
  const docs = readFileSync(fileURLToPath(new URL("../docs/observability.md", import.meta.url)), "utf8");
  const section = /\n## Metrics\n([\s\S]*?)\n## /.exec(docs)?.[1] ?? "";
  const documented = [...section.matchAll(/^\| `([a-z_]+)` \| ([a-z]+) \| ([^|]*) \|/gm)].map(
    ([, name = "", type = "", labels = ""]) => `${name} ${type} ${labels.trim()}`,
  );
  const real = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
    const sample = known.get(type === "histogram" ? `${name}_bucket` : name) ?? new Set<string>();
    const labels = [...sample].filter((label) => !ADDED.includes(label) && label !== "le");
    return `${name} ${type} ${labels.map((label) => `\`${label}\``).join(", ")}`.trim();
  });
  expect(documented.map((line) => line.trim()).toSorted()).toEqual(real.toSorted());
});
