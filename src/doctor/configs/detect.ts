// Which program a configuration is for, from what is in it; the name decides only where the text says nothing, since
// people rename and copy. Program sources are the exception: they may hold any text, so their extension comes first.
// Signs are looked for without parsing, so that a file with a mistake in its language is still known for what it is.
import type { ConfigKind } from "./model.ts";

/** Signs are looked for in the beginning of a file only. */
const LOOKED_AT_MAX = 2 * 1024 * 1024;

/** The kind of a configuration; null = none that is known. */
export function kindOfConfig(file: string, content: string): ConfigKind | null {
  const text = content.slice(0, LOOKED_AT_MAX).replace(/^\ufeff/, "");
  const name = file.slice(file.lastIndexOf("/") + 1).toLowerCase();
  if (/^(?:.*\.)?(?:dockerfile|containerfile)(?:\..*)?$/.test(name) || DOCKERFILE.test(text.slice(0, 20_000)))
    return "dockerfile";
  if (/\.(?:[mc]?js|[mc]?ts|jsx|tsx)$/.test(name)) return "node-source";
  return kindOfText(text) ?? kindOfName(name, text);
}

function kindOfText(text: string): ConfigKind | null {
  if (isMarkdown(text)) return null;
  if (/^\s*\{\s*(?:"|\})/.test(text)) return kindOfJson(text);
  return (
    // First: a ConfigMap holds files of other programs, indented.
    kindOfYaml(text) ??
    kindOfNginx(text) ??
    kindOfHaproxy(text) ??
    kindOfApache(text) ??
    kindOfToml(text) ??
    kindOfCaddyfile(text) ??
    kindOfSource(text)
  );
}

function kindOfNginx(text: string): ConfigKind | null {
  const block =
    /^[ \t]*(?:(?:http|events|server|stream|types)|upstream[ \t]+[^\s;{]+|location[ \t]+[^;\n]*?|map[ \t]+\S+[ \t]+\S+|geo[ \t]+[^;\n]*?)\s*\{/m;
  // One line: "events {} http { server { … } }".
  const inline = /\b(?:http|server|events)\s*\{[^{}]*(?:\{[^{}]*)*;/;
  if ((block.test(text) && text.includes(";")) || inline.test(text.slice(0, 10_000))) return "nginx";
  const own =
    /^[ \t]*(?:(?:proxy|fastcgi|uwsgi|scgi|grpc|ssl|client|keepalive|real|gzip|add)_[a-z_]+|include|listen|resolver)[ \t]+[^;\n=]*;/m;
  return own.test(text) && !looksLikeProgram(text) ? "nginx" : null;
}

const SECTION = /^(?:global|defaults|(?:frontend|backend|listen)[ \t]+[\w.:-]+)(?:[ \t]+[^{;\n]*)?$/m;

function kindOfHaproxy(text: string): ConfigKind | null {
  if (!SECTION.test(text)) return null;
  const inside =
    /^[ \t]+(?:mode|bind|server|server-template|timeout|balance|option|default_backend|use_backend|log|maxconn|acl|stats|daemon|user|group|chroot|http-request|default-server|errorfile)\b[^;{\n]*$/m;
  const outside =
    /^(?:mode|bind|server|timeout|balance|option|default_backend|use_backend|log|maxconn)[ \t]+[^;{\n]+$/m;
  return inside.test(text) || outside.test(text) || /^(?:defaults|global)\s*$/m.test(text) ? "haproxy" : null;
}

function kindOfApache(text: string): ConfigKind | null {
  const section =
    /^[ \t]*<(?:VirtualHost|Location|LocationMatch|Proxy|ProxyMatch|Directory|DirectoryMatch|IfModule|IfDefine|IfVersion|Files|FilesMatch|Macro)\b[^>\n]*>/im;
  const directive =
    /^[ \t]*(?:ProxyPass|ProxyPassMatch|ProxyPassReverse|ProxyPreserveHost|ProxyTimeout|ServerRoot|LoadModule|DocumentRoot|ServerName|SSLProxyEngine|BalancerMember|RewriteRule|RewriteEngine|IncludeOptional|ErrorLog)[ \t]+[^;{\n]*$/im;
  return section.test(text) || directive.test(text) ? "apache" : null;
}

function kindOfToml(text: string): ConfigKind | null {
  const section =
    /^[ \t]*\[\[?(?:entryPoints|providers|certificatesResolvers|serversTransport|(?:http|tcp|udp)\.(?:routers|services|middlewares|serversTransports)|(?:http|tcp|udp)\]|frontends|backends)[\w.@"'\- ]*\]?\]?/im;
  return section.test(text) ? "traefik" : null;
}

function kindOfYaml(text: string): ConfigKind | null {
  return isYamlShaped(text) ? kindOfKeys(yamlKeys(text), text) : null;
}

/** Documents cite configurations of any kind. */
function isMarkdown(text: string): boolean {
  return (text.match(/^(?:```|~~~)/gm)?.length ?? 0) >= 2;
}

/** Nearly every line that begins at the margin begins as lines of YAML do; a few may be mistakes. */
function isYamlShaped(text: string): boolean {
  const lines = text.split("\n").filter((line) => /^[^\s#]/.test(line));
  const fitting = lines.filter((line) =>
    /^(?:---|\.\.\.|-(?:\s|$)|["']?[\w.*/~$-][^:{;]*:(?:\s|$)|[\]}]|\{\{|%|\t)/.test(line),
  );
  return fitting.length > 0 && fitting.length * 10 >= lines.length * 7;
}

/** Keys that stand at the beginning of a line, of all documents. */
function yamlKeys(text: string): ReadonlySet<string> {
  return new Set(
    [...text.matchAll(/^["']?([A-Za-z_][\w.-]*)["']?[ \t]*:(?:[ \t]|\r?$)/gm)].map(([, key]) => key ?? ""),
  );
}

function kindOfJson(text: string): ConfigKind | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // With a mistake in it: by all of its keys. Comments and commas too many are common in JSON of YAML readers.
    return kindOfKeys(new Set([...text.matchAll(/"([\w.-]+)"[ \t]*:/g)].map(([, key]) => key ?? "")), text);
  }
  return typeof value === "object" && value !== null ? kindOfKeys(new Set(Object.keys(value)), text) : null;
}

const COMPOSE_KEYS = /^(?:services|version|volumes|networks|configs|secrets|name|include|models|x-.*)$/;
const GOODGATE_KEYS = ["listen", "routes", "upstreams", "servers", "upstream"];

function kindOfKeys(keys: ReadonlySet<string>, text: string): ConfigKind | null {
  const has = (...names: readonly string[]) => names.some((name) => keys.has(name));
  if (has("apiVersion") && has("kind")) return "kubernetes";
  if (has("static_resources", "dynamic_resources", "layered_runtime") || /type\.googleapis\.com\/envoy\./.test(text))
    return "envoy";
  if (isCaddyJson(keys, text)) return "caddy-json";
  if (isTraefik(keys, text)) return "traefik";
  if (has("scripts", "dependencies", "devDependencies", "engines", "private") && /^\s*\{/.test(text))
    return "package-json";
  if (has("services") && [...keys].every((key) => COMPOSE_KEYS.test(key))) return "compose";
  if (has(...GOODGATE_KEYS)) return "goodgate";
  if (has("services") && /^[ \t]+(?:image|build|command|ports|depends_on)[ \t]*:/m.test(text)) return "compose";
  return null;
}

function isCaddyJson(keys: ReadonlySet<string>, text: string): boolean {
  return keys.has("apps") && /"(?:http|tls|pki|layer4)"\s*:/.test(text) && /^\s*\{/.test(text);
}

function isTraefik(keys: ReadonlySet<string>, text: string): boolean {
  if (["entryPoints", "entrypoints", "certificatesResolvers", "serversTransport"].some((key) => keys.has(key)))
    return true;
  if (
    keys.has("providers") &&
    /^["']?providers["']?:\s*\n\s+(?:docker|file|kubernetes\w*|swarm|consul\w*|etcd|redis|http|ecs|nomad)\b/m.test(text)
  )
    return true;
  const dynamic =
    /^["']?(?:http|tcp|udp)["']?[ \t]*:[ \t]*\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]+["']?(?:routers|services|middlewares|serversTransports)["']?[ \t]*:/m;
  return (
    dynamic.test(text) || (/^\s*\{\s*"(?:http|tcp|udp)"\s*:/.test(text) && /"(?:routers|services)"\s*:/.test(text))
  );
}

function kindOfCaddyfile(text: string): ConfigKind | null {
  if (looksLikeProgram(text)) return null;
  const directive =
    /^[ \t]*(?:(?:reverse_proxy|php_fastcgi|file_server|handle_path|handle_errors|encode|respond|redir|rewrite|basic_auth|basicauth)(?:[ \t]+[^;=\n]*)?|handle[ \t]+\S[^;\n]*\{|tls[ \t]+[^;:=\n]+|root[ \t]+\*[ \t]+[^;\n]+)[ \t]*\r?$/m;
  const site =
    /^(?:https?:\/\/)?(?:\*\.)?(?:[\w-]+(?:\.[\w-]+)+|localhost|\{\$\w+(?::[^}]*)?\}|\([\w.-]+\))?(?::\d{1,5})?(?:,?[ \t]+\S+)*[ \t]*\{[ \t]*\r?$/m;
  if (directive.test(text) && (site.test(text) || /^\S+[ \t]*\r?$/m.test(text))) return "caddyfile";
  const options =
    /^\{[ \t]*\r?\n[ \t]*(?:email|debug|admin|acme_ca|http_port|https_port|servers|order|auto_https|log|on_demand_tls|local_certs|storage|grace_period)\b/m;
  return options.test(text) ? "caddyfile" : null;
}

/** JavaScript and its kin. */
function looksLikeProgram(text: string): boolean {
  return /^[ \t]*(?:import\b[^;\n]*\bfrom\b[ \t]*["']|import[ \t]+["']|export[ \t]+(?:default|const|function|class)\b|(?:const|let|var)[ \t]+[\w${},\s]+=|(?:async[ \t]+)?function\b|["']use strict["'])/m.test(
    text,
  );
}

function kindOfSource(text: string): ConfigKind | null {
  if (!looksLikeProgram(text)) return null;
  return /\brequire\s*\(|\bcreateServer\s*\(|\bimport\b[^;\n]*\bfrom\b|\.listen\s*\(/.test(text) ? "node-source" : null;
}

const NAMES: readonly (readonly [RegExp, ConfigKind])[] = [
  [/^nginx.*\.conf$/, "nginx"],
  [/^haproxy.*\.(?:cfg|conf)$/, "haproxy"],
  [/caddyfile$|\.caddy(?:file)?$/, "caddyfile"],
  [/^(?:httpd|apache2?).*\.conf$/, "apache"],
  [/^traefik.*\.(?:ya?ml|toml)$/, "traefik"],
  [/^envoy.*\.(?:ya?ml|json)$/, "envoy"],
  [/^(?:docker-)?compose.*\.ya?ml$/, "compose"],
  [/^goodgate.*\.ya?ml$/, "goodgate"],
  [/^package\.json$/, "package-json"],
];

function kindOfName(name: string, text: string): ConfigKind | null {
  // What is plainly something else is not what its name says.
  if (whatItLooksLike(text) !== null) return null;
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** Comments and arguments come before its FROM. */
const DOCKERFILE =
  /^(?:[ \t]*(?:#[^\n]*|ARG[ \t][^\n]*)?\r?\n){0,200}[ \t]*FROM[ \t]+\S+[^\n]*\n[\s\S]*?\n[ \t]*(?:RUN|CMD|COPY|ENTRYPOINT|EXPOSE|ADD)\b/i;

const LOOKS: readonly (readonly [RegExp, string])[] = [
  [/^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/^\s*-----BEGIN [A-Z ]*CERTIFICATE/, "a certificate"],
  [/^\s*<(?:!doctype html|html)\b/i, "an HTML page"],
  [/^\s*<\?xml\b/, "XML"],
  [/^#![^\n]*\b(?:sh|bash|zsh|python3?|perl|ruby)\b/, "a script"],
  [/^(?:```|~~~)[\s\S]*^(?:```|~~~)/m, "a Markdown document"],
  [/^\[(?:Unit|Service|Socket|Timer)\]/m, "a systemd unit"],
  [
    /^(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|\w{3} [ \d]\d \d\d:\d\d:\d\d |\S+ \S+ \S+ \[\d\d\/\w{3}\/\d{4}:)/m,
    "a log (logs go to --log)",
  ],
  [/^[ \t]*vcl[ \t]+\d|^[ \t]*(?:sub[ \t]+vcl_\w+|backend[ \t]+\w+)\s*\{/m, "Varnish VCL"],
];

/** "a certificate"; null = nothing that is known either. */
export function whatItLooksLike(text: string): string | null {
  const head = text.slice(0, 20_000);
  const looks = LOOKS.find(([pattern]) => pattern.test(head))?.[1];
  if (looks !== undefined) return looks;
  const lines = head.split("\n").filter((line) => /^[^#]*\S/.test(line));
  const settings = lines.filter((line) => /^(?:export[ \t]+)?[A-Z][A-Z0-9_]*=/.test(line)).length;
  return settings > 0 && settings >= lines.length - 1 ? "a file of environment variables" : null;
}

/** The kinds that are read, for messages. */
export const KINDS_READ =
  "nginx, HAProxy, Caddy (Caddyfile or JSON), Traefik, Envoy, Apache httpd, docker-compose, Kubernetes, goodgate.yaml, Node.js sources, package.json and Dockerfile";
