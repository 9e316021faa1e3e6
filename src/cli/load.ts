// From command-line targets to a configuration: a file, or URLs that form one upstream, with the flags on top.
import { readFileSync } from "node:fs";
import type { Address, Config, Problem } from "../config/config.ts";
import { configFromUrls, loadConfig, type Overrides, withOverrides } from "../config/load.ts";
import { compileLogTemplate } from "../observe/log-template.ts";
import { loadNginxInParts } from "./in-parts.ts";
import { workerIdentity } from "./nginx/identity.ts";
import { namesOfFile } from "./nginx/names.ts";
import { resolveNames } from "./nginx/resolve-names.ts";
import { languageOf, looksLikeUrl } from "./target.ts";

export interface LoadOptions {
  readonly listen?: readonly string[];
  readonly console?: string;
  readonly workers?: string;
  readonly as?: string;
  /** What of an nginx.conf is not done here is no obstacle. */
  readonly lenient?: boolean;
}

export interface Loaded {
  /** Absent where a problem is an error. */
  readonly config?: Config;
  readonly problems: readonly Problem[];
}

/** Reads what `targets` names. Never throws on what a person wrote. */
export async function loadTargets(targets: readonly string[], options: LoadOptions): Promise<Loaded> {
  const loaded = targets.some(looksLikeUrl) ? fromUrls(targets) : await fromFile(targets, options);
  if (!loaded.config) return loaded;
  if (loaded.config.servers && options.listen?.length) {
    const message = "--listen has no meaning beside an nginx.conf";
    return { problems: [{ severity: "error", message, hint: 'its servers say where they "listen"' }] };
  }
  const overrides: Overrides = {
    listen: options.listen ?? [],
    ...(options.console === undefined ? {} : { console: options.console }),
    ...(options.workers === undefined ? {} : { workers: options.workers }),
  };
  const result = withOverrides(loaded.config, overrides);
  return { ...result, problems: [...loaded.problems, ...result.problems] };
}

function fromUrls(targets: readonly string[]): Loaded {
  const urls = targets.map((target) =>
    /^https?:/i.test(target) ? target : `http://${target.startsWith(":") ? "localhost" : ""}${target}`,
  );
  return configFromUrls(urls);
}

async function fromFile(targets: readonly string[], { as, lenient = false }: LoadOptions): Promise<Loaded> {
  const text = textOf(targets);
  if (typeof text !== "string") return text;
  return (as ?? languageOf(text)) === "nginx" ? fromNginx(targets[0]!, lenient) : fromYaml(text, targets[0]!);
}

/** A file, read as goodgate.yaml. */
export function loadYaml(file: string): Loaded {
  const text = textOf([file]);
  return typeof text === "string" ? fromYaml(text, file) : text;
}

/** The text of the one file that is named, or why there is none. */
function textOf(targets: readonly string[]): string | Loaded {
  const error = (message: string, hint: string): Loaded => ({ problems: [{ severity: "error", message, hint }] });
  const [file, ...more] = targets;
  if (more.length > 0)
    return error(
      `one configuration file at a time: ${targets.join(" ")}`,
      "several URLs form one upstream; files do not",
    );
  try {
    return readFileSync(file!, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT")
      return error(
        `${file}: no such file`,
        "name a goodgate.yaml, or the URL of your application, e.g. http://localhost:3000",
      );
    return error(`${file}: cannot be read (${code})`, code === "EACCES" ? "check its permissions" : "name a file");
  }
}

function fromYaml(text: string, file: string): Loaded {
  const { config, problems } = loadConfig(text, file, process.env, { logTemplate: logTemplateProblem });
  return config ? { config: withAddresses(config), problems } : { problems };
}

/** Names that are to be resolved at load are resolved here. */
function withAddresses(config: Config): Config {
  const { addresses } = resolveNames(config, { files: [] });
  return Object.keys(addresses).length === 0 ? config : { ...config, addresses };
}

/** Where the console is unless --console says otherwise: an nginx.conf cannot. */
const CONSOLE: Address = { kind: "tcp", host: "127.0.0.1", port: 8502 };

/** What runs in the foreground keeps the rights that it was started with, and its own pid file. */
async function fromNginx(file: string, lenient: boolean): Promise<Loaded> {
  // Only who has one needs what reads it.
  await loadNginxInParts();
  const { readConfiguration } = await import("./nginx/reading.ts");
  const reading = readConfiguration({ ...namesOfFile(file), lenient }, "");
  if ("errno" in reading) return { problems: [{ severity: "error", message: `${file}: ${reading.text}` }] };
  const { problems, meant } = reading;
  if (!meant) return { problems };
  const dropped = workerIdentity(meant.process.user);
  const asRoot: Problem = {
    severity: "warning",
    message: "requests are served as root, whatever `user` says",
    hint: "goodgate-nginx gives up its rights as nginx does; or start this as another user",
  };
  const config = { ...meant.config, console: CONSOLE };
  return { config, problems: dropped ? [...problems, asRoot] : problems };
}

/** What is wrong with a template of the access log. */
export function logTemplateProblem(template: string): string | undefined {
  const compiled = compileLogTemplate(template);
  return "problem" in compiled ? compiled.problem : undefined;
}
