// What the readers of one configuration share: where relative names begin, and what they collect besides the tree of
// servers (upstreams, zones, caches, formats, variables). One object for one run of lowerNginx.
import type { UpstreamConfig } from "../../config/config.ts";
import type {
  CacheConfig,
  CharsetMapConfig,
  LogFormatConfig,
  ServersConfig,
  TypesConfig,
  VariableConfig,
  ZoneConfig,
} from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import type { Listening } from "./listen.ts";
import type { Origins } from "./origins.ts";
import type { Scope } from "./scope.ts";

export interface LowerOptions {
  /** Relative names of files begin here; with a slash at the end. */
  readonly prefix: string;
  /** Certificates, password files and what else nginx looks for beside its configuration; with a slash. */
  readonly confDir: string;
  /** The error log where none is configured: a path, or "stderr". */
  readonly errorLog: string;
  readonly accessLog: string;
  readonly pid: string;
  /** What $hostname is in server_name; "localhost" where nobody says. */
  readonly hostName?: string;
  /** What is not done is answered with 501 or left out, with a warning. */
  readonly lenient?: boolean;
  /** What the Server field of responses says; nginx's where nobody says. */
  readonly product?: ServersConfig["product"];
  /** Takes in where each part comes from. */
  readonly origins?: Origins;
}

export interface Lowering {
  readonly options: LowerOptions;
  readonly http: Scope;
  /** By nginx's address ("0.0.0.0:80", "unix:/a"), in order. */
  readonly listening: Map<string, Listening>;
  readonly upstreams: Map<string, UpstreamConfig>;
  readonly zones: ZoneConfig[];
  readonly caches: CacheConfig[];
  readonly formats: LogFormatConfig[];
  readonly charsetMaps: CharsetMapConfig[];
  readonly variables: VariableConfig[];
  /** Media types by the first `types` block that has them: they are large, and many share them. */
  readonly types: Map<Directive, TypesConfig["byExtension"]>;
  /** The prefix that a location matches; undefined = it goes by a pattern or a name. */
  readonly locationPrefix: (location: Scope | undefined) => string | undefined;
}

/** The full name of a file that is relative to the prefix. */
export function prefixPath({ prefix }: LowerOptions, name: string): string {
  return name.startsWith("/") ? name : prefix + name;
}

/** The full name of a file that is relative to the folder of the configuration. */
export function confPath({ confDir }: LowerOptions, name: string): string {
  return name.startsWith("/") ? name : confDir + name;
}
