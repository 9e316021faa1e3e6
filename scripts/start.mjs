// `npm start`: installs and builds where needed, then becomes the program, in this process: a further Node would
// cost a tenth of a second and one more place to pass signals through.
// package.json says `exec node …`: a shell between npm and us would die of npm's SIGTERM and leave us behind.
// No arguments: the demo. A subcommand: that one. Anything else (a URL, a config file, a flag): `goodgate run …`.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./prepare.mjs";

const SUBCOMMANDS = new Set(
  "run demo check adapt format reload upgrade stop explain doctor incidents top lab site help --help -h --version -V".split(
    " ",
  ),
);

const args = process.argv.slice(2);
const [first] = args;
const command = first === undefined ? ["demo"] : SUBCOMMANDS.has(first) ? args : ["run", ...args];

if (await prepare()) {
  ignoreEchoedSignals();
  const program = join(root, "bin", "goodgate.js");
  process.argv = [process.execPath, program, ...command];
  await import(pathToFileURL(program).href);
} else {
  process.exitCode = 1;
}

/**
 * A terminal or a service manager signals the whole process group, and npm then passes the same signal on: without
 * this a drain would be cut short by what looks like a second, impatient request to stop.
 */
function ignoreEchoedSignals() {
  const ECHO_MS = 500;
  const lastAt = new Map();
  const emit = process.emit;
  process.emit = function (name, ...rest) {
    if (name === "SIGINT" || name === "SIGTERM") {
      const at = performance.now();
      const echoed = at - (lastAt.get(name) ?? -Infinity) < ECHO_MS;
      lastAt.set(name, at);
      if (echoed) return true;
    }
    return emit.call(this, name, ...rest);
  };
}
