// `npm run bench`: packages and build of the gateway, packages of the peers (bench/package-lock.json), then the benchmark.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installPackages, prepare, root } from "./prepare.mjs";

if ((await prepare()) && (await installPackages(join(root, "bench")))) {
  await import(pathToFileURL(join(root, "bench", "run.mjs")).href);
} else {
  process.exitCode = 1;
}
