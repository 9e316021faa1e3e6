// What every command of a checkout needs first: the packages of package-lock.json in node_modules, and dist/ built
// from src/ and knowledge/. Both ask whether there is anything to do before they do it, so that a second start costs milliseconds:
// packages are compared with npm's own record of what it installed (node_modules/.package-lock.json, which any other
// npm command changes), sources by name, size and time of change with the stamp of the last build. Only node: imports: this runs before `npm ci`.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { runLoud, runStep } from "./step.mjs";

/** The folder of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const dist = join(root, "dist");
const stampFile = join(dist, ".goodgate-build");
/** In src/: bundled for browsers by scripts/build-site.mjs, not built by tsc. */
const BROWSER = ["site/browser/", "console/browser/"];
/** In dist/: what that bundling made. */
const ASSETS = ["site/assets/", "console/assets/"];

/**
 * Leaves node_modules and dist as package-lock.json, src/ and knowledge/ ask; false where that failed (already reported).
 * @returns {Promise<boolean>}
 */
export async function prepare() {
  if (!nodeIsNewEnough()) return false;
  return (await installPackages(root)) && (await build());
}

function nodeIsNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return true;
  process.stderr.write(`goodgate needs Node 20.19 or newer; this is ${process.version}.\n`);
  process.stderr.write("→ Install one from https://nodejs.org/ and run the command again.\n");
  return false;
}

/**
 * `npm ci` in a folder, unless what is installed there is what its lock file says.
 * @param {string} folder
 * @returns {Promise<boolean>}
 */
export async function installPackages(folder) {
  if (packagesAreInstalled(folder)) return true;
  const where = relative(root, folder);
  // TypeScript is a devDependency and builds dist/, so it is wanted even under NODE_ENV=production. No package in
  // the lock file needs an install script; leaving them off is one thing less to trust.
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const [command, prefix] = npmCommand();
  const title = `Installing packages${where === "" ? "" : ` of ${where}/`} (npm ci)`;
  const ok = await runStep(title, command, [...prefix, ...args], {
    cwd: folder,
    hint: "Check that this machine reaches the npm registry (`npm ping`), then run the command again.",
  });
  if (!ok) return false;
  const stamp = installStamp(folder);
  writeFileSync(stamp.file, stamp.content());
  return true;
}

/** The npm that runs us, where one does; otherwise the one on the path. */
function npmCommand() {
  const running = process.env["npm_execpath"] ?? "";
  return running.endsWith("npm-cli.js") && existsSync(running) ? [process.execPath, [running]] : ["npm", []];
}

/** True after our own install, and after somebody's `npm ci` or `npm install` of all that the lock file lists. */
function packagesAreInstalled(folder) {
  const stamp = installStamp(folder);
  if (existsSync(stamp.file) && readFileSync(stamp.file, "utf8") === stamp.content()) return true;
  const wanted = readJson(join(folder, "package-lock.json"))?.packages;
  const installed = readJson(join(folder, "node_modules", ".package-lock.json"))?.packages;
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional === true || installed[path]?.version === entry.version,
  );
}

/** Of what was asked for and what is there, so that a change of either is seen. */
function installStamp(folder) {
  const modules = join(folder, "node_modules");
  const locks = [join(folder, "package-lock.json"), join(modules, ".package-lock.json")];
  const content = () => {
    const hash = createHash("sha256");
    for (const lock of locks) hash.update(existsSync(lock) ? readFileSync(lock) : "none");
    return `${hash.digest("hex")}\n`;
  };
  return { file: join(modules, ".goodgate-install"), content };
}

/** Unreadable counts as absent: the next step is the same, a fresh install. */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * `tsc` from src/ to dist/, then the reference from knowledge/, unless the last build was made from the same files.
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<boolean>}
 */
export async function build({ force = false } = {}) {
  const sources = sourceFiles(join(root, "src"));
  const others = ["tsconfig.json", "package-lock.json"].map((name) => join(root, name));
  const fingerprint = fingerprintOf([...sources, ...sourceFiles(join(root, "knowledge")), ...others]);
  const outputs = [...outputsOf(sources), "knowledge/index.json", "site/assets.json", "console/page.json"];
  const complete = outputs.every((file) => existsSync(join(dist, file)));
  if (!force && complete && stampIs(fingerprint)) return true;

  // tsc's own incremental record does not notice outputs that were removed: without all of them, start from nothing.
  if (force || !complete) rmSync(join(dist, ".tsbuildinfo"), { force: true });
  if (force) rmSync(dist, { recursive: true, force: true });
  rmSync(stampFile, { force: true });
  removeOrphans(sources);
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const ok = await runStep("Building (tsc)", process.execPath, [tsc, "-p", "tsconfig.json"], {
    cwd: root,
    hint: "The messages above name the file and line. In an unchanged checkout: `rm -rf node_modules dist`, then again.",
  });
  if (!ok) return false;
  // What `import … from "goodgate/client"` and "goodgate/node" are told of their types; the rest is a program.
  for (const part of ["client", "node"]) {
    const typed = await runStep(
      `Building (types of the ${part})`,
      process.execPath,
      [tsc, "-p", `tsconfig.${part}.json`],
      {
        cwd: root,
        hint: "The messages above name the file and line.",
      },
    );
    if (!typed) return false;
  }
  if (!(await runLoud(process.execPath, [join(root, "scripts", "build-site.mjs")], { cwd: root }))) return false;
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile, `${fingerprint}\n`);
  return true;
}

function stampIs(fingerprint) {
  return existsSync(stampFile) && readFileSync(stampFile, "utf8").trim() === fingerprint;
}

/** Tests and what only they use are not built (tsconfig.json leaves them out): a change of theirs is no reason to build. */
function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:test|fixture)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function fingerprintOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${relative(root, file)}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** What tsc makes of the sources, as paths in dist/. */
function outputsOf(sources) {
  return sources
    .map((file) => relative(join(root, "src"), file).split(sep).join("/"))
    .filter((name) => name.endsWith(".ts") && !BROWSER.some((folder) => name.startsWith(folder)))
    .map((name) => name.replace(/\.ts$/, ".js"));
}

/** Outputs whose source is gone: an import of one would still work here and fail everywhere else. */
function removeOrphans(sources) {
  if (!existsSync(dist)) return;
  const expected = new Set(outputsOf(sources));
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const name = relative(dist, file).split(sep).join("/");
    if (
      entry.isFile() &&
      name.endsWith(".js") &&
      !ASSETS.some((folder) => name.startsWith(folder)) &&
      !expected.has(name)
    )
      rmSync(file);
  }
}
