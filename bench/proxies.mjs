// The proxies that are measured, each with one worker on one core, its access log on and written to a file, its
// metrics on where it has them, connections to the upstream kept alive (up to 1,024 idle ones), and otherwise as it
// comes. A proxy that is not installed is left out and named in the report.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram, openFilesMax, run } from "./processes.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const UPSTREAM_IDLE_MAX = 1024;

/**
 * @typedef {{ dir: string, upstreamPort: number, httpPort: number, httpsPort: number, adminPort: number, cert: string, key: string }} Place
 * @typedef {{ command: string, args: string[], env?: Record<string, string>, stdout?: string }} Launch
 * @typedef {{ name: string, version: () => Promise<string | null>, launch: (place: Place) => Launch }} Proxy
 */

/** @type {Proxy[]} */
export const PROXIES = [
  { name: "goodgate", version: goodgateVersion, launch: goodgate },
  { name: "goodgate-nginx", version: goodgateVersion, launch: goodgateNginx },
  { name: "nginx", version: () => versionOf("nginx", ["-v"], /nginx\/(\S+)/), launch: nginx },
  { name: "haproxy", version: () => versionOf("haproxy", ["-v"], /version (\S+)/), launch: haproxy },
  { name: "caddy", version: () => versionOf("caddy", ["version"], /v?(\d\S*)/), launch: caddy },
  peer("node-http-undici", "undici"),
  peer("http-proxy-3", "http-proxy-3"),
  peer("httpxy", "httpxy"),
  peer("fastify-http-proxy", "@fastify/http-proxy"),
];

async function versionOf(program, args, pattern) {
  const path = findProgram(program);
  if (path === null) return null;
  return pattern.exec((await run(path, args)).output)?.[1] ?? "unknown";
}

async function goodgateVersion() {
  return JSON.parse(readFileSync(join(here, "..", "package.json"), "utf8")).version;
}

function goodgate({ dir, upstreamPort, httpPort, httpsPort, adminPort, cert, key }) {
  const config = join(dir, "goodgate.yaml");
  writeFileSync(
    config,
    `listen:
  - "127.0.0.1:${httpPort}"
  - { address: "127.0.0.1:${httpsPort}", tls: { cert: ${JSON.stringify(cert)}, key: ${JSON.stringify(key)} } }
console: "127.0.0.1:${adminPort}"
workers: 1
log:
  access: { to: ${JSON.stringify(join(dir, "access.log"))}, format: json }
upstreams:
  app:
    endpoints: ["127.0.0.1:${upstreamPort}"]
    keepalive: { connections: ${UPSTREAM_IDLE_MAX} }
routes:
  - { path: /, proxy: app }
`,
  );
  return {
    command: process.execPath,
    args: [join(here, "..", "bin", "goodgate.js"), "run", config],
    stdout: join(dir, "output.log"),
  };
}

/** The nginx.conf that both nginx and goodgate-nginx run. */
function nginxConf({ dir, upstreamPort, httpPort, httpsPort, cert, key }) {
  const config = join(dir, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${join(dir, kind)};`)
    .join("\n");
  writeFileSync(
    config,
    `${process.getuid?.() === 0 ? "user root;\n" : ""}daemon off;
worker_processes 1;
worker_rlimit_nofile ${openFilesMax()};
pid ${join(dir, "nginx.pid")};
error_log ${join(dir, "error.log")};
events { worker_connections ${openFilesMax()}; }
http {
${temporary}
  access_log ${join(dir, "access.log")} combined;
  keepalive_requests 1000000;
  map $arg_key $mapped {
    default none;
${Array.from({ length: 1000 }, (_, index) => `    key${index} value${index};`).join("\n")}
  }
  upstream app { server 127.0.0.1:${upstreamPort}; keepalive ${UPSTREAM_IDLE_MAX}; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${httpPort} backlog=4096;
    listen 127.0.0.1:${httpsPort} ssl backlog=4096;
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    location = /bench-status { stub_status; }
    location /map/ {
      proxy_pass http://app/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Mapped $mapped;
    }
    location /patterns/ {
${Array.from({ length: 50 }, (_, index) => `      location ~ ^/patterns/app${index}/(\\d+)/[a-z]+$ { return 404; }`).join("\n")}
      location ~ ^/patterns/(\\w+)$ {
        proxy_pass http://app/$1;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
  );
  return config;
}

function goodgateNginx(place) {
  const config = nginxConf(place);
  return {
    command: process.execPath,
    args: [
      join(here, "..", "bin", "goodgate-nginx.js"),
      "-p",
      place.dir,
      "-c",
      config,
      "-e",
      join(place.dir, "error.log"),
    ],
    env: { GOODGATE_HINTS: "0" },
    stdout: join(place.dir, "output.log"),
  };
}

function nginx(place) {
  const { dir } = place;
  const config = nginxConf(place);
  return {
    command: findProgram("nginx"),
    args: ["-p", dir, "-c", config, "-e", join(dir, "error.log")],
    stdout: join(dir, "output.log"),
  };
}

function haproxy({ dir, upstreamPort, httpPort, httpsPort, adminPort, cert, key }) {
  const config = join(dir, "haproxy.cfg");
  const pem = join(dir, "both.pem");
  writeFileSync(pem, readFileSync(cert, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  writeFileSync(
    config,
    `global
  log stdout format raw local0
  nbthread 1
  maxconn ${Math.floor((openFilesMax() - 200) / 2)}
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  timeout http-keep-alive 75s
frontend web
  bind 127.0.0.1:${httpPort} backlog 4096
  bind 127.0.0.1:${httpsPort} backlog 4096 ssl crt ${pem}
  default_backend app
backend app
  server one 127.0.0.1:${upstreamPort}
frontend metrics
  bind 127.0.0.1:${adminPort}
  stats enable
  no log
`,
  );
  return { command: findProgram("haproxy"), args: ["-db", "-f", config], stdout: join(dir, "access.log") };
}

function caddy({ dir, upstreamPort, httpPort, httpsPort, adminPort, cert, key }) {
  const config = join(dir, "Caddyfile");
  const site = `log {
    output file ${join(dir, "access.log")}
    format json
  }
  reverse_proxy 127.0.0.1:${upstreamPort} {
    transport http {
      keepalive_idle_conns ${UPSTREAM_IDLE_MAX}
      keepalive_idle_conns_per_host ${UPSTREAM_IDLE_MAX}
    }
  }`;
  writeFileSync(
    config,
    `{
  admin 127.0.0.1:${adminPort}
  auto_https off
  default_bind 127.0.0.1
  servers {
    metrics
    protocols h1 h2
  }
}
http://127.0.0.1:${httpPort} {
  ${site}
}
https://127.0.0.1:${httpsPort} {
  tls ${cert} ${key}
  ${site}
}
`,
  );
  return {
    command: findProgram("caddy"),
    args: ["run", "--config", config, "--adapter", "caddyfile"],
    env: { GOMAXPROCS: "1", HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    stdout: join(dir, "output.log"),
  };
}

/** An npm package behind a script of peers/. */
function peer(script, packageName) {
  return {
    name: script,
    version: async () => packageVersion(packageName),
    launch: ({ dir, upstreamPort, httpPort, httpsPort, cert, key }) => ({
      command: process.execPath,
      args: [
        join(here, "peers", `${script}.mjs`),
        ...[upstreamPort, httpPort, httpsPort, cert, key, join(dir, "access.log")].map(String),
      ],
      env: { NODE_ENV: "production" },
      stdout: join(dir, "output.log"),
    }),
  };
}

function packageVersion(name) {
  try {
    const require = createRequire(import.meta.url);
    const folder = require.resolve.paths(name)?.[0] ?? "";
    return JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")).version;
  } catch {
    return null; // bench/node_modules is not installed.
  }
}
