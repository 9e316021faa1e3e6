// Lowers a text as a test needs it: the parts of Config, or what was said.
import type { Config } from "../../config/config.ts";
import { formatProblem } from "../../config/problem.ts";
import type { LocationConfig, LocationSettings, ServerConfig } from "../../config/servers.ts";
import { PREFIX, run } from "../corpus.fixture.ts";
import { type Lowered, lowerNginx } from "./lower.ts";
import type { LowerOptions } from "./lowering.ts";

export const OPTIONS: LowerOptions = {
  prefix: PREFIX,
  confDir: PREFIX,
  errorLog: "stderr",
  accessLog: "/var/log/nginx/access.log",
  pid: "/run/nginx.pid",
};

/** A whole nginx.conf, with other files beside it. */
export function lower(text: string, options: Partial<LowerOptions> = {}, files: Record<string, string> = {}): Lowered {
  const configuration = run(new Map([["nginx.conf", text], ...Object.entries(files)]));
  return lowerNginx(configuration, { ...OPTIONS, ...options });
}

/** The Config of an http block. */
export function lowerHttp(text: string, options: Partial<LowerOptions> = {}): Config {
  const { config, problems } = lower(`events {}\nhttp {\n${text}\n}\n`, options);
  if (!config) throw new Error(problems.map((problem) => formatProblem(problem)).join("\n"));
  return config;
}

/** The only server of an http block. */
export function lowerServer(text: string): ServerConfig {
  return lowerHttp(`server {\n${text}\n}`).servers!.servers[0]!;
}

/** The first location of a server, which the text may have more around. */
export function lowerLocation(text: string): LocationConfig {
  return lowerServer(text).locations[0]!;
}

/** The settings of a location with these directives. */
export function lowerSettings(text: string): LocationSettings {
  return lowerLocation(`location / {\n${text}\n}`).settings;
}
