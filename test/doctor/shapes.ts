// Configurations that most cases share, as their users write them, and what of a chain doctor is told.
import { mkdirSync } from "node:fs";
import type { RequestListener } from "node:http";
import { certificates } from "../../src/lab/faults-listen.ts";
import type { Asked } from "./case.ts";
import { type Chain, hello, type Place } from "./chain.ts";
import type { Edge } from "./programs.ts";

/** Idle connections are watched to the end of it; a case that needs longer says so behind it. */
const TIMEOUT = ["--timeout", process.env["DOCTOR_LAB_TIMEOUT"] ?? "3s"];

export interface Told {
  readonly scheme?: "http" | "https";
  readonly path?: string;
  readonly host?: string;
  /** Whose configurations and logs are handed over; the edge's, where only true is said. */
  readonly config?: true | readonly Edge[];
  readonly log?: true | readonly Edge[];
  readonly origins?: readonly string[];
  /** The lab's CA is trusted. */
  readonly ca?: boolean | string;
  readonly more?: readonly string[];
  readonly at?: readonly string[];
}

/** How doctor is asked about a chain whose outermost hop is `edge`. */
export function ask(chain: Chain, edge: Place | Edge, told: Told = {}): Asked {
  const { scheme = "http", path = "/", origins = [], more = [] } = told;
  const whole = (of: true | readonly Edge[] | undefined): readonly Edge[] =>
    of === true ? [edge as Edge] : (of ?? []);
  const ca = told.ca === undefined || told.ca === false ? null : told.ca === true ? certificates().ca : told.ca;
  return {
    url: `${scheme}://${edge.address}${path}`,
    args: [
      ...(told.host ? ["--host", told.host] : []),
      ...origins.flatMap((origin) => ["--origin", origin]),
      ...whole(told.config).flatMap(({ config }) => ["--config", config]),
      ...whole(told.log).flatMap(({ logs }) => logs.flatMap((file) => ["--log", file])),
      ...(ca === null ? [] : ["--ca", chain.file("doctor-ca.pem", ca)]),
      ...TIMEOUT,
      ...more,
    ],
    at: told.at ?? [edge.address],
  };
}

/** Files only. */
export function askFiles(
  files: { readonly configs?: readonly string[]; readonly logs?: readonly string[] },
  at: readonly string[] = [],
  more: readonly string[] = [],
): Asked {
  const args = [
    ...(files.configs ?? []).flatMap((file) => ["--config", file]),
    ...(files.logs ?? []).flatMap((file) => ["--log", file]),
    ...TIMEOUT,
    ...more,
  ];
  return { url: null, args, at };
}

/** nginx before an upstream of these members. */
export function nginxSite(
  members: readonly (Place | string)[],
  { location = "", server = "", upstream = "", scheme = "http", http = "", host = "$host" } = {},
): string {
  const lines = members.map((each) => `server ${typeof each === "string" ? each : each.address};`);
  return `${http}
  upstream app {
    ${lines.join("\n    ")}
    ${upstream}
  }
  server {
    listen {port};
    server_name shop.test localhost 127.0.0.1;
    ${server}
    location / {
      proxy_pass ${scheme}://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host ${host};
      ${location}
    }
  }`;
}

/** HAProxy before servers of these addresses. */
export function haproxySite(
  members: readonly (Place | string)[],
  { server = "", backend = "", frontend = "" } = {},
): string {
  const lines = members.map((each, index) => {
    return `  server app${index + 1} ${typeof each === "string" ? each : each.address} ${server}`;
  });
  return `frontend web
  bind {port}
${frontend}
  default_backend app

backend app
${backend}
${lines.join("\n")}`;
}

/** Caddy before these addresses. */
export function caddySite(members: readonly Place[], lines = ""): string {
  return `http://{port} {
  reverse_proxy ${members.map(({ address }) => address).join(" ")} {
    ${lines}
  }
}`;
}

/** goodgate.yaml before these addresses; nothing is held back, so that failures show at once. */
export function goodgateSettings(
  members: readonly Place[],
  upstream: Record<string, unknown> = {},
): Record<string, unknown> {
  return { upstreams: { app: { endpoints: members.map(({ address }) => address), hold: "off", ...upstream } } };
}

/** Answers behind a delay. */
export const slow =
  (ms: number): RequestListener =>
  (request, response) => {
    const timer = setTimeout(() => hello(request, response), ms);
    response.on("close", () => clearTimeout(timer));
  };

/** Answers with a status and a page of the application's own. */
export const status =
  (code: number, text = "Something went wrong in the shop.", fields: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(code, { "Content-Type": "text/html", ...fields });
    response.end(`<!doctype html><title>Shop</title><h1>${text}</h1>\n`);
  };

/** Makes a folder of the case. */
export function folderOf(chain: Chain, name: string): string {
  const path = chain.path(name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** "2026/11/21 20:00:00", as nginx's error log has it (local time), so long ago. */
export function nginxTime(agoMs: number): string {
  const at = new Date(Date.now() - agoMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${at.getFullYear()}/${two(at.getMonth() + 1)}/${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
