// What a pattern says of a trouble, and the words that patterns share. A pattern is a pure function: facts in, a
// candidate or null out. `weight` orders candidates: how specific the story is, and how much of it was seen. Rules:
// "proven" only for what evidence shows by itself (a certificate that was read, a connection that was cut and then
// refused); a reason that was not seen (a deploy, a database) is at most "likely", and from a handful of failures
// "possible".
import type { CauseId } from "../../failure/causes.ts";
import { span } from "../../failure/words.ts";
import type { Facts, Part } from "../facts.ts";
import { count } from "../facts.ts";
import type { Confidence, Step } from "../model.ts";

/** A verdict that competes. */
export interface Candidate {
  readonly pattern: string;
  /** Entry of the reference. */
  readonly entry: CauseId;
  readonly confidence: Confidence;
  readonly weight: number;
  readonly sentence: string;
  readonly short: string;
  readonly reasons: readonly string[];
  readonly settle: readonly Step[];
  readonly fixes: readonly Step[];
  readonly alternatives?: readonly { readonly text: string; readonly why: string }[];
  /** What speaks against it where another is chosen. */
  readonly against?: string;
}

export type Pattern = (facts: Facts) => Candidate | null;

/** Reasons, those that apply. */
export function reasonsOf(...reasons: readonly (string | false | null | undefined | "")[]): string[] {
  return reasons.filter((reason): reason is string => typeof reason === "string" && reason !== "");
}

/** Steps, those that apply. */
export function stepsOf(...steps: readonly (Step | false | null | undefined)[]): Step[] {
  return steps.filter((step): step is Step => typeof step === "object" && step !== null);
}

/** "refuses" while it lasts, "refused" afterwards. */
export const verb = (facts: Facts, present: string, past: string): string => (facts.over ? past : present);

const PLURALS: Readonly<Record<string, string>> = {
  is: "are",
  has: "have",
  does: "do",
  goes: "go",
  "fails its checks": "fail their checks",
  "refuses connections": "refuse connections",
  "does not answer": "do not answer",
  "ends the connection": "end the connection",
};

/** As verb, where the endpoints of the trouble are who does it: one "sends", two "send". */
export function they(facts: Facts, present: string, past: string): string {
  if (facts.over || facts.parts.length < 2) return verb(facts, present, past);
  return PLURALS[present] ?? present.replace(/s$/, "");
}

/** "48 failures with ECONNREFUSED". */
export function errnoReason(facts: Facts, ...causes: readonly CauseId[]): string {
  const top = facts.merged("errnos", ...causes).top(2);
  return top.map(([code, number]) => `${count(number, "attempt")} ended with ${code}`).join(", ");
}

/** A command to look with. */
export const shell = (text: string, code: string): Step => ({ text, code, language: "shell" });

/** Whether a port is listened on, on the host of an endpoint. */
export function listening(part: Part): Step {
  if (isSocket(part)) {
    const path = part.address.slice("unix:".length);
    return shell("See whether something listens on the socket:", `ss -lxp | grep ${quoted(path)}`);
  }
  const where = part.host || part.label;
  return part.port === null
    ? shell(`On ${where}: what listens there?`, "ss -ltnp")
    : shell(`On ${where}: does anything listen on port ${part.port}?`, `ss -ltnp 'sport = :${part.port}'`);
}

/** Whether connections wait to be taken, on the host of an endpoint. */
export function backlog(part: Part | undefined): Step {
  const of = part === undefined || part.port === null ? "" : ` 'sport = :${part.port}'`;
  return shell(
    `On ${part?.host || "its host"}: do connections wait to be taken (Recv-Q above 0), is the CPU busy?`,
    `ss -ltn${of}; uptime`,
  );
}

/** What a process that does not answer is doing. */
export function whatItDoes(part: Part | undefined): Step | null {
  if (part === undefined || part.port === null) return null;
  return shell(
    `On ${part.host || part.label}: its state (T = stopped by a signal, D = waits for a disk or network file system):`,
    `ps -o pid,stat,wchan:24,etime,args -p "$(ss -ltnpH 'sport = :${part.port}' | grep -o 'pid=[0-9]*' | cut -d= -f2 | paste -sd,)"`,
  );
}

/** What to do with a process that is frozen. */
export const FROZEN: Step = {
  text: "Take a stack dump before it is restarted (py-spy dump for Python, jstack or kill -3 for Java, kill -USR1 and the inspector for Node): it shows a deadlock, a full thread pool or a long garbage collection. State T ends with kill -CONT.",
};

/** Whether an endpoint is a Unix socket. */
export const isSocket = (part: Part): boolean => part.address.startsWith("unix:");

/** The application's log at the time. */
export function journal(facts: Facts, part: Part | undefined): Step {
  const from = new Date(facts.firstAt - 30_000).toISOString().replace("T", " ").slice(0, 19);
  const where = part === undefined ? "Where the application runs" : `On ${part.host || part.label}`;
  return shell(
    `${where}: its log just before ${facts.timeOf(facts.firstAt)} (the unit's name may differ):`,
    `journalctl -u ${word(facts.upstream) || "app"} --since '${from} UTC' -n 100`,
  );
}

/** The same request straight at an endpoint. */
export function direct(facts: Facts, part: Part | undefined, path = "/"): Step | null {
  if (part === undefined || isSocket(part)) return null;
  const scheme = facts.setting?.tls ? "https" : "http";
  const host = facts.trouble.hosts.top(1)[0]?.[0] ?? "";
  const name = host === "" ? "" : `-H ${quoted(`Host: ${host}`)} `;
  return shell(
    "The same request straight at the endpoint:",
    `curl -sS -o /dev/null -w '%{http_code} %{time_starttransfer}s\\n' ${name}${quoted(`${scheme}://${part.address}${path}`)}`,
  );
}

/** goodgate doctor on an endpoint. */
export function doctor(facts: Facts, part: Part | undefined): Step | null {
  const host = facts.trouble.hosts.top(1)[0]?.[0];
  if (part === undefined || isSocket(part)) return null;
  const scheme = facts.setting?.tls ? "https" : "http";
  return shell(
    "Let doctor look layer by layer:",
    `goodgate doctor ${quoted(`${scheme}://${host ?? part.address}/`)} --origin ${quoted(part.address)}`,
  );
}

/** A word for a shell, quoted where it must be: labels, hosts and paths come from requests and files. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

const word = (text: string): string => (/^[\w@.-]+$/.test(text) ? text : "");

/** Settings of an upstream by their path, and nginx's word for them. */
const NGINX: Readonly<Record<string, (value: string) => string>> = {
  "timeouts.connect": (value) => `proxy_connect_timeout ${value};`,
  "timeouts.head": (value) => `proxy_read_timeout ${value};`,
  "timeouts.idle-body": (value) => `proxy_read_timeout ${value};`,
  "keepalive.idle": (value) => `keepalive_timeout ${value};  # in upstream {}`,
  "limits.head": (value) => `proxy_buffer_size ${value};`,
};

/** A setting of the upstream, in the words of the file that runs. */
export function setting(facts: Facts, text: string, key: string, value: string): Step {
  const nginx = NGINX[key];
  if (facts.around.setting.language === "nginx" && nginx !== undefined) {
    return { text, code: nginx(value), language: "nginx" };
  }
  const [outer, inner] = key.split(".") as [string, string];
  const name = /^[\w-]+$/.test(facts.upstream) ? facts.upstream : JSON.stringify(facts.upstream);
  return { text, code: `upstreams:\n  ${name}:\n    ${outer}: { ${inner}: ${value} }`, language: "yaml" };
}

/** "30s", "1500ms": as configuration writes it. */
export function duration(ms: number): string {
  return ms >= 1000 && ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`;
}

export { count, span };
