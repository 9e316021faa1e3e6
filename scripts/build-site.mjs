// What browsers get, into dist/ after tsc: the reference from /knowledge (entries as fragments, the index and its scripts:
// src/site/build/write-library.ts says what and where) and the console's page (src/site/build/console-page.ts).
// Problems of entries are counted here and listed by `node scripts/knowledge.mjs`; they fail `npm test`, not the build,
// so that one bad line does not stop the gateway.
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

const pageBegan = performance.now();
const { writeConsolePage } = await import("../dist/site/build/console-page.js");
const { assets } = await writeConsolePage(folders);
const pageSeconds = ((performance.now() - pageBegan) / 1000).toFixed(1);
process.stderr.write(`✓ Building the console's page: ${assets.length} files (${pageSeconds} s)\n`);
