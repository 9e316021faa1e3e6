// What -v, -V and -h print. Scripts look for "nginx version: nginx/1.2.3", which names the nginx whose meaning a
// configuration has here; nginx has a place behind it for the name of a build ("(Ubuntu)"), and we stand there. The
// arguments that -V lists are worked out of the table of directives: a module is there where a directive of it is.
import { DIRECTIVES } from "../../nginx/directives/table.ts";
import { version } from "../version.ts";
import { BUILT_IN } from "./names.ts";
import type { Options } from "./options.ts";

/** The newest nginx that the table of directives knows. */
export const NGINX_VERSION = "1.31.5";

/** Modules that nginx has only where it is told to build them. */
const WITH = [
  ...["http_ssl", "http_v2", "http_v3", "http_realip", "http_addition", "http_xslt", "http_image_filter"],
  ...["http_geoip", "http_sub", "http_dav", "http_flv", "http_mp4", "http_gunzip", "http_gzip_static"],
  ...["http_auth_request", "http_random_index", "http_secure_link", "http_degradation", "http_slice", "http_perl"],
  "http_stub_status",
];
/** Modules that nginx has unless it is told not to. */
const WITHOUT = [
  ...["http_charset", "http_gzip", "http_ssi", "http_userid", "http_access", "http_auth_basic", "http_mirror"],
  ...["http_autoindex", "http_geo", "http_map", "http_split_clients", "http_referer", "http_rewrite", "http_proxy"],
  ...["http_fastcgi", "http_uwsgi", "http_scgi", "http_grpc", "http_tunnel", "http_memcached", "http_limit_conn"],
  ...["http_limit_req", "http_empty_gif", "http_browser", "http_upstream_hash", "http_upstream_ip_hash"],
  ...["http_upstream_least_conn", "http_upstream_least_time", "http_upstream_random", "http_upstream_keepalive"],
  ...["http_upstream_zone", "http_upstream_sticky"],
];

/** The text for standard error. */
export function versionText({ help, built }: Options): string {
  return [`nginx version: nginx/${NGINX_VERSION} (Goodgate)`, ...(help ? HELP : []), ...(built ? builtIn() : [])]
    .map((line) => `${line}\n`)
    .join("");
}

const HELP = [
  "Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]",
  "             [-e filename] [-c filename] [-g directives]",
  "",
  "Options:",
  "  -?,-h         : this help",
  "  -v            : show version and exit",
  "  -V            : show version and configure options then exit",
  "  -t            : test configuration and exit",
  "  -T            : test configuration, dump it and exit",
  "  -q            : suppress non-error messages during configuration testing",
  "  -s signal     : send signal to a master process: stop, quit, reopen, reload",
  `  -p prefix     : set prefix path (default: ${BUILT_IN.prefix})`,
  `  -e filename   : set error log file (default: ${BUILT_IN.errorLog || "stderr"})`,
  `  -c filename   : set configuration file (default: ${BUILT_IN.conf})`,
  "  -g directives : set global directives out of configuration file",
  "",
];

function builtIn(): string[] {
  return [
    `built by Goodgate ${version} (Node ${process.versions.node})`,
    `built with OpenSSL ${process.versions.openssl}`,
    "TLS SNI support enabled",
    `configure arguments: ${configureArguments().join(" ")}`,
  ];
}

function configureArguments(): string[] {
  const modules = new Set<string>();
  for (const specs of DIRECTIVES.values()) {
    for (const { module, status } of specs) if (status === "lowered") modules.add(module);
  }
  return [
    `--prefix=${BUILT_IN.prefix.slice(0, -1)}`,
    `--conf-path=${BUILT_IN.conf}`,
    `--error-log-path=${BUILT_IN.errorLog || "stderr"}`,
    `--http-log-path=${BUILT_IN.accessLog}`,
    `--pid-path=${BUILT_IN.pid}`,
    ...WITH.filter((name) => modules.has(name)).map((name) => `--with-${name}_module`),
    ...WITHOUT.filter((name) => !modules.has(name)).map((name) => `--without-${name}_module`),
  ];
}
