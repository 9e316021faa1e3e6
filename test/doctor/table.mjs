// Runs the lab (vitest, test/doctor/doctor.test.ts) and prints the table of injected against diagnosed as Markdown:
// `node test/doctor/table.mjs > docs/doctor-faults.md`. With a file of results as argument nothing is run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
process.stdout.write(table(process.argv[2] ? rowsOf(process.argv[2]) : runLab()));

function rowsOf(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

function runLab() {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-doctor-table-"));
  try {
    const file = join(folder, "rows.json");
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const env = { ...process.env, GOODGATE_DOCTOR_TABLE: file, GOODGATE_DOCTOR_LAB: "all" };
    // Failed cases are rows of the table, so its exit code says nothing here.
    spawnSync(process.execPath, [vitest, "run", "test/doctor/doctor.test.ts"], { cwd: root, env, stdio: "ignore" });
    return rowsOf(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function table(rows) {
  const marks = { right: "✓", undecided: "…", wrong: "✗", "wrong and proven": "✗✗" };
  const count = (mark, of = rows) => of.filter((row) => row.mark === mark).length;
  const kind = (row) => row.name.split("/")[0];
  const kinds = [...new Set(rows.map(kind))].sort((a, b) => order(a) - order(b));
  const took = rows.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share) => ((took[Math.floor(share * (took.length - 1))] ?? 0) / 1000).toFixed(1);
  const lines = [
    "# doctor: injected faults against its verdicts",
    "",
    "Made by `node test/doctor/table.mjs`: chains of real programs on loopback, one fault in each, and what",
    "`goodgate doctor --json` says. ✓ right (class, hop and certainty within what the evidence permits), … undecided (it",
    "claims less), ✗ wrong, ✗✗ wrong and said to be proven. Where the evidence permits several classes, each of them is",
    "right. Runs have `--timeout 3s`; one that is not right gets a second try with 8 s, unless it was wrong and proven.",
    "",
    `${rows.length} cases: ${count("right")} right, ${count("undecided")} undecided, ${count("wrong")} wrong, ` +
      `${count("wrong and proven")} wrong and proven. Time of a run: median ${at(0.5)} s, 90 % below ${at(0.9)} s, ` +
      `longest ${at(1)} s.`,
    "",
    "| layer | cases | ✓ | … | ✗ | ✗✗ |",
    "|---|--:|--:|--:|--:|--:|",
    ...kinds.map((name) => {
      const of = rows.filter((row) => kind(row) === name);
      return `| ${name} | ${of.length} | ${Object.keys(marks)
        .map((mark) => count(mark, of))
        .join(" | ")} |`;
    }),
    "",
  ];
  for (const name of kinds) {
    lines.push(`## ${name}`, "", "| | chain | injected | expected | said | s |", "|---|---|---|---|---|--:|");
    for (const row of rows.filter((each) => kind(each) === name).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const said = row.mark === "right" ? row.got : `${row.got} (${row.why})`;
      const cells = [marks[row.mark], row.chain, row.fault, row.expected, said, (row.tookMs / 1000).toFixed(1)];
      lines.push(`| ${cells.map(cell).join(" | ")} |`);
    }
    lines.push("");
  }
  return lines.join("\n");
}

function order(kind) {
  const known = [
    "dns",
    "connect",
    "socket",
    "tls-edge",
    "tls-origin",
    "response",
    "body",
    "keepalive",
    "pool",
    "gateway",
  ];
  const last = ["app", "dressed", "mixed", "adversary", "page", "apache", "varnish", "log", "risk", "healthy"];
  return [...known, ...last].indexOf(kind);
}

/** Ports and folders of a run say nothing. */
function cell(text) {
  return String(text)
    .replaceAll(/\b(127\.0\.0\.\d+|\[::1\]|shop\.test):\d{4,5}\b/g, "$1:PORT")
    .replaceAll(/[^\s:]*\/goodgate-(?:doctor|lab|test)-\w+\//g, "…/")
    .replaceAll("|", "\\|")
    .replaceAll("<", "&lt;")
    .replaceAll("\n", " ")
    .slice(0, 200);
}
