// reverse_proxy and php_fastcgi of a Caddyfile, with their subdirectives, taken apart.
import type { Place } from "../../evidence.ts";
import { goTime } from "../durations.ts";
import { offAtZero, timers } from "../finding.ts";
import type { ConfiguredTimer } from "../model.ts";
import type { Line } from "./parse.ts";
import type { CaddyProxy, CaddyUpstream } from "./proxy.ts";

const TRANSPORT_TIMERS = {
  dial_timeout: "connect",
  response_header_timeout: "response",
  read_timeout: "response",
  keepalive: "upstream-idle",
} as const;

/** What a reverse_proxy line says. */
export function proxyOf(line: Line): CaddyProxy {
  const body = line.body ?? [];
  const all = (name: string) => body.filter((each) => each.name === name);
  const one = (name: string) => all(name).at(-1);
  const transport = one("transport");
  // php_fastcgi takes those of its transport without a block of their own.
  const settings = line.name === "php_fastcgi" ? body : (transport?.body ?? []);
  const inside = new Map(settings.map((each) => [each.name, each]));
  const own = line.args.filter(({ text }, index) => !(index === 0 && /^[/@*]/.test(text)));
  const upstreams: CaddyUpstream[] = [...own, ...all("to").flatMap(({ args }) => args)].flatMap(expanded);
  const healthUri = one("health_uri") ?? one("health_path");
  const health = healthUri ?? one("health_port");
  const hostField = all("header_up").find(({ args }) => args[0]?.text.toLowerCase() === "host" && args.length === 2);
  const serverName = inside.get("tls_server_name");
  const tried = one("lb_try_duration");
  return {
    at: line.at,
    upstreams,
    dynamic: one("dynamic") !== undefined,
    tls: [...inside.keys()].some((name) => name === "tls" || name.startsWith("tls_")),
    fastcgi: line.name === "php_fastcgi" || transport?.args[0]?.text === "fastcgi",
    serverName: serverName ? { text: serverName.args[0]?.text ?? "", at: serverName.at } : null,
    skipVerify: inside.get("tls_insecure_skip_verify")?.at ?? null,
    caFile: caFileOf(inside),
    host: hostField?.args[1]?.text ?? null,
    healthPath: healthUri?.args[0]?.text ?? null,
    healthHost: one("health_headers")?.body?.find(({ name }) => name.toLowerCase() === "host")?.args[0]?.text ?? null,
    healthAt: health?.at ?? null,
    passive: (goTime(one("fail_duration")?.args[0]?.text ?? "0") ?? 1) > 0,
    retries: (goTime(tried?.args[0]?.text ?? "0") ?? 1) > 0 || Number(one("lb_retries")?.args[0]?.text ?? 0) > 0,
    keepalive: inside.get("keepalive")?.args[0]?.text !== "off",
    versions: (inside.get("versions")?.args ?? []).map(({ text }) => text),
    timers: [...timersOf(inside), ...tryTimers(tried, one("lb_retries")), ...streamTimers(one("stream_timeout"))],
  };
}

/** Ports may be a range: "app:3000-3002" is three upstreams. */
function expanded({ text, at }: { text: string; at: Place }): readonly CaddyUpstream[] {
  const range = /^(.*:)(\d{1,5})-(\d{1,5})$/.exec(text);
  const [low, high] = [Number(range?.[2]), Number(range?.[3])];
  if (!range || high < low || high - low > 100) return [{ text, at }];
  return Array.from({ length: high - low + 1 }, (_, index) => ({ text: `${range[1]}${low + index}`, at }));
}

function caFileOf(inside: ReadonlyMap<string, Line>): string | null {
  const old = inside.get("tls_trusted_ca_certs")?.args[0]?.text;
  const pool = inside.get("tls_trust_pool")?.args.map(({ text }) => text) ?? [];
  return old ?? (pool[0] === "file" ? (pool[1] ?? null) : null);
}

function timersOf(inside: ReadonlyMap<string, Line>): readonly ConfiguredTimer[] {
  return [...inside.values()].flatMap(({ name, args, at }) => {
    const id = TRANSPORT_TIMERS[name as keyof typeof TRANSPORT_TIMERS];
    const text = args[0]?.text ?? "";
    if (id === undefined || text === "off") return [];
    return timers(id, name, offAtZero(goTime(text)), text, at);
  });
}

function tryTimers(tried: Line | undefined, retries: Line | undefined): readonly ConfiguredTimer[] {
  const text = tried?.args[0]?.text ?? "";
  const count = retries?.args[0]?.text ?? "";
  return [
    ...timers("try-total", "lb_try_duration", goTime(text), text, tried?.at),
    ...timers("tries", "lb_retries", /^\d+$/.test(count) ? Number(count) + 1 : undefined, count, retries?.at),
  ];
}

function streamTimers(line: Line | undefined): readonly ConfiguredTimer[] {
  const text = line?.args[0]?.text ?? "";
  return timers("tunnel-idle", "stream_timeout", offAtZero(goTime(text)), text, line?.at);
}
