import fc from "fast-check";
import { expect, test } from "vitest";
import { isProblem } from "../config/address.ts";
import type { PathPattern, RouteConfig } from "../config/config.ts";
import { parsePathPattern } from "../config/path-pattern.ts";
import { REGEX_PATH_MAX } from "../config/regex-cost.ts";
import { compileRouter, normaliseHost } from "./route.ts";

const NO_OPS = { remove: [], set: [], add: [] };

function route(paths: string | readonly string[], more: Partial<RouteConfig> = {}): RouteConfig {
  return {
    name: String(paths),
    hosts: [],
    paths: [paths].flat().map((text) => pattern(text)),
    methods: [],
    action: { kind: "respond", status: 200, body: "", type: "text/plain" },
    strip: "",
    rewrite: null,
    request: NO_OPS,
    response: NO_OPS,
    bodyBytes: null,
    timeouts: {},
    retry: { statuses: [], idempotencyKey: false, attempts: null, withinMs: null },
    errors: { detail: "never", pages: new Map() },
    upgrade: true,
    ...more,
  };
}

function pattern(text: string): PathPattern {
  const parsed = parsePathPattern(text);
  if (isProblem(parsed)) throw new Error(parsed.message);
  return parsed;
}

function pick(routes: readonly RouteConfig[], host: string, path: string, method = "GET") {
  const { route: found, captures } = compileRouter(routes).match(host, path, method);
  return { name: found?.config.name ?? null, captures };
}

test.each([
  ["/a", "/a", true],
  ["/a", "/a/", false],
  ["/a", "/A", false],
  ["/a/*", "/a", true],
  ["/a/*", "/a/", true],
  ["/a/*", "/a/b/c", true],
  ["/a/*", "/ab", false],
  ["/a/", "/a", false],
  ["/a/", "/a/", true],
  ["/a/", "/a/b", true],
  ["/", "/anything/at//all", true],
  ["/*", "/x", true],
  ["/", "*", true],
  ["/a/*", "*", false],
  ["/a/*/b", "/a/x/b", true],
  ["/a/*/b", "/a/x/y/b", false],
  ["/a/*/b", "/a//b", true],
  ["/a/**/b", "/a/b", true],
  ["/a/**/b", "/a/x/y/b", true],
  ["/a/**/b", "/a/x/y/c", false],
  ["/img/*.png", "/img/x.png", true],
  ["/img/*.png", "/img/.png", true],
  ["/img/*.png", "/img/x/y.png", false],
  ["/**/*.png", "/x/y/z.png", true],
  [String.raw`~ \.php$`, "/x/y.php", true],
  [String.raw`~ \.php$`, "/x/y.PHP", false],
  [String.raw`~* \.php$`, "/x/y.PHP", true],
])("%s on %s: %s", (text, path, fits) => {
  expect(pick([route(text)], "h", path).name !== null).toBe(fits);
});

test("the most specific path wins, whatever the order", () => {
  const patterns = [
    "/",
    "/shop/*",
    "/shop/cart/*",
    "/shop/cart/",
    String.raw`~ ^/shop/\w+/x$`,
    "/shop/*/x",
    "/shop/cart/x",
  ];
  const expected: [path: string, winner: string][] = [
    ["/shop/cart/x", "/shop/cart/x"],
    ["/shop/any/x", "/shop/*/x"],
    ["/shop/cart/y", "/shop/cart/"],
    ["/shop/cart", "/shop/cart/*"],
    ["/shop/y", "/shop/*"],
    ["/shopping", "/"],
  ];
  for (const order of [patterns, patterns.toReversed()]) {
    for (const [path, winner] of expected)
      expect([
        path,
        pick(
          order.map((text) => route(text)),
          "h",
          path,
        ).name,
      ]).toEqual([path, winner]);
  }
  const withoutGlob = patterns.filter((text) => text !== "/shop/*/x");
  expect(
    pick(
      withoutGlob.map((text) => route(text)),
      "h",
      "/shop/any/x",
    ).name,
  ).toBe(String.raw`~ ^/shop/\w+/x$`);
});

test("hosts: exact, then the longest wildcard, then every host; what does not fit the path is passed over", () => {
  const routes = [
    route("/", { name: "any" }),
    route("/", { name: "com", hosts: ["*.example.com"] }),
    route("/a/*", { name: "eu", hosts: ["*.eu.example.com"] }),
    route("/b", { name: "one", hosts: ["www.example.com"] }),
  ];
  expect(pick(routes, "www.example.com", "/b").name).toBe("one");
  expect(pick(routes, "WWW.Example.COM.:8080", "/b").name).toBe("one");
  expect(pick(routes, "www.example.com", "/c").name).toBe("com");
  expect(pick(routes, "x.eu.example.com", "/a").name).toBe("eu");
  expect(pick(routes, "x.eu.example.com", "/").name).toBe("com");
  expect(pick(routes, "example.com", "/").name).toBe("any");
  expect(pick(routes, "badexample.com", "/").name).toBe("any");
  expect(pick(routes, "", "/").name).toBe("any");
  expect(pick(routes, `${"x.".repeat(5000)}example.com`, "/").name).toBe("any");
});

test("hosts lose port, case and the final dot", () => {
  expect(["A.b:80", "a.b.", "a.b.:80", "[::1]:80", "[::1]", "a.b"].map(normaliseHost)).toEqual([
    "a.b",
    "a.b",
    "a.b",
    "[::1]",
    "[::1]",
    "a.b",
  ]);
});

test("a method that does not fit falls through; a route with methods comes before one without", () => {
  const routes = [
    route("/", { name: "all" }),
    route("/a/*", { name: "a" }),
    route("/a/*", { name: "post a", methods: ["POST"] }),
    route("/a/b", { name: "put b", methods: ["PUT"] }),
  ];
  expect(pick(routes, "h", "/a/b", "PUT").name).toBe("put b");
  expect(pick(routes, "h", "/a/b", "POST").name).toBe("post a");
  expect(pick(routes, "h", "/a/b", "GET").name).toBe("a");
  expect(pick([route("/x/*", { methods: ["GET"] })], "h", "/x", "PUT").name).toBeNull();
});

test("globs and groups are captured", () => {
  expect(pick([route("/u/*/p/**")], "h", "/u/ann/p/a/b").captures).toEqual(["ann", "a/b"]);
  expect(pick([route(String.raw`~ ^/u/(\d+)(/x)?`)], "h", "/u/7").captures).toEqual(["7", ""]);
  expect(pick([route("/u/*")], "h", "/u/7").captures).toBeNull();
});

test("paths too long for regular expressions go to the next route", () => {
  const routes = [route("/", { name: "all" }), route("~ ^/a", { name: "regex" })];
  expect(pick(routes, "h", `/a${"b".repeat(REGEX_PATH_MAX - 2)}`).name).toBe("regex");
  expect(pick(routes, "h", `/a${"b".repeat(REGEX_PATH_MAX - 1)}`).name).toBe("all");
});

test("it picks what a naive matcher picks", () => {
  const segment = fc.constantFrom("a", "b", "c", "");
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join("/")}`);
  const text = fc.oneof(
    path,
    path.map((p) => `${p.replace(/\/+$/, "")}/*`),
    path.map((p) => (p.endsWith("/") ? p : `${p}/`)),
    fc.tuple(path, path).map(([a, b]) => `${a}/*${b}`.replaceAll("//", "/")),
    fc.tuple(path, path).map(([a, b]) => `${a}/**${b}`.replaceAll("//", "/")),
    fc.constantFrom("~ ^/a", "~ c$", "~ ^/(a|b)/b"),
  );
  const host = fc.constantFrom("x.test", "*.test", "*.x.test", "y.x.test");
  const routes = fc.array(
    fc.record({
      texts: fc.array(text, { minLength: 1, maxLength: 2 }),
      hosts: fc.array(host, { maxLength: 2 }),
      methods: fc.subarray(["GET", "PUT"]),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      routes,
      fc.array(path, { minLength: 1, maxLength: 8 }),
      fc.constantFrom("x.test", "y.x.test", "z.test", "other"),
      fc.constantFrom("GET", "PUT"),
      (list, paths, name, method) => {
        const configs = list.map(({ texts, hosts, methods }) => route(texts, { hosts, methods }));
        const router = compileRouter(configs);
        for (const one of paths)
          expect(router.match(name, one, method).route?.index ?? -1).toBe(naive(configs, name, one, method));
      },
    ),
    { numRuns: 300 },
  );
});

/** Ranks every pair of host and pattern that matches, and takes the first. */
function naive(routes: readonly RouteConfig[], host: string, path: string, method: string): number {
  const ranks: (readonly number[])[] = [];
  routes.forEach(({ hosts, paths, methods }, index) => {
    if (methods.length > 0 && !methods.includes(method)) return;
    for (const h of hosts.length === 0 ? [""] : hosts) {
      const hostRank =
        h === "" ? 0 : h === host ? 1000 : h.startsWith("*.") && host.endsWith(h.slice(1)) ? h.length : -1;
      if (hostRank < 0) continue;
      for (const p of paths) {
        const rank = pathRank(p, path);
        if (rank) ranks.push([-hostRank, ...rank, p.kind === "regex" || methods.length > 0 ? 0 : 1, index]);
      }
    }
  });
  ranks.sort((a, b) => a.reduce((order, value, i) => order || value - b[i]!, 0));
  return ranks[0]?.at(-1) ?? -1;
}

function pathRank(p: PathPattern, path: string): readonly number[] | null {
  switch (p.kind) {
    case "exact":
      return p.path === path ? [0, 0] : null;
    case "glob": {
      const source = p.pattern
        .split("/")
        .slice(1)
        .map((s) => (s === "**" ? "(?:/[^/]*)*" : `/${s.replaceAll("*", "[^/]*")}`))
        .join("");
      return new RegExp(`^${source}$`).test(path) ? [1, -p.pattern.replaceAll("*", "").length] : null;
    }
    case "regex":
      return new RegExp(p.source).test(path) ? [2, 0] : null;
    case "prefix":
      return p.path === "/" || path === p.path || path.startsWith(p.path.endsWith("/") ? p.path : `${p.path}/`)
        ? [3, -p.path.length]
        : null;
  }
}

test("ten thousand routes match as fast as ten", () => {
  const make = (count: number) =>
    compileRouter(
      Array.from({ length: count }, (_, i) =>
        route([`/service-${i}/v1/*`, `/exact/${i}`], { hosts: i % 2 ? [`host-${i}.test`] : [] }),
      ),
    );
  const few = make(10);
  const many = make(10_000);
  const probe = (router: ReturnType<typeof make>) => {
    const begun = process.hrtime.bigint();
    for (let i = 0; i < 20_000; i++) {
      router.match("host-7.test", "/service-7/v1/items/12", "GET");
      router.match("other.test:8080", "/service-8/v1/items/12", "GET");
      router.match("other.test", "/nowhere", "GET");
    }
    return Number(process.hrtime.bigint() - begun) / 60_000;
  };
  const rounds = Array.from({ length: 7 }, () => [probe(few), probe(many)] as const);
  const [fewNs, manyNs] = [Math.min(...rounds.map(([ns]) => ns)), Math.min(...rounds.map(([, ns]) => ns))];
  if (process.env["SHOW_FIGURES"])
    process.stdout.write(`match: ${fewNs.toFixed(0)} ns with 10 routes, ${manyNs.toFixed(0)} ns with 10,000\n`);
  // A scan would be a thousand times slower; the room is for caches of the processor and a busy machine.
  expect(manyNs).toBeLessThan(fewNs * 10 + 1000);
});
