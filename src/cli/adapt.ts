// goodgate adapt: an nginx.conf as goodgate.yaml of the same behaviour, on standard output. Problems go to standard
// error as `check` prints them. Comments stay with the server, location, upstream or table that they stand at; what
// nginx.conf says of the process is said at the top, since here the process is not the file's business.
// Exit codes: 0 done, 2 it cannot be read or lowered.
import { resolve } from "node:path";
import { printConfig } from "../config/print/print.ts";
import { shown, toByteText } from "../nginx/byte-text.ts";
import { commentsIn } from "../nginx/comments.ts";
import type { NginxConfiguration } from "../nginx/load.ts";
import type { Origins } from "../nginx/lower/origins.ts";
import type { ProcessSettings } from "../nginx/lower/process.ts";
import type { Directive } from "../nginx/tree.ts";
import { type Names, namesOfFile } from "./nginx/names.ts";
import { lowerAt, readConfiguration } from "./nginx/reading.ts";
import { printProblems } from "./problems.ts";

const EXIT_FINE = 0;
const EXIT_UNUSABLE = 2;

export interface AdaptOptions {
  /** What relative names of files are relative to, as for nginx -p. */
  readonly prefix?: string;
}

/** Prints goodgate.yaml; resolves with the exit code. */
export async function adapt(file: string, { prefix }: AdaptOptions): Promise<number> {
  const names = prefix === undefined ? namesOfFile(file) : { ...namesOfFile(file), prefix: folderOf(prefix) };
  const reading = readConfiguration(names, "");
  if ("errno" in reading) {
    printProblems([{ severity: "error", message: `${file}: ${reading.text}` }]);
    return EXIT_UNUSABLE;
  }
  printProblems(reading.problems);
  const text = reading.meant && adapted(reading.configuration, names);
  if (!text) return EXIT_UNUSABLE;
  await new Promise<void>((done) => process.stdout.write(text, () => done()));
  return EXIT_FINE;
}

function folderOf(prefix: string): Names["prefix"] {
  const folder = toByteText(resolve(prefix));
  return folder.endsWith("/") ? folder : `${folder}/`;
}

/** The file, with comments; null = it cannot be lowered. */
export function adapted(configuration: NginxConfiguration, names: Names): string | null {
  const origins: Origins = new Map();
  const { config, process } = lowerAt(configuration, names, { origins });
  if (!config) return null;
  const top = headingOf(configuration);
  return printConfig(
    config,
    [...top, ...(top.length > 0 ? [""] : []), ...aboutProcess(process, configuration)],
    (part) => {
      const directive = origins.get(part);
      return directive ? commentsOf(directive).map(bare) : [];
    },
  );
}

/** What stands at the top of the main file, up to the first directive. */
function headingOf({ main }: NginxConfiguration): string[] {
  const [first] = main.file.directives;
  return first ? commentsIn(first.head.gap, true).own.map(bare) : [];
}

/** Comments of a directive, and of those in it that are no part of their own. */
function commentsOf({ comments, block }: Directive): string[] {
  const { before, trailing, end } = comments;
  const inner = (block?.directives ?? []).filter((each) => !OWN_PLACE.has(each.name)).flatMap(commentsOf);
  return [...before, ...(trailing === null ? [] : [trailing]), ...inner, ...end];
}

/** Directives that have a place in the file themselves. */
const OWN_PLACE = new Set(["location", "if", "set", "rewrite", "return", "break"]);

function bare(comment: string): string {
  return shown(comment.replace(/^#+ ?/, ""));
}

/** Where what nginx.conf says of the process has gone. */
function aboutProcess(settings: ProcessSettings, { main }: NginxConfiguration): string[] {
  const said = new Set(main.file.directives.map(({ name }) => name));
  const lines: string[] = [];
  if (settings.user)
    lines.push(`user ${settings.user.name}: start Goodgate as this user, as packaging/goodgate.service does`);
  if (said.has("pid")) lines.push(`pid ${shown(settings.pid)}: goodgate run --pid-file ${shown(settings.pid)}`);
  if (said.has("error_log")) lines.push("error_log: it holds in each server, as error-log");
  if (said.has("daemon") || said.has("master_process"))
    lines.push("daemon, master_process: Goodgate stays in the foreground; --workers says how many");
  for (const env of settings.env) lines.push(`env ${shown(env)}: the environment is that of whoever starts Goodgate`);
  if (settings.workingDirectory !== null)
    lines.push(`working_directory ${shown(settings.workingDirectory)}: start Goodgate there`);
  return lines;
}
