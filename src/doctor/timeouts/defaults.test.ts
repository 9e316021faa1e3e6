// The table of defaults as a table: complete, one row per setting, values in milliseconds that agree with what is
// documented, and no other value than the one by which `explain` names timers.
import { expect, test } from "vitest";
import { TIMERS } from "../../explain/timers.ts";
import { SOFTWARE, type SoftwareId } from "../software.ts";
import { DEFAULTS, defaultsOf } from "./defaults.ts";
import { TIMER_IDS } from "./model.ts";

test("every setting is there once", () => {
  expect(DEFAULTS.length).toBeGreaterThanOrEqual(120);
  const keys = DEFAULTS.map(({ software, side, setting }) => `${software} ${side} ${setting}`);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test("programs and timers are those of the contract", () => {
  for (const { software, timers } of DEFAULTS) {
    if (software !== null) expect(SOFTWARE).toHaveProperty(software);
    for (const { id } of timers) expect(TIMER_IDS).toContain(id);
  }
});

test("a row with one plain number and one wait says the same in both", () => {
  const plain = DEFAULTS.filter(({ standard, timers }) => typeof standard === "number" && timers.length === 1);
  expect(plain.length).toBeGreaterThan(60);
  for (const { standard, unit, timers, setting } of plain) {
    const scale = unit.startsWith("ms") ? 1 : unit.startsWith("s") ? 1000 : 1;
    const documented = Number(standard) * scale;
    expect([setting, timers[0]?.value ?? 0]).toEqual([setting, documented]);
  }
});

test("what reuses connections and what keeps them is known of every program that can", () => {
  const known = (id: string) => (software: SoftwareId) =>
    defaultsOf(software).some(({ timers }) => timers.some((timer) => timer.id === id));
  const fronts: readonly SoftwareId[] = [
    "aws-alb",
    "google-lb",
    "cloudfront",
    "nginx",
    "envoy",
    "caddy",
    "traefik",
    "go",
    "undici",
  ];
  const backs: readonly SoftwareId[] = [
    "node",
    "express",
    "fastify",
    "nextjs",
    "gunicorn",
    "uvicorn",
    "puma",
    "tomcat",
    "kestrel",
  ];
  expect(fronts.filter((software) => !known("upstream-idle")(software))).toEqual([]);
  expect([...backs, "apache" as const].filter((software) => !known("client-idle")(software))).toEqual([]);
});

/** `explain` runs in browsers and carries only the few timers that name a duration; names as it writes them. */
const EXPLAINED: Readonly<Record<string, readonly [SoftwareId, string]>> = {
  "nginx proxy_read_timeout": ["nginx", "proxy_read_timeout"],
  "nginx proxy_connect_timeout": ["nginx", "proxy_connect_timeout"],
  "ALB idle_timeout": ["aws-alb", "idle_timeout.timeout_seconds"],
  "Traefik forwardingTimeouts.dialTimeout": ["traefik", "forwardingTimeouts.dialTimeout"],
  "Envoy route timeout": ["envoy", "route timeout"],
  "Envoy connect_timeout": ["envoy", "cluster connect_timeout"],
  "Caddy dial_timeout": ["caddy", "dial_timeout"],
  "Apache Timeout": ["apache", "Timeout"],
  "Heroku H12, the router's limit": ["heroku", "first byte"],
  "Cloudflare proxy read timeout (524)": ["cloudflare", "proxy read timeout"],
  "CloudFront origin response timeout": ["cloudfront", "origin response timeout"],
  "API Gateway integration timeout": ["aws-api-gateway", "integration timeout (REST, HTTP)"],
  "Google Cloud backend service timeout": ["google-lb", "backend service timeout"],
  "Application Gateway request timeout": ["azure-app-gateway", "backend setting request timeout"],
  "Fastly first_byte_timeout": ["fastly", "connect / first byte / between bytes"],
  "gunicorn --timeout": ["gunicorn", "timeout"],
  "PHP max_execution_time": ["php-fpm", "max_execution_time"],
  "undici headersTimeout": ["undici", "headersTimeout"],
  "Node server.requestTimeout": ["node", "server.requestTimeout"],
  "Goodgate timeouts.head": ["goodgate", "timeouts.head"],
};

test.each(TIMERS)("$software $setting: explain and doctor say the same", ({ software, setting, ms }) => {
  const [id, row] = EXPLAINED[`${software} ${setting}`] ?? [];
  expect(id, `${software} ${setting} needs a row of DEFAULTS`).toBeDefined();
  const found = id === undefined ? undefined : defaultsOf(id).find((each) => each.setting === row);
  const documented =
    typeof found?.standard === "number" ? found.standard * (found.unit.startsWith("ms") ? 1 : 1000) : null;
  expect([documented, ...(found?.timers ?? []).map(({ value }) => value)]).toContain(ms);
});
