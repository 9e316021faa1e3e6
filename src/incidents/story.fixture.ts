// Stories for tests: what several processes would have told of an incident, written down in lines, one file each
// (test/corpus/incident-stories/*.yaml), and what must be said of it. A line is a time, how long it goes on, and what:
//   12:00:00 +5m traffic app app-1 rps=20 head=25 [errors=0.1] [failed=0.1] [max=900]
//   12:01:33 +2s fail connect-refused app app-2 x40 failover=38 shown=2 errno=ECONNREFUSED path=/cart:3,/:1
//   12:01:34 event endpoint-gone app app-2 cause=connect-refused    12:05:00 event endpoint-back app app-2 away=210s
//   12:00:50 mark deploy "version 42"                               12:03:00 setting app head=5s
//   12:20:00 end
// Lists (waited=29.9s,30s) are gone round in order; {n} counts up.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { parseDuration } from "../std/units.ts";
import type { Setting, UpstreamSetting } from "./model.ts";
import { hostPart, portPart } from "./surroundings.ts";

export interface Expected {
  readonly pattern: string;
  readonly least?: string;
  readonly most?: string;
  readonly severity?: string;
  readonly says?: readonly string[];
  readonly open?: boolean;
  readonly endpoints?: readonly string[];
  readonly failures?: number;
}

export interface Story {
  readonly file: string;
  readonly title: string;
  readonly setting: Setting;
  readonly lines: readonly Line[];
  readonly expect: readonly Expected[];
}

/** A line of a stream. */
export interface Line {
  readonly at: number;
  readonly forMs: number;
  readonly what: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

const DAY = Date.UTC(2026, 2, 10);

/** "12:01:33" in UTC, so that stories read the same everywhere. */
export const storyTime = (at: number): string => new Date(at).toISOString().slice(11, 19);

/** Every story of a folder. */
export function readStories(folder: string): Story[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .map((file) => readStory(file, readFileSync(join(folder, file), "utf8")));
}

export interface RawUpstream {
  readonly endpoints: readonly (
    | string
    | { label: string; host?: string; address?: string; backup?: boolean; down?: boolean }
  )[];
  readonly [key: string]: unknown;
}

export function readStory(file: string, text: string): Story {
  const raw = parse(text) as {
    title: string;
    language?: "yaml" | "nginx";
    upstreams?: Record<string, RawUpstream>;
    stream: string;
    expect?: Expected[];
  };
  const upstreams = Object.entries(raw.upstreams ?? { app: { endpoints: ["app-1:3000", "app-2:3000"] } });
  return {
    file,
    title: raw.title,
    setting: {
      upstreams: upstreams.map(([name, upstream]) => upstreamSetting(name, upstream)),
      file: raw.language === "nginx" ? "/etc/nginx/nginx.conf" : "goodgate.yaml",
      language: raw.language ?? "yaml",
    },
    lines: raw.stream
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.trim().startsWith("#"))
      .map((line) => readLine(line, file)),
    expect: raw.expect ?? [],
  };
}

export function upstreamSetting(name: string, raw: RawUpstream): UpstreamSetting {
  const ms = (key: string, otherwise: string): number => parseDuration(String(raw[key] ?? otherwise)) ?? 0;
  return {
    name,
    endpoints: raw.endpoints.map((one) => {
      const endpoint = typeof one === "string" ? { label: one } : one;
      return {
        label: endpoint.label,
        host: endpoint.host ?? hostPart(endpoint.address ?? endpoint.label),
        address: endpoint.address ?? addressOfLabel(endpoint.label, endpoint.host),
        backup: endpoint.backup ?? false,
        down: endpoint.down ?? false,
      };
    }),
    tls: raw["tls"] === true,
    tlsName: String(raw["servername"] ?? ""),
    timeouts: {
      connectMs: ms("connect", "3s"),
      tlsMs: 5_000,
      sendMs: 30_000,
      headMs: ms("head", "30s"),
      idleBodyMs: 30_000,
    },
    keepalive: { idleMs: ms("idle", "60s"), auto: raw["idle"] === undefined },
    hold: raw["hold"] === undefined ? null : { forMs: ms("hold", "15s"), requests: 1000 },
    health: raw["health"] === true ? { path: "/healthz", intervalMs: 2_000 } : null,
    eject: raw["eject"] === true,
    retryAttempts: 3,
    limits: { connections: Number(raw["connections"] ?? 0), requests: Number(raw["requests"] ?? 0) },
  };
}

/** As the configuration reads it: a name without a port is on port 80. */
function addressOfLabel(label: string, host: string | undefined): string {
  if (label.startsWith("unix:") || (host === undefined && portPart(label) !== null)) return label;
  return `${host ?? label}:${portPart(label) ?? 80}`;
}

function readLine(line: string, file: string): Line {
  const [clock, ...rest] = [...line.trim().matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', ""));
  const match = /^(\d\d):(\d\d):(\d\d)(?:\.(\d))?$/.exec(clock ?? "");
  if (match === null) throw new Error(`${file}: no time: ${line}`);
  const [, h, m, s, tenth] = match;
  const at = DAY + Number(h) * 3_600_000 + Number(m) * 60_000 + Number(s) * 1000 + Number(tenth ?? 0) * 100;
  const forMs = rest[0]?.startsWith("+") ? parseDuration(rest.shift()!.slice(1))! : 0;
  const what = rest.shift() ?? "";
  const options: Record<string, string> = {};
  const words: string[] = [];
  for (const word of rest) {
    const option = what === "mark" ? /^(by)=(.*)$/.exec(word) : /^([a-z]+)=(.*)$/.exec(word);
    if (option) options[option[1]!] = option[2]!;
    else words.push(word);
  }
  return { at, forMs, what, words, options };
}
