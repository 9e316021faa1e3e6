// The reference from /knowledge into dist/, after tsc: entries as fragments, the index, and what runs in browsers
// (src/site/build/write-library.ts says what and where). Problems of entries are counted here and listed by
// `node scripts/knowledge.mjs`; they fail `npm test`, not the build, so that one bad line does not stop the gateway.
import { join } from "node:path";
import { root } from "./prepare.mjs";

const SHOWN_MAX = 5;

const began = performance.now();
const { writeLibrary } = await import("../dist/site/build/write-library.js");
const folders = { knowledge: join(root, "knowledge"), source: join(root, "src"), output: join(root, "dist") };
const { entries, problems } = await writeLibrary(folders);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
process.stderr.write(`✓ Building the reference: ${entries} entries (${seconds} s)\n`);
for (const { file, line, message } of problems.slice(0, SHOWN_MAX))
  process.stderr.write(`  knowledge/${file}:${line}: ${message}\n`);
if (problems.length > SHOWN_MAX)
  process.stderr.write(`  and ${problems.length - SHOWN_MAX} more: node scripts/knowledge.mjs lists them\n`);
