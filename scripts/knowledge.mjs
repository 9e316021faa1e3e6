// `node scripts/knowledge.mjs [PREFIX]`: checks the entries of the reference (those whose id begins with PREFIX), prints
// each problem with its file and line and counts what is there. Needs a build.
import { join } from "node:path";
import { root } from "./prepare.mjs";

const { readEntries } = await import("../dist/knowledge/read-entries.js");
const prefix = process.argv[2] ?? "";
const { entries, problems } = readEntries(join(root, "knowledge"));
const shown = problems.filter(({ file }) => file.startsWith(prefix));
for (const { file, line, message } of shown) process.stdout.write(`knowledge/${file}:${line}: ${message}\n`);
const counted = entries.filter(({ id }) => id.startsWith(prefix));

const kinds = ["status", "cause", "message"].map(
  (kind) => `${counted.filter((entry) => entry.kind === kind).length} ${kind}`,
);
process.stdout.write(`${kinds.join(", ")} · ${shown.length} problems\n`);
process.exitCode = shown.length === 0 ? 0 : 1;
