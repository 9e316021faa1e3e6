// Lowers a few lines of an http block, and tells what nginx says of them.
import type { Config } from "../../config/config.ts";
import type { LocationConfig, LocationSettings, ProxyConfig } from "../../config/servers.ts";
import { checkDirectives } from "../check.ts";
import { DIRECTIVES } from "../directives/table.ts";
import { loadNginx } from "../load.ts";
import { nginxLine } from "../problem.ts";
import { lowerNginx } from "./lower.ts";
import type { LowerOptions } from "./lowering.ts";

const OPTIONS: LowerOptions = {
  prefix: "/srv/",
  confDir: "/etc/nginx/",
  errorLog: "stderr",
  accessLog: "/srv/access.log",
  pid: "/srv/nginx.pid",
  hostName: "here",
  lenient: false,
};

/** The file that has these lines in its http block; they begin in its second line. */
export function confOf(http: string): string {
  return `events {} http {\n${http}\n}\n`;
}

/** Its Config (null where there are errors) and the lines of nginx, without "nginx: ". */
export function lowered(
  http: string,
  options: Partial<LowerOptions> = {},
): { readonly config: Config | null; readonly told: readonly string[] } {
  const loaded = loadNginx("nginx.conf", { read: () => confOf(http), list: () => [] });
  if ("errno" in loaded) throw new Error(loaded.text);
  const { problems } = checkDirectives(loaded, DIRECTIVES);
  const isWrong = problems.some(({ severity }) => severity === "error");
  const { config, problems: found } = isWrong
    ? { config: null, problems: [] }
    : lowerNginx(loaded, { ...OPTIONS, ...options });
  return { config, told: [...problems, ...found].map((problem) => nginxLine(problem).replace("nginx: ", "")) };
}

/** The Config of lines that have nothing wrong. */
export function good(http: string): Config {
  const { config, told } = lowered(http);
  if (!config || told.length > 0) throw new Error(told.join("\n"));
  return config;
}

/** The settings of the first location of the first server (in `within` the first location of that, and so on). */
export function locationOf({ servers }: Config, depth = 0): LocationConfig {
  let location = servers!.servers[0]!.locations[0]!;
  for (let at = 0; at < depth; at++) location = location.locations[0]!;
  return location;
}

/** What a proxying block has. */
export function proxyOf({ content }: LocationSettings): ProxyConfig {
  if (content.kind !== "proxy") throw new Error(`it is ${content.kind}`);
  return content;
}

/** The proxy of the first location of a server with these lines. */
export function proxied(server: string, http = ""): ProxyConfig {
  return proxyOf(locationOf(good(`${http} server { ${server} }`)).settings);
}
