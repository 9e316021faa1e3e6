// The console's page with made-up data, for whoever works on it: `node scripts/console-page.mjs [PORT] [large] [demo]
// [reader] [token]`. Bundles src/console/browser anew at each start; needs no build. dev/serve.ts says what is made up.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { root } from "./prepare.mjs";

const source = join(root, "src");
const folder = mkdtempSync(join(tmpdir(), "goodgate-console-"));
const bundle = await rolldown({
  input: { serve: join(source, "console", "browser", "dev", "serve.ts") },
  platform: "node",
  external: [/^node:/, "rolldown"],
  logLevel: "warn",
});
// Beside node_modules, so that rolldown is found from there.
const program = join(root, "node_modules", ".cache", "goodgate-console");
await bundle.write({ dir: program, format: "es" });
await bundle.close();
const { serve } = await import(pathToFileURL(join(program, "serve.js")).href);
const words = process.argv.slice(2);
const port = Number(words.find((word) => /^\d+$/.test(word)) ?? 8599);
const server = await serve({ source, folder, port, words });
process.stdout.write(`http://127.0.0.1:${server.port}/\n`);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  });
}
