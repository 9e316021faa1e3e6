// The drawing: what a chain looks like from its defaults alone, and what holds for every drawing.
import fc from "fast-check";
import { expect, test } from "vitest";
import { SOFTWARE_IDS } from "../software.ts";
import { buildChain } from "./chain.ts";
import { type DrawOptions, drawChain } from "./draw.ts";
import type { Inversion } from "./model.ts";

function drawn(spec: string, options: DrawOptions, ...whatIf: readonly string[]): readonly string[] {
  const { chain } = buildChain({ spec, whatIf, configs: [], targets: [] });
  return chain === null ? [] : drawChain(chain, options);
}

const PLAIN: DrawOptions = { columns: 80, colour: false };

test("a chain from its defaults alone, at 80 columns", () => {
  expect(`\n${drawn("cloudflare > alb > nginx > node", PLAIN).join("\n")}\n`).toMatchInlineSnapshot(`
    "
    cloudflare
      │  connect 19s · response 120s · idle 15m > 60s
    alb  AWS ALB
      │  connect 10s · response 60s · idle 60s < 75s
    nginx
      │  connect 60s · response 60s · idle 60s > 5s
      ▼  RISK 1: keepalive-order
    node  Node.js

    All values are defaults.

    RISK 1  nginx > node: keepalive-order (by defaults)
      nginx reuses idle connections for 60s (upstream keepalive_timeout, default),
      and Node.js closes them after 5s (server.keepAliveTimeout, default): a request
      that is sent while the connection is being closed fails at random, mostly
      after quiet moments. nginx repeats what may be repeated, POST it does not.
      nginx does so by default since 1.29.7, before only where \`keepalive\` is
      configured.
      Fix: let Node.js keep idle connections longer than 60s:
           \`server.keepAliveTimeout = 65_000; server.headersTimeout = 66_000;\`; or
           let nginx reuse them for less than 5s: \`keepalive_timeout 4s;\` in the
           upstream block
    3 notes: shown with --verbose.
    "
  `);
});

test("a change, at 50 columns", () => {
  const lines = drawn(
    "alb > nginx > node(keepAliveTimeout=65s)",
    { ...PLAIN, columns: 50 },
    "nginx.proxy_read_timeout=300s",
  );
  expect(`\n${lines.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    alb  AWS ALB
      │  connect 10s · response 60s · idle 60s < 75s
      ▼  RISK 1: response-order
    nginx
      │  connect 60s · response 300s?
      │  idle 60s < 65s*
    node  Node.js

    * configured, ? what if; the others are defaults.

    RISK 1  alb > nginx: response-order (by defaults)
      AWS ALB waits 60s (idle_timeout, default) for a
      response, and nginx waits 300s
      (proxy_read_timeout, what if): visitors get the
      answer of AWS ALB (closes connection; 504 if a
      response was outstanding), nginx works on for up
      to 240s for nobody, and its log has 499
      Fix: let nginx give up before 60s:
           \`proxy_read_timeout 55s;\`; or, where
           answers may take that long, let AWS ALB
           wait longer:
           \`idle_timeout.timeout_seconds=310\`

    What if nginx.proxy_read_timeout: 60s → 300s
      created  alb > nginx: response-order (risk)
      created  alb > nginx: stream-heartbeat (note)
    2 notes: shown with --verbose.
    "
  `);
});

const chains = fc.array(fc.constantFrom(...SOFTWARE_IDS), { minLength: 1, maxLength: 6 }).map((ids) => ids.join(" > "));

test("no line is wider than the columns, and every hop is named in its order", () => {
  fc.assert(
    fc.property(chains, fc.integer({ min: 30, max: 160 }), fc.boolean(), (spec, columns, notes) => {
      const lines = drawn(spec, { columns, colour: false, notes });
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
      let from = 0;
      for (const { name } of buildChain({ spec, whatIf: [], configs: [], targets: [] }).chain?.hops ?? []) {
        from = lines.findIndex((line, at) => at >= from && line.startsWith(name)) + 1;
        expect(from).toBeGreaterThan(0);
      }
    }),
  );
});

test("colour adds nothing but colour", () => {
  for (const spec of ["cloudflare > alb > nginx > node", "envoy > nlb > go"]) {
    const plain = drawn(spec, { columns: 80, colour: false, notes: true });
    const coloured = drawn(spec, { columns: 80, colour: true, notes: true });
    expect(coloured.map((line) => line.replaceAll(/\u001b\[\d+m/g, ""))).toEqual(plain);
    expect(coloured).not.toEqual(plain);
  }
});

test("what is wrong at the last hop is marked there too", () => {
  const { chain } = buildChain({ spec: "alb > gunicorn(drain=30s)", whatIf: [], configs: [], targets: [] });
  const [timer] = chain?.hops[1]?.timers.filter(({ id }) => id === "drain") ?? [];
  if (!chain || !timer) throw new Error("no chain");
  const own = {
    ...at("drain-order"),
    between: ["gunicorn", "gunicorn"],
    outer: timer,
    inner: timer,
    certain: true,
  } as const;
  const lines = drawChain({ ...chain, inversions: [own] }, PLAIN);
  expect(lines).toContain("  !  RISK 1: drain-order");
});

function at(rule: Inversion["rule"]) {
  return {
    id: rule,
    rule,
    severity: "risk",
    class: null,
    text: "text",
    fix: "fix",
    at: null,
    also: null,
    hop: null,
  } as const;
}

test("notes are counted where they are not listed", () => {
  expect(drawn("cloudflare > nginx > go", PLAIN).join("\n")).toContain("shown with --verbose");
  expect(drawn("cloudflare > nginx > go", { ...PLAIN, notes: true }).join("\n")).toContain("keepalive-order");
  expect(drawn("alb > fastify", PLAIN).join("\n")).toContain("No order is broken that is a risk.");
});
