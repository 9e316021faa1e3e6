// The chain that nobody wrote down: from marks on responses, configurations that forward to each other, measurements.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SoftwareId } from "../software.ts";
import { buildChain } from "./chain.ts";
import { at, configOf, configured, hopOf, poolOf, seenOf } from "./derive.fixture.ts";
import type { ChainInput } from "./input.ts";
import type { TimeoutChain } from "./model.ts";

function derived(input: Partial<ChainInput>): TimeoutChain {
  const { chain, problems } = buildChain({ spec: null, whatIf: [], configs: [], targets: [], ...input });
  expect(problems).toEqual([]);
  if (chain === null) throw new Error("no chain");
  return chain;
}

const names = ({ hops }: TimeoutChain): readonly string[] => hops.map(({ name }) => name);
const risks = ({ inversions }: TimeoutChain): readonly string[] =>
  inversions.filter(({ severity }) => severity === "risk").map(({ between, rule }) => `${between.join(" > ")} ${rule}`);

const NGINX = configOf(
  "nginx",
  "nginx.conf",
  hopOf(
    "nginx",
    "nginx",
    ["*:80"],
    [
      poolOf("app", ["127.0.0.1:3000"], {
        timers: [configured("upstream-idle", "keepalive_timeout", 60_000, at("nginx.conf", 14))],
      }),
    ],
  ),
);
const NODE = configOf(
  "node-source",
  "server.js",
  hopOf(
    "node",
    "server",
    ["*:3000"],
    [],
    [configured("client-idle", "server.keepAliveTimeout", 5000, at("server.js", 9))],
  ),
);

test("nothing seen is no chain", () => {
  expect(buildChain({ spec: null, whatIf: [], configs: [], targets: [] })).toEqual({ chain: null, problems: [] });
  expect(
    buildChain({ spec: null, whatIf: [], configs: [], targets: [seenOf("url", "192.0.2.1:80", [])] }).chain,
  ).toBeNull();
});

test("a pool's member is where another hop listens: both places, certain", () => {
  const chain = derived({ configs: [NODE, NGINX], targets: [seenOf("url", "192.0.2.1:80", ["cloudflare", "nginx"])] });
  expect(names(chain)).toEqual(["client", "cloudflare", "nginx", "server"]);
  expect(risks(chain)).toEqual(["nginx > server keepalive-order"]);
  expect(chain.inversions[0]).toMatchObject({
    certain: true,
    at: { file: "server.js", line: 9 },
    also: { file: "nginx.conf", line: 14 },
    outer: { setting: "upstream keepalive_timeout", value: 60_000, from: "config" },
    inner: { setting: "server.keepAliveTimeout", value: 5000, from: "config" },
  });
  expect(chain.inversions[0]?.text).toContain("nginx.conf:14");
  expect(chain.inversions[0]?.text).toContain("server.js:9");
});

test("without reuse there is no race", () => {
  const closing = configOf(
    "nginx",
    "nginx.conf",
    hopOf("nginx", "nginx", ["*:80"], [poolOf("app", ["127.0.0.1:3000"], { reuses: false })]),
  );
  const chain = derived({ configs: [closing, NODE] });
  expect(risks(chain)).toEqual([]);
  expect(chain.hops[1]?.timers.some(({ id }) => id === "upstream-idle")).toBe(false);
  const asked = derived({ configs: [closing, NODE], whatIf: ["nginx.upstream-idle=60s"] });
  expect(risks(asked)).toEqual(["nginx > server keepalive-order"]);
});

test("a program that was only seen, its settings unknown, is no risk", () => {
  const chain = derived({ targets: [seenOf("url", "192.0.2.1:80", ["nginx", "express"])] });
  expect(names(chain)).toEqual(["client", "nginx", "express"]);
  expect(risks(chain)).toEqual([]);
  expect(chain.inversions.map(({ rule }) => rule)).toContain("keepalive-order");
});

test("a wait that is a guess is no risk to what is written behind it", () => {
  const app = configOf(
    "compose",
    "compose.yaml",
    hopOf("gunicorn", "web", [], [], [configured("worker", "--timeout", 120_000, at("compose.yaml", 4))]),
  );
  const chain = derived({ configs: [app], targets: [seenOf("url", "192.0.2.1:80", ["nginx"])] });
  expect(names(chain)).toEqual(["client", "nginx", "web"]);
  expect(chain.inversions.find(({ rule }) => rule === "response-order")).toMatchObject({
    severity: "note",
    certain: false,
  });
});

test("services of compose are called by their names, whatever the order of the files", () => {
  const compose = configOf(
    "compose",
    "compose.yaml",
    hopOf("node", "web", [], [], [configured("drain", "stop_grace_period", 5000, at("compose.yaml", 7))]),
    hopOf("haproxy", "lb", [], []),
  );
  const haproxy = configOf(
    "haproxy",
    "haproxy.cfg",
    hopOf("haproxy", "haproxy", ["*:80"], [poolOf("web", ["proxy:8080"])]),
  );
  const nginx = configOf("nginx", "nginx.conf", hopOf("nginx", "nginx", ["*:8080"], [poolOf("web", ["web:3000"])]));
  const chain = derived({ configs: [compose, nginx, haproxy] });
  expect(names(chain)).toEqual(["client", "haproxy", "nginx", "web"]);
});

test("a socket file joins two hops", () => {
  const front = configOf(
    "nginx",
    "nginx.conf",
    hopOf("nginx", "nginx", ["*:80"], [poolOf("app", ["unix:/run/app.sock"])]),
  );
  const back = configOf("node-source", "app.js", hopOf("node", "app", ["unix:/run/app.sock"], []));
  expect(names(derived({ configs: [back, front] }))).toEqual(["client", "nginx", "app"]);
});

test("of two pools the chain takes the one that the request takes", () => {
  const pools = [poolOf("web", ["127.0.0.1:3000"]), poolOf("api", ["127.0.0.1:4000"])];
  const nginx = hopOf("nginx", "nginx", ["*:80"], pools);
  const api = configOf("node-source", "api.js", hopOf("node", "api", ["*:4000"], []));
  const configs = [configOf("nginx", "nginx.conf", nginx), NODE, api];
  const way = (index: number) => [{ hop: nginx, pool: pools[index] ?? null, depth: 0 }];
  expect(names(derived({ configs, way: way(0) }))).toEqual(["client", "nginx", "server"]);
  expect(names(derived({ configs, way: way(1) }))).toEqual(["client", "nginx", "api"]);
  expect(names(derived({ configs, way: [] }))).toHaveLength(3);
});

test("what stands behind the other pools of a gateway is compared with it too", () => {
  const reused = [configured("upstream-idle", "keepalive_timeout", 60_000, at("nginx.conf", 14))];
  const pools = [poolOf("web", ["127.0.0.1:3000"]), poolOf("api", ["127.0.0.1:4000"], { timers: reused })];
  const kept = (value: number) => [configured("client-idle", "server.keepAliveTimeout", value, at("x.js", 1))];
  const configs = [
    configOf("nginx", "nginx.conf", hopOf("nginx", "nginx", ["*:80"], pools)),
    configOf("node-source", "web.js", hopOf("node", "web", ["*:3000"], [], kept(65_000))),
    configOf("node-source", "api.js", hopOf("node", "api", ["*:4000"], [], kept(5000))),
  ];
  const chain = derived({ configs });
  expect(names(chain)).toEqual(["client", "nginx", "web"]);
  expect(risks(chain)).toEqual(["nginx > api keepalive-order"]);
  const asked = derived({ configs, whatIf: ["nginx.upstream-idle=4s"] });
  expect(risks(asked)).toEqual([]);
  expect(asked.whatIf?.solved.map(({ between }) => between)).toContainEqual(["nginx", "api"]);
});

test("whatever forwards to whatever, there is a chain with names of its own", () => {
  const port = fc.integer({ min: 1, max: 8 }).map((number) => `127.0.0.1:${number}`);
  const hop = fc.record({
    software: fc.constantFrom("nginx", "haproxy", "node", "traefik", "postgres"),
    name: fc.constantFrom("a", "b", "c d", ""),
    listens: fc.array(port, { maxLength: 2 }),
    pools: fc.array(fc.array(port, { maxLength: 3 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(hop, { minLength: 1, maxLength: 10 }), (hops) => {
      const configs = hops.map(({ software, name, listens, pools }, index) =>
        configOf(
          "nginx",
          `${index}.conf`,
          hopOf(
            software as SoftwareId,
            name,
            listens,
            pools.map((all, at) => poolOf(`p${at}`, all)),
          ),
        ),
      );
      const chain = derived({ configs });
      expect(new Set(names(chain)).size).toBe(chain.hops.length);
      expect(chain.hops.length).toBeLessThanOrEqual(22);
    }),
  );
});

test("a gateway's mark on the origin's responses makes no second gateway", () => {
  const chain = derived({ configs: [NGINX], targets: [seenOf("origin", "127.0.0.1:80", ["nginx"])] });
  expect(names(chain)).toEqual(["client", "nginx", "app"]);
});

test("hops that forward in a circle still make a chain", () => {
  const one = configOf("nginx", "a.conf", hopOf("nginx", "one", ["127.0.0.1:1"], [poolOf("p", ["127.0.0.1:2"])]));
  const two = configOf("nginx", "b.conf", hopOf("nginx", "two", ["127.0.0.1:2"], [poolOf("q", ["127.0.0.1:1"])]));
  expect(names(derived({ configs: [one, two] }))).toEqual(["client", "one", "two", "q"]);
});

test("a pool that nobody configures ends in a hop of its own, with what was measured of its members", () => {
  const member = seenOf("endpoint", "127.0.0.1:3000", [], [{ saidMs: null, closedAfterMs: 5012 }], "app");
  const chain = derived({ configs: [NGINX], targets: [member] });
  expect(names(chain)).toEqual(["client", "nginx", "app"]);
  expect(chain.hops[2]?.timers).toMatchObject([{ id: "client-idle", value: 5000, from: "measured" }]);
  expect(risks(chain)).toEqual(["nginx > app keepalive-order"]);
  expect(chain.inversions[0]?.certain).toBe(true);
});

test("what is measured overrides what is configured, and what is said comes before a later close", () => {
  const origin = (saidMs: number | null, closedAfterMs: number | null) =>
    derived({
      configs: [NGINX, NODE],
      targets: [seenOf("origin", "127.0.0.1:3000", [], [{ saidMs, closedAfterMs }])],
    }).hops.find(({ name }) => name === "server");
  const idle = (hop: ReturnType<typeof origin>) => hop?.timers.filter(({ id }) => id === "client-idle");
  expect(idle(origin(65_000, null))).toMatchObject([{ value: 65_000, from: "header" }]);
  expect(idle(origin(5000, 6010))).toMatchObject([{ value: 5000, from: "header" }]);
  expect(idle(origin(65_000, 4980))).toMatchObject([{ value: 5000, from: "measured" }]);
  expect(idle(origin(null, null))).toMatchObject([{ value: 5000, from: "config" }]);
});

test("a route's own timer counts where only that route breaks the order", () => {
  const slow = configured("response", "proxy_read_timeout", 300_000, at("nginx.conf", 30));
  const routes = ["/", "/export"].map((text) => ({
    hosts: [],
    path: { kind: "prefix" as const, text },
    pool: "app",
    pathBecomes: null,
    timers: text === "/" ? [] : [slow],
    at: at("nginx.conf", 29),
  }));
  const nginx = configOf(
    "nginx",
    "nginx.conf",
    hopOf("nginx", "nginx", ["*:80"], [poolOf("app", ["app:3000"])], [], routes),
  );
  const chain = derived({ configs: [nginx], targets: [seenOf("url", "192.0.2.1:80", ["aws-alb", "nginx"])] });
  expect(chain.inversions.find(({ rule, severity }) => rule === "response-order" && severity === "risk")).toMatchObject(
    {
      between: ["aws-alb", "nginx"],
      inner: { value: 300_000, place: { line: 30 } },
      at: { file: "nginx.conf", line: 30 },
    },
  );
});

test("what is killed before it may finish is a risk where both are written", () => {
  const web = (grace: number, own: number) =>
    configOf(
      "kubernetes",
      "shop.yaml",
      hopOf(
        "gunicorn",
        "Deployment shop",
        ["*:8000"],
        [],
        [
          configured("drain", "terminationGracePeriodSeconds", grace, at("shop.yaml", 12)),
          configured("pre-stop", "preStop sleep", 15_000, at("shop.yaml", 20)),
          configured("drain", "--graceful-timeout", own, at("shop.yaml", 18)),
        ],
      ),
    );
  expect(risks(derived({ configs: [web(30_000, 30_000)] }))).toEqual(["shop > shop drain-order"]);
  expect(risks(derived({ configs: [web(60_000, 30_000)] }))).toEqual([]);
});

test("PHP behind FastCGI is a hop, and keeps no HTTP connections", () => {
  const nginx = configOf(
    "nginx",
    "nginx.conf",
    hopOf("nginx", "nginx", ["*:80"], [poolOf("php", ["127.0.0.1:9000"], { scheme: "fastcgi" })]),
  );
  const chain = derived({ configs: [nginx] });
  expect(chain.hops.map(({ software }) => software)).toEqual(["client", "nginx", "php-fpm"]);
  expect(chain.inversions.filter(({ rule }) => rule === "keepalive-order")).toEqual([]);
});

test("no more tries than members: what they take together must fit in front", () => {
  const short = configured("response", "proxy_read_timeout", 20_000, at("nginx.conf", 5));
  const members = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
  const nginx = (count: number) =>
    configOf(
      "nginx",
      "nginx.conf",
      hopOf("nginx", "nginx", ["*:80"], [poolOf("app", members.slice(0, count))], [short]),
    );
  const chain = (count: number) =>
    derived({ configs: [nginx(count)], targets: [seenOf("url", "192.0.2.1:80", ["aws-alb", "nginx"])] });
  const budgets = ({ inversions }: TimeoutChain) => inversions.filter(({ rule }) => rule === "retry-budget");
  expect(budgets(chain(4))).toMatchObject([{ between: ["aws-alb", "nginx"], severity: "note" }]);
  expect(budgets(chain(3))).toEqual([]);
});

test("a change of a setting that routes have values of their own for changes all of them", () => {
  const response = (value: number, line: number) =>
    configured("response", "proxy_read_timeout", value, at("nginx.conf", line));
  const routes = [response(90_000, 10), response(300_000, 20)].map((timer) => ({
    hosts: [],
    path: { kind: "prefix" as const, text: `/${timer.at.line}` },
    pool: "app",
    pathBecomes: null,
    timers: [timer],
    at: timer.at,
  }));
  const nginx = configOf(
    "nginx",
    "nginx.conf",
    hopOf("nginx", "nginx", ["*:80"], [poolOf("app", ["app:3000"])], [], routes),
  );
  const chain = derived({ configs: [nginx], whatIf: ["nginx.proxy_read_timeout=30s"] });
  expect(chain.whatIf?.changes).toMatchObject([{ before: "90s, 300s", after: "30s" }]);
  expect(chain.hops[1]?.timers.filter(({ id }) => id === "response").map(({ value }) => value)).toEqual([30_000]);
});

test("a timer that is set to something that is not plain is not taken for its default", () => {
  const source = { ...hopOf("node", "server", ["*:3000"], [], []), timersUnknown: ["client-idle"] as const };
  const timersOf = (config: ReturnType<typeof configOf>): readonly string[] =>
    derived({ configs: [config] }).hops.flatMap(({ timers }) => timers.map(({ id }) => id));
  expect(timersOf(configOf("node-source", "server.js", source))).not.toContain("client-idle");
  expect(timersOf(configOf("node-source", "server.js", { ...source, timersUnknown: [] }))).toContain("client-idle");
  expect(risks(derived({ configs: [NGINX, configOf("node-source", "server.js", source)] }))).toEqual([]);
});

test("two sites of one program are no chain, two programs are", () => {
  const site = (software: SoftwareId, port: number) =>
    configOf("nginx", `${software}${port}.conf`, hopOf(software, software, [`*:${port}`], [poolOf("app", ["app:1"])]));
  const of = (...configs: ReturnType<typeof site>[]) => names(derived({ configs })).filter((name) => name !== "app");
  expect(of(site("nginx", 80), site("nginx", 81))).toEqual(["client", "nginx"]);
});

test("a service that is built from a folder is the program whose source stands there", () => {
  const service = hopOf("app", "shop", ["shop:3000"], [], []);
  const container = { name: "shop", build: "srv/shop" };
  const compose = {
    ...configOf("compose", "srv/compose.yaml", service),
    platform: { containers: [container], kube: null, apps: [] },
  } as unknown as ReturnType<typeof configOf>;
  const front = configOf("nginx", "n.conf", hopOf("nginx", "nginx", ["*:80"], [poolOf("shop", ["shop:3000"])]));
  const source = (file: string) =>
    configOf("node-source", file, { ...hopOf("express", "server.js", ["*:3000"], [], []), at: at(file, 3) });
  const last = (file: string) => derived({ configs: [front, compose, source(file)] }).hops.at(-1)?.software;
  expect(last("srv/shop/server.js")).toBe("express");
  expect(last("srv/other/server.js")).toBe("app");
});
