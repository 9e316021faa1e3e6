// goodgate-nginx: the program in the place of nginx's, with nginx's command line. Today it tests and prints a
// configuration (-t, -T) and says what it is (-v, -V, -h); it does not run one yet, and says so.
import { toByteText } from "../../nginx/byte-text.ts";
import { testConfiguration } from "./configuration-test.ts";
import { namesOf } from "./names.ts";
import { type Options, parseOptions } from "./options.ts";
import { openStartLog, print, tell } from "./start-log.ts";
import { versionText } from "./version.ts";

/** Runs the command line; the exit code is set on the process. */
export function main(argv: readonly string[]): void {
  // Whoever reads the dump may have seen enough of it ("| head").
  process.stdout.on("error", () => process.exit(1));
  process.exitCode = run(argv.map(toByteText));
}

function run(argv: readonly string[]): number {
  const options = parseOptions(argv);
  if (typeof options === "string") {
    tell(options);
    return 1;
  }
  if (options.version) print(versionText(options));
  if (options.version && !options.test) return 0;
  if (!options.test) return refuse(options);
  const names = namesOf(options);
  return testConfiguration(options, names, openStartLog(names.errorLog), wantsHints());
}

/** Output that no program reads may say more than nginx's. */
function wantsHints(): boolean {
  const wish = process.env["GOODGATE_HINTS"];
  return wish === undefined || wish === "" ? process.stderr.isTTY === true : wish !== "0";
}

function refuse({ signal }: Options): number {
  const what =
    signal === null
      ? "this version does not run an nginx.conf yet"
      : `-s ${signal} is not there yet: this version does not run an nginx.conf, so there is no process to signal`;
  print(`goodgate-nginx: ${what}.\n`);
  print("goodgate-nginx: -t tests a configuration, -T prints it, `goodgate check FILE` says more of it; ");
  print("`goodgate run goodgate.yaml` runs the gateway.\n");
  return 1;
}
