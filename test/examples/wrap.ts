// Snippets as whole configurations: with the rest around them, free ports in the place of the written ones, timers
// shortened, files and names that this machine does not have replaced by ones that it has.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Surroundings {
  /** Folder of this run: logs, certificate, temporary files. */
  readonly folder: string;
  /** In the place of 127.0.0.1:3000. */
  readonly app: string;
  /** In the place of 127.0.0.1:3001: an application that is well. */
  readonly second: string;
  /** A free port for each listener. */
  readonly freePort: () => Promise<number>;
  /** Timers are divided by this; 1 = as written. */
  readonly haste: number;
}

export interface Wrapped {
  readonly text: string;
  /** Of the first listener. */
  readonly port: number;
}

const HTTP_BLOCKS =
  /^\s*(?:server|upstream|map|geo|split_clients|limit_req_zone|limit_conn_zone|proxy_cache_path|log_format|resolver)\b/m;

/** The wrappings of an nginx snippet that are worth trying, the likeliest first. */
export async function wrapNginx(code: string, around: Surroundings): Promise<Wrapped[]> {
  const { folder } = around;
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const main = (inner: string) =>
    `${user} daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log info;\n${inner}`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  const http = (inner: string) =>
    main(
      `events {}\nhttp {\naccess_log ${folder}/access.log;\n${temporary.join(" ")}\n${missingUpstreams(inner)}\n${inner}\n}`,
    );
  const server = (inner: string) => http(`server {\nlisten 80;\n${inner}\n}`);
  const location = (inner: string) => server(`location / {\n${inner}\n}`);
  const whole = (inner: string) =>
    main(inner.replace(/\bhttp\s*\{/, `http {\naccess_log ${folder}/access.log;\n${temporary.join(" ")}\n`)) +
    (/\bevents\s*\{/.test(inner) ? "" : "\nevents {}");
  const shapes = /^\s*http\s*\{/m.test(code)
    ? [whole]
    : HTTP_BLOCKS.test(code)
      ? [http, server, location]
      : /^\s*location\b/m.test(code)
        ? [server, http]
        : [location, server, http, main];
  const wrapped: Wrapped[] = [];
  for (const shape of shapes)
    wrapped.push(
      await settle(shape(withoutLogs(nginxNames(code, around))), around, /\blisten\s+(?:[\d.*]+:|\[::\]:)?(\d+)/g),
    );
  return wrapped;
}

/** Timers, ports, the application's addresses. */
async function settle(code: string, around: Surroundings, listeners: RegExp): Promise<Wrapped> {
  let text = around.haste === 1 ? code : hasten(code, around.haste);
  const ports = new Map<string, number>();
  for (const [, port] of text.matchAll(listeners)) if (!ports.has(port!)) ports.set(port!, await around.freePort());
  text = text.replace(listeners, (whole, port: string) =>
    whole.replace(/(?:[\d.*]+:|\[::\]:)?\d+$/, `127.0.0.1:${ports.get(port)}`),
  );
  text = withApplications(text, around);
  return { text, port: [...ports.values()][0] ?? 0 };
}

/** Of 127.0.0.1:3000 and localhost:3000, and of the second application. */
export function withApplications(text: string, { app, second }: Surroundings): string {
  return text
    .replace(/\b(?:127\.0\.0\.1|localhost):3000\b/g, app)
    .replace(/\b(?:127\.0\.0\.1|localhost):3001\b/g, second);
}

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const HASTY_MIN_MS = 300;

/** "proxy_read_timeout 60s" → "… 1200ms": nobody waits a minute for a test. */
function hasten(text: string, haste: number): string {
  return text.replace(/^(?=.*(?:time|timeout|grace|interval)).*$/gim, (line) =>
    line.replace(/(?<![\w.:])(\d+)(ms|s|m|h)\b/g, (_, count: string, unit: string) => {
      return `${Math.max(HASTY_MIN_MS, Math.round((Number(count) * MS[unit]!) / haste))}ms`;
    }),
  );
}

/** What a snippet logs stays in the run's own folder. */
const withoutLogs = (code: string): string => code.replace(/^\s*(?:access_log|error_log)\s+\/[^;]*;/gm, "");

function nginxNames(code: string, { folder }: Surroundings): string {
  return code
    .replace(/^(\s*(?:proxy_|uwsgi_|grpc_)?ssl_certificate_key)\s+[^$;]+;/gm, `$1 ${folder}/key.pem;`)
    .replace(/^(\s*(?:proxy_|uwsgi_|grpc_)?ssl_certificate)\s+[^$;]+;/gm, `$1 ${folder}/cert.pem;`)
    .replace(/^(\s*(?:proxy_|uwsgi_|grpc_)?ssl_(?:trusted|client)_certificate)\s+[^$;]+;/gm, `$1 ${folder}/ca.pem;`)
    .replace(/^(\s*(?:ssl_dhparam|auth_basic_user_file))\s+[^;]+;/gm, "")
    .replace(/^(\s*include)\s+(?!mime\.types)[^;]*fastcgi_params;/gm, "$1 /etc/nginx/fastcgi_params;")
    .replace(/^(\s*server)\s+(?!unix:|127\.|localhost|\[)([a-z][\w.-]*)(:\d+)?/gim, "$1 127.0.0.1$3")
    .replace(/^(\s*user)\s+[^;]+;/gm, "")
    .replace(/^(\s*pid)\s+[^;]+;/gm, "");
}

/** Upstream groups that a snippet names and does not define are the application. */
function missingUpstreams(code: string): string {
  const defined = new Set(Array.from(code.matchAll(/\bupstream\s+([\w.-]+)/g), ([, name]) => name));
  const named = Array.from(
    code.matchAll(/\b(?:proxy|grpc|fastcgi|uwsgi)_pass\s+(?:[a-z]+:\/\/)?([a-z_][\w.-]*)(:\d+)?[/;]/gi),
  );
  const missing = new Set(
    named
      .filter(([, name, port]) => !defined.has(name) && name !== "localhost" && name !== "unix" && !port)
      .map(([, name]) => name),
  );
  return [...missing].map((name) => `upstream ${name} { server 127.0.0.1:3000; }`).join("\n");
}

/** A HAProxy snippet as a whole file that logs to standard output. */
export async function wrapHaproxy(code: string, around: Surroundings): Promise<Wrapped> {
  const own = (section: string) => new RegExp(`^${section}\\b`, "m").test(code);
  const named = code
    .replace(/^(\s*server\s+\S+)\s+(?!127\.|localhost|unix|\[)([a-z][\w.-]*)(:\d+)?/gim, "$1 127.0.0.1$3")
    .replace(/\bcrt\s+\S+/g, `crt ${around.folder}/both.pem`)
    .replace(/\bca-file\s+\S+/g, `ca-file ${around.folder}/ca.pem`)
    .replace(/^\s*log\s+.*$/gm, "")
    .replace(/^\s*(?:user|group|chroot|pidfile|stats socket|daemon)\b.*$/gm, "");
  const global = "global\n  log stdout format raw local0\n";
  const defaults = "  mode http\n  log global\n  option httplog\n";
  let text = own("global") ? named.replace(/^global\b.*$/m, global) : `${global}\n${named}`;
  text = own("defaults")
    ? text.replace(/^defaults\b.*$/m, (line) => `${line}\n${defaults}`)
    : text.replace(
        global,
        `${global}\ndefaults\n${defaults}  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n`,
      );
  if (!own("frontend") && !own("listen")) {
    const backend = /^backend\s+(\S+)/m.exec(code)?.[1];
    const inner = backend ? "" : `\nbackend example\n${indentLoose(named)}\n`;
    if (!backend) text = text.replace(named, inner);
    text += `\nfrontend example_in\n  bind :8080\n  default_backend ${backend ?? "example"}\n`;
  }
  return settle(`${text}\n`, around, /\bbind\s+(?:[\d.*]+:|\[::\]:|:)?(\d+)/g);
}

const indentLoose = (code: string): string => code.replace(/^(?=\S)/gm, "  ");

/** A Caddyfile snippet as a whole file: plain HTTP, no admin endpoint. */
export async function wrapCaddy(code: string, around: Surroundings): Promise<Wrapped> {
  const hasSite =
    /^(?!\s*\{)\S[^\n]*\{\s*$/m.test(code) &&
    !/^\s*(?:reverse_proxy|handle|route|header|respond|encode|tls|@\w+|file_server|handle_errors)\b/.test(code.trim());
  const hasGlobal = /^\{\s*$/m.test(code);
  const options = "{\n  admin off\n  auto_https off\n";
  const body = hasSite || hasGlobal ? code : `:8080 {\n${code}\n}`;
  const whole = hasGlobal ? body.replace(/^\{\s*$/m, options) : `${options}}\n${body}`;
  const port = await around.freePort();
  const text = whole.replace(/^(?:https?:\/\/)?(?:[\w*.-]+)?(?::\d+)?(?=[^\n]*\{\s*$)(?<=\S)/gm, (site) =>
    site === "" ? site : `http://127.0.0.1:${port}`,
  );
  return { text: withApplications(around.haste === 1 ? text : hasten(text, around.haste), around), port };
}

/** Lines of a file; none where it is not there. */
export function linesOf(folder: string, name: string): string[] {
  try {
    return readFileSync(join(folder, name), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    // A program that logged nothing made no file.
    return [];
  }
}
