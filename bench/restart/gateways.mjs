// The gateways, each configured as its experts write it for an application that restarts, one worker or thread each.
// goodgate: nothing but its defaults. nginx: kept-alive connections, next upstream on errors and timeouts, which it
// does for idempotent methods only; max_fails=1 and fail_timeout=10s are its defaults, which take all endpoints out
// where they restart within 10 s, so it is measured without them as well (nginx-max-fails-0). HAProxy: active checks, three retries,
// each at another server where there is one, also where a server closed without an answer, but not of a POST then.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { accepts, findProgram, freePort, openFilesMax, run, start } from "../processes.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export const PEERS = ["goodgate", "nginx", "nginx-max-fails-0", "haproxy"];
/**
 * Upstreams by name, each with the addresses of its endpoints. Requests for /NAME/ go there; all others to "".
 * @typedef {Record<string, string[]>} Upstreams
 */

const CONFIGURE = {
  goodgate,
  nginx: (place) => nginx(place, ""),
  "nginx-max-fails-0": (place) => nginx(place, " max_fails=0"),
  haproxy,
};

/** Version of a gateway; null where it is not installed. */
export async function versionOf(peer) {
  if (peer === "goodgate") return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  const program = findProgram(peer.split("-")[0]);
  return program === null ? null : /[\d.]+\d/.exec((await run(program, ["-v"])).output)[0];
}

/**
 * Starts a gateway in front of `upstreams`; throws where it does not come up.
 * @param {string} peer
 * @param {Upstreams} upstreams
 */
export async function launch(peer, upstreams, dir) {
  const [port, consolePort] = [await freePort(), await freePort()];
  const files = {
    config: join(dir, `${peer}.conf`),
    accessLog: join(dir, "access.log"),
    errors: join(dir, "errors.log"),
  };
  const { config, command, args, log } = CONFIGURE[peer]({ port, consolePort, upstreams, dir, files });
  writeFileSync(files.config, config);
  const child = start({ command, args, cwd: dir, stdout: log ?? join(dir, "output.log"), stderr: files.errors });
  if (!(await accepts(port, child))) throw new Error(`${peer} does not start: ${readFileSync(files.errors, "utf8")}`);
  return {
    peer,
    child,
    port,
    consolePort,
    config: config.replaceAll(dir, "DIR"),
    accessLog: files.accessLog,
    ownLog: files.errors,
  };
}

function goodgate({ port, consolePort, upstreams, files }) {
  const names = Object.keys(upstreams);
  const config = `listen: ["127.0.0.1:${port}"]
console: "127.0.0.1:${consolePort}"
workers: 1
log:
  access: { to: ${JSON.stringify(files.accessLog)}, format: json }
upstreams:
${names.map((name) => `  ${name || "app"}:\n    endpoints: ${JSON.stringify(upstreams[name])}`).join("\n")}
routes:
${names.map((name) => `  - { path: ${name === "" ? "/" : `/${name}/*`}, proxy: ${name || "app"} }`).join("\n")}
`;
  return { config, command: process.execPath, args: [join(root, "bin", "goodgate.js"), "run", files.config] };
}

function nginx({ port, upstreams, dir, files }, parameters) {
  const names = Object.keys(upstreams);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${join(dir, kind)};`)
    .join("\n");
  const config = `${process.getuid?.() === 0 ? "user root;\n" : ""}daemon off;
worker_processes 1;
worker_rlimit_nofile ${openFilesMax()};
pid ${join(dir, "nginx.pid")};
error_log ${join(dir, "error.log")};
events { worker_connections 4096; }
http {
${temporary}
  log_format tries '{"requestId":"$http_x_request_id","status":$status,"upstream":"$upstream_addr","statuses":"$upstream_status"}';
  access_log ${files.accessLog} tries;
  client_max_body_size 100m;
  keepalive_requests 100000;
${names.map((name) => nginxUpstream(name, upstreams[name], parameters)).join("\n")}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_connect_timeout 5s;
    proxy_next_upstream error timeout;
${names.map((name) => `    location /${name === "" ? "" : `${name}/`} { proxy_pass http://${name || "app"}; }`).join("\n")}
  }
}
`;
  const args = ["-p", dir, "-c", files.config, "-e", join(dir, "error.log")];
  return { config, command: findProgram("nginx"), args };
}

function nginxUpstream(name, addresses, parameters) {
  const servers = addresses.map((address) => `server ${address}${parameters};`).join(" ");
  return `  upstream ${name || "app"} { ${servers} keepalive 64; keepalive_timeout 60s; keepalive_requests 100000; }`;
}

function haproxy({ port, upstreams, files }) {
  const names = Object.keys(upstreams);
  const config = `global
  log stdout format raw local0
  nbthread 1
  maxconn 4096
defaults
  mode http
  log global
  option httplog
  option forwardfor
  option redispatch 1
  no option httpclose
  retries 3
  retry-on conn-failure empty-response
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 30s
  timeout http-keep-alive 60s
frontend web
  bind 127.0.0.1:${port} backlog 4096
  http-request disable-l7-retry if METH_POST
${names.map((name) => (name === "" ? "  default_backend app" : `  use_backend ${name} if { path_beg /${name}/ }`)).join("\n")}
${names.map((name) => haproxyBackend(name, upstreams[name])).join("\n")}
`;
  return { config, command: findProgram("haproxy"), args: ["-db", "-f", files.config], log: files.accessLog };
}

function haproxyBackend(name, addresses) {
  const servers = addresses.map((address, index) => `  server s${index} ${address} check inter 2s`).join("\n");
  return `backend ${name || "app"}
  balance roundrobin
  option httpchk GET /healthz
${servers}`;
}
