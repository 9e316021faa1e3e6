#!/usr/bin/env node
// The entry of the program in nginx's place: says clearly what is missing (a Node that is too old, a checkout that is
// not built), then hands over to dist/cli/nginx/main.js. Syntax here stays old enough for a Node that we refuse to be
// told so.
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/nginx/main.js", import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  refuse(`goodgate-nginx needs Node 20.19 or newer; this is ${process.version}. Install one from https://nodejs.org/.`);
} else if (!existsSync(main)) {
  refuse("goodgate-nginx: this checkout is not built yet. Run `npm start` (or `npm run build`) in it first.");
} else {
  const { loadNginxInParts } = await import(new URL("../dist/cli/in-parts.js", import.meta.url).href);
  await loadNginxInParts();
  const { main: run } = await import(main.href);
  await run(process.argv.slice(2));
}

/** @param {string} line */
function refuse(line) {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}
