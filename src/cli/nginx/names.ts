// Where things are: what is built in (the places of Debian's package, so that an existing installation is found) and
// what -p, -c and -e make of it. Names stay relative where they were given so; messages show them as nginx would.
import { resolve } from "node:path";
import { toByteText } from "../../nginx/byte-text.ts";
import { fullName } from "../../nginx/load.ts";
import type { Options } from "./options.ts";

export const BUILT_IN = {
  /** What relative names of logs and of the pid file are relative to. */
  prefix: "/usr/share/nginx/",
  conf: "/etc/nginx/nginx.conf",
  /** "" = standard error. */
  errorLog: "",
  accessLog: "/var/log/nginx/access.log",
  pid: "/run/nginx.pid",
} as const;

/** Byte text, each. */
export interface Names {
  readonly prefix: string;
  readonly conf: string;
  /** "" = standard error. */
  readonly errorLog: string;
  /** What is not done is no obstacle. */
  readonly lenient: boolean;
}

/** The places that a command line means. */
export function namesOf({ prefix: given, conf, errorLog, lenient }: Options): Names {
  const prefix = given === null ? BUILT_IN.prefix : given === "" || given.endsWith("/") ? given : `${given}/`;
  const log = errorLog ?? BUILT_IN.errorLog;
  return {
    prefix,
    conf: fullName(prefix, conf ?? BUILT_IN.conf),
    errorLog: log === "" ? "" : fullName(prefix, log),
    lenient,
  };
}

/** Those of `goodgate run FILE` and `goodgate check FILE`. */
export function namesOfFile(file: string): Names {
  return { prefix: BUILT_IN.prefix, conf: toByteText(resolve(file)), errorLog: BUILT_IN.errorLog, lenient: false };
}
