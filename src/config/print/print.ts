// A configuration as goodgate.yaml: what an nginx.conf lowers to, in the words of the file, and only what differs from
// nginx's defaults and from the block around. What is printed reads as the same configuration. Pure: values in, text
// out; comments come with what they stand at.
import { formatAddress } from "../address.ts";
import { textOfBytes } from "../byte-strings.ts";
import type { Config } from "../config.ts";
import type { Path } from "../document.ts";
import { duration, NO_BOUND_MS } from "../forms.ts";
import { isSame } from "../forms-record.ts";
import type { LocationConfig, RewriteStep } from "../servers.ts";
import { type Commented, documentText } from "./document.ts";
import { sectionsOf } from "./servers.ts";
import { nginxModel, writtenUpstream } from "./upstreams.ts";

/** Comments of a part of the configuration, without their "#". */
export type CommentsOf = (part: object) => readonly string[];

/** The file. `heading` stands at its top. */
export function printConfig(
  config: Config,
  heading: readonly string[] = [],
  commentsOf: CommentsOf = () => [],
): string {
  return documentText(writtenConfig(config), heading, commented(config, commentsOf));
}

/** The plain values of the file. */
function writtenConfig(config: Config): Record<string, unknown> {
  const { upstreams, servers } = config;
  const around = { upstreams, model: nginxModel({ endpoints: [], keepalive: "off" }) };
  const { servers: list, ...shared } = servers ? sectionsOf(config, servers, around) : {};
  return {
    defaults: "nginx",
    ...(config.name === "goodgate" ? {} : { name: config.name }),
    ...(config.workers === 1 ? {} : { workers: config.workers }),
    ...(config.console ? { console: formatAddress(config.console) } : {}),
    ...(config.drainMs === NO_BOUND_MS ? {} : { drain: duration.write(config.drainMs) }),
    ...(upstreams.size === 0
      ? {}
      : {
          upstreams: Object.fromEntries(
            [...upstreams].map(([name, each]) => [textOfBytes(name), writtenUpstream(each)]),
          ),
        }),
    ...shared,
    servers: list ?? [],
  };
}

/** Comments with their places in the file. */
function commented({ upstreams, servers }: Config, commentsOf: CommentsOf): Commented[] {
  const found: Commented[] = [];
  const add = (part: object, path: Path): void => {
    const lines = commentsOf(part);
    if (lines.length > 0) found.push({ path, lines });
  };
  for (const [name, { endpoints }] of upstreams) add(endpoints, ["upstreams", textOfBytes(name)]);
  if (!servers) return found;
  servers.variables.forEach((each, index) => void add(each, ["variables", index]));
  servers.zones.forEach((each, index) => void add(each, ["zones", index]));
  servers.caches.forEach((each, index) => void add(each, ["caches", index]));
  servers.formats
    .filter(({ name }) => name !== "combined")
    .forEach((each, index) => void add(each, ["formats", index]));
  const addLocation = (location: LocationConfig, path: Path): void => {
    add(location, path);
    addSteps(location.rewrite, [...path, "rewrite"]);
    location.locations.forEach((inner, index) => void addLocation(inner, [...path, "locations", index]));
  };
  const addSteps = (steps: readonly RewriteStep[], path: Path): void => {
    if (!isSame(steps, [{ do: "break" }])) steps.forEach((each, index) => void add(each, [...path, index]));
  };
  servers.servers.forEach((server, index) => {
    const path = ["servers", index];
    add(server, path);
    addSteps(server.rewrite, [...path, "rewrite"]);
    server.locations.forEach((location, at) => void addLocation(location, [...path, "locations", at]));
  });
  return found;
}
