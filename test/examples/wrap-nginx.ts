// An nginx snippet as a whole configuration: each of its outermost directives goes to the level where it belongs.
import { hasten, portsFor, type Surroundings, tlsFiles, type Wrapped, withApplications } from "./surroundings.ts";

const HTTP_ONLY =
  /^(?:server|upstream|map|geo|split_clients|types|log_format|limit_(?:req|conn)_zone|\w+_cache_path|\w+_hash_\w+)$/;
const MAIN_ONLY = /^(?:events|http|stream|mail|env|load_module|thread_pool|working_directory|worker_\w+|pcre_jit)$/;
const SERVER_ONLY =
  /^(?:location|listen|server_name|ssl_\w+|merge_slashes|client_header_\w+|large_client_header_buffers)$/;
const LOCATION_ONLY = /^(?:\w+_pass|alias|internal|limit_except|empty_gif|stub_status|try_files|if|return)$/;
/** Set here. */
const OWN = /^(?:user|pid|daemon|master_process|worker_processes|lock_file)$/;

/** The snippet with everything around it that nginx needs. */
export async function wrapNginx(code: string, around: Surroundings): Promise<Wrapped> {
  const { folder } = around;
  const statements = statementsOf(named(code, around)).filter(({ name }) => !OWN.test(name));
  const levels = sort(statements);
  const logs = `error_log ${folder}/error.log info;`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(" ");
  const setUp = `access_log ${folder}/access.log; ${temporary}`;
  const ownListen = levels.server.some(({ name }) => name === "listen") ? "" : "listen 80;\n";
  const http = textOf(levels.http);
  const inner = [
    missingUpstreams(code),
    http,
    levels.server.length + levels.location.length > 0 || !/\bserver\s*\{/.test(http)
      ? `server {\n${ownListen}${textOf(levels.server)}\n${inLocation(textOf(levels.location))}\n}`
      : "",
  ].join("\n");
  const main = textOf(levels.main);
  const whole = /^\s*http\b/m.test(main)
    ? main.replace(/\bhttp\s*\{/, (open) => `${open}\n${setUp}\n`)
    : `${main}\nhttp {\n${setUp}\n${inner}\n}`;
  const events = /^\s*events\b/m.test(main) ? "" : "events {}\n";
  // The workers of root's nginx are somebody else's, who may not look into the folder.
  const user = process.getuid?.() === 0 ? "user root; " : "";
  return settle(`${user}daemon off; worker_processes 1; pid ${folder}/nginx.pid; ${logs}\n${events}${whole}\n`, around);
}

interface Statement {
  readonly name: string;
  readonly text: string;
}

interface Levels {
  readonly main: readonly Statement[];
  readonly http: readonly Statement[];
  readonly server: readonly Statement[];
  readonly location: readonly Statement[];
}

function sort(statements: readonly Statement[]): Levels {
  const has = (pattern: RegExp) => statements.some(({ name }) => pattern.test(name));
  const hasHttp = has(/^http$/);
  const hasServer = has(/^server$/);
  const hasPass = has(LOCATION_ONLY);
  const levelOf = ({ name }: Statement): keyof Levels => {
    if (hasHttp || MAIN_ONLY.test(name)) return "main";
    if (hasServer || HTTP_ONLY.test(name)) return "http";
    return hasPass && !SERVER_ONLY.test(name) ? "location" : "server";
  };
  const at = (level: keyof Levels) => statements.filter((each) => levelOf(each) === level);
  return { main: at("main"), http: at("http"), server: at("server"), location: at("location") };
}

const textOf = (statements: readonly Statement[]): string => statements.map(({ text }) => text).join("\n");
const inLocation = (text: string): string => (text === "" ? "" : `location / {\n${text}\n}`);

const TOKEN = /#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\$\{\w+\}|\\.|[{};]|[^\s{};"'#$\\]+|\$|\s+/g;

/** The outermost directives, blocks with what is in them; what ends in neither ; nor } comes last, for nginx to refuse. */
function statementsOf(code: string): Statement[] {
  const statements: Statement[] = [];
  let depth = 0;
  let text = "";
  const take = () => {
    const name = /^[^\s{;]+/.exec(text.trim())?.[0];
    if (name !== undefined) statements.push({ name, text: text.trim() });
    text = "";
  };
  for (const [token] of code.matchAll(TOKEN)) {
    if (token.startsWith("#")) continue;
    text += token;
    if (token === "{") depth++;
    if (token === "}") depth--;
    if (depth === 0 && (token === ";" || token === "}")) take();
  }
  take();
  return statements;
}

const HOST_DIRECTIVE = /(?<![\w$-])(server\s+)(?!unix:|127\.|localhost\b|\[)[a-z][\w.-]*(?=[:;\s])/gi;

/** Files and names that this machine does not have become ones that it has. */
function named(code: string, { folder }: Surroundings): string {
  const files = tlsFiles(folder);
  const to = (file: string) => (_: string, directive: string) => `${directive} ${file};`;
  return code
    .replace(/\b((?:\w+_)?ssl_certificate_key)\s+[^$;]+;/g, to(files.key))
    .replace(/\b((?:\w+_)?ssl_certificate)\s+[^$;]+;/g, to(files.cert))
    .replace(/\b((?:\w+_)?ssl_(?:trusted|client)_certificate)\s+[^$;]+;/g, to(files.ca))
    .replace(/\b((?:access|error)_log)\s+\/\S*?(?=[\s;])/g, (_, directive: string) => {
      return `${directive} ${folder}/${directive.replace("_log", ".log")}`;
    })
    .replace(/\b(proxy_cache_path)\s+\S+/g, `$1 ${folder}/cache`)
    .replace(/\b(include)\s+[^;]*\b(fastcgi_params|uwsgi_params|scgi_params|mime\.types);/g, "$1 /etc/nginx/$2;")
    .replace(/\b(auth_basic_user_file)\s+[^;]+;/g, `$1 ${folder}/users;`)
    .replace(/^[ \t]*listen\s+\[::\]:[^;]*;/gm, "")
    .replace(HOST_DIRECTIVE, "$1127.0.0.1")
    .replace(/\b(\w+_pass\s+\w+:\/\/)(?!localhost\b)[a-z][\w.-]*(?=:\d)/gi, "$1127.0.0.1");
}

/** Upstream groups that a snippet names and does not define are the application. */
function missingUpstreams(code: string): string {
  const defined = new Set(Array.from(code.matchAll(/\bupstream\s+([\w.-]+)/g), ([, name]) => name));
  const named = Array.from(code.matchAll(/\b\w+_pass\s+(?:\w+:\/\/)?([a-z_][\w.-]*)(?=[/;])/gi), ([, name]) => name!);
  const missing = new Set(named.filter((name) => !defined.has(name) && name !== "localhost"));
  return [...missing].map((name) => `upstream ${name} { server 127.0.0.1:3000; }`).join("\n");
}

const LISTEN = /\b(listen\s+)(?:[\d.*]+:)?(\d+)(?=[\s;])/g;

async function settle(code: string, around: Surroundings): Promise<Wrapped> {
  const ports = await portsFor(
    Array.from(code.matchAll(LISTEN), ([, , port]) => port!),
    around,
  );
  const text = hasten(code, /(?<![\w$-])(\w*timeout\s+)(\d+)(ms|s|m|h)?\b/g, "s", around).replace(
    LISTEN,
    (_, directive: string, port: string) => `${directive}127.0.0.1:${ports.get(port)}`,
  );
  return { text: withApplications(text, around), port: [...ports.values()][0] ?? 0 };
}
