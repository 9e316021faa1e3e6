// The chain as a whole: the corpus of chains that are run, and what holds for every chain whatever its values.
import fc from "fast-check";
import { expect, test } from "vitest";
import { SOFTWARE, SOFTWARE_IDS, type SoftwareId } from "../software.ts";
import { CASES } from "./cases.fixture.ts";
import { buildChain } from "./chain.ts";
import type { Inversion, TimeoutChain } from "./model.ts";
import { keptLonger, reusedLess } from "./rule-keepalive.ts";

function made(spec: string, ...whatIf: readonly string[]): TimeoutChain {
  const { chain, problems } = buildChain({ spec, whatIf, configs: [], targets: [] });
  expect(problems).toEqual([]);
  if (chain === null) throw new Error("no chain");
  return chain;
}

const named = ({ between, rule }: Inversion): string => `${between[0]} > ${between[1]} ${rule}`;

test("the corpus is there", () => {
  expect(CASES.length).toBeGreaterThanOrEqual(50);
});

test.each(CASES)("$name: $spec", ({ spec, risks, notes = [], silent = [], fix }) => {
  const { inversions } = made(spec);
  const found = (severity: string): readonly string[] =>
    inversions.filter((each) => each.severity === severity).map(named);
  expect(found("risk").toSorted()).toEqual(risks.toSorted());
  for (const note of notes) expect(found("note")).toContain(note);
  expect(inversions.filter(({ rule }) => silent.includes(rule)).map(named)).toEqual([]);
  const first = inversions.find((each) => named(each) === (risks.at(0) ?? notes.at(0)));
  if (fix !== undefined) expect(first?.fix).toContain(fix);
});

test("every inversion says both values, both hops and a fix, and is certain only where no value is a default", () => {
  for (const { spec } of CASES) {
    const { hops, inversions } = made(spec);
    for (const each of inversions) {
      expect(each.fix).not.toBe("");
      expect(each.certain).toBe(each.outer.from !== "default" && each.inner.from !== "default");
      const places = each.between.map((name) => hops.findIndex((hop) => hop.name === name));
      expect(places[0]).toBeGreaterThanOrEqual(0);
      expect(places[1]).toBeGreaterThanOrEqual(places[0] ?? 0);
    }
  }
});

test("what is written is certain, what is left to defaults is not", () => {
  const [written] = made("nginx(upstream-idle=60s) > node(keepAliveTimeout=5s)").inversions;
  expect(written).toMatchObject({ rule: "keepalive-order", certain: true, class: "keepalive-race" });
  expect(made("nginx > node").inversions[0]).toMatchObject({ rule: "keepalive-order", certain: false });
});

test("visitors get the answer of the hop that gives up first, wherever the order is broken", () => {
  const { inversions } = made("gcp > nginx > gunicorn(timeout=120)");
  const order = inversions.find(({ rule, severity }) => rule === "response-order" && severity === "risk");
  expect(order?.between).toEqual(["nginx", "gunicorn"]);
  expect(order?.text).toContain("visitors get the answer of Google Cloud load balancer");
  expect(order?.text).toContain("after 30s already, gunicorn works on for up to 90s");
  expect(order?.fix).toBe("let gunicorn give up before 30s: `gunicorn --timeout 25`");
});

test("a change says what was before and after, what it solves and what it makes", () => {
  const { whatIf, inversions } = made(
    "cloudflare > alb > nginx > node",
    "nginx.proxy_read_timeout=300s",
    "node.keepAliveTimeout=65000",
  );
  expect(whatIf?.changes).toEqual([
    { hop: "nginx", setting: "proxy_read_timeout", before: "60s", after: "300s" },
    { hop: "node", setting: "server.keepAliveTimeout", before: "5s", after: "65s" },
  ]);
  expect(whatIf?.solved.map(named)).toContain("nginx > node keepalive-order");
  expect(whatIf?.created.map(named)).toContain("alb > nginx response-order");
  for (const each of whatIf?.created ?? []) expect(inversions).toContainEqual(each);
});

test.each([
  ["alb.idle_timeout=300s", "alb", "idle_timeout", "300s"],
  ["aws-alb.idle_timeout=300s", "alb", "idle_timeout", "300s"],
  ["ALB.Idle_Timeout = 300 seconds", "alb", "idle_timeout", "300s"],
  ["nginx.response=5m", "nginx", "proxy_read_timeout", "300s"],
  ["nginx.fastcgi_read_timeout=90", "nginx", "fastcgi_read_timeout", "90s"],
  ["nginx.keepalive_timeout=70", "nginx", "keepalive_timeout", "70s"],
  ["nginx.upstream.keepalive_timeout=3s", "nginx", "upstream keepalive_timeout", "3s"],
  ["node.server.keepAliveTimeout=65_000", "node", "server.keepAliveTimeout", "65s"],
  ["node.worker=off", "node", "server.timeout", "never"],
  ["nginx.tries=3", "nginx", "tries", "3"],
])("%s is understood", (change, hop, setting, after) => {
  expect(made("alb > nginx > node", change).whatIf?.changes).toMatchObject([{ hop, setting, after }]);
});

test.each([
  ["ngnix.proxy_read_timeout=30s", 'did you mean "nginx"?'],
  ["nginx.proxy_raed_timeout=30s", 'did you mean "proxy_read_timeout"?'],
  ["nginx.proxy_read_timeout=soon", 'write it as "30s"'],
  ["nginx.proxy_read_timeout=99999d", "write off"],
  ["nginx.tries=many", "whole number"],
  ["nginx.proxy_read_timeout", "HOP.SETTING=VALUE"],
  ["=30s", "HOP.SETTING=VALUE"],
  ["nginx=30s", "hops: alb, nginx, node"],
])("%s is a problem with a next step, and the chain still stands", (change, next) => {
  const { chain, problems } = buildChain({ spec: "alb > nginx > node", whatIf: [change], configs: [], targets: [] });
  expect(chain?.hops.map(({ name }) => name)).toEqual(["alb", "nginx", "node"]);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.input).toBe(`--what-if "${change}"`);
  expect(problems[0]?.next).toContain(next);
});

const software = fc.constantFrom(...SOFTWARE_IDS.filter((id) => id !== "client"));
const chains = fc.array(software, { minLength: 1, maxLength: 6 });

test("hops stand in the order in which they were written, with names of their own", () => {
  fc.assert(
    fc.property(chains, (ids: readonly SoftwareId[]) => {
      const { hops } = made(ids.join(" > "));
      expect(hops.map((hop) => hop.software)).toEqual(ids);
      expect(new Set(hops.map(({ name }) => name)).size).toBe(ids.length);
    }),
  );
});

test("a change to the value that holds changes nothing", () => {
  fc.assert(
    fc.property(chains, fc.nat(), fc.nat(), (ids, which, what) => {
      const before = made(ids.join(" > "));
      const hop = before.hops[which % before.hops.length];
      const timer = hop?.timers[what % Math.max(1, hop.timers.length)];
      if (!hop || !timer) return;
      const value = timer.id === "tries" ? `${timer.value}` : timer.value === null ? "off" : `${timer.value}ms`;
      const { chain } = buildChain({
        spec: ids.join(" > "),
        whatIf: [`${hop.name}.${timer.setting}=${value}`],
        configs: [],
        targets: [],
      });
      expect(chain?.hops).toEqual(before.hops);
      expect(chain?.inversions).toEqual(before.inversions);
      expect(chain?.whatIf?.created).toEqual([]);
      expect(chain?.whatIf?.solved).toEqual([]);
    }),
  );
});

test("an idle time with its margin solves the race, whatever is in front", () => {
  const fronts = SOFTWARE_IDS.filter((id) => made(id).hops[0]?.timers.some((timer) => timer.id === "upstream-idle"));
  expect(fronts.length).toBeGreaterThan(10);
  fc.assert(
    fc.property(fc.constantFrom(...fronts), fc.integer({ min: 20, max: 7200 }), (front, seconds) => {
      const chain = (keepSeconds: number): TimeoutChain =>
        made(`${front}(upstream-idle=${seconds}s) > app(client-idle=${keepSeconds}s)`);
      const races = ({ inversions }: TimeoutChain): number =>
        inversions.filter(({ rule }) => rule === "keepalive-order").length;
      expect(races(chain(seconds + 5))).toBe(0);
      expect(races(chain(seconds))).toBe(1);
    }),
  );
});

test("the values that the fixes write are right", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 7_200_000 }), (ms) => {
      const races = (reuse: number, keep: number) =>
        made(`nginx(upstream-idle=${reuse}ms) > app(client-idle=${keep}ms)`).inversions.length;
      const quiet = races(1, 7_200_000);
      expect(races(ms, ms)).toBe(quiet + 1);
      expect(races(ms, keptLonger(ms))).toBe(quiet);
      expect(races(reusedLess(ms), ms)).toBe(quiet);
    }),
  );
});

test("whatever is written, there is an answer and no exception", () => {
  const texts = fc.oneof(
    fc.string(),
    fc
      .array(fc.constantFrom("nginx", "node", ">", "→", "(", ")", "=", "5s", ",", "client-idle", "x", " "), {
        maxLength: 20,
      })
      .map((all) => all.join("")),
  );
  fc.assert(
    fc.property(texts, texts, (spec, change) => {
      const { chain, problems } = buildChain({ spec, whatIf: [change], configs: [], targets: [] });
      if (chain === null) expect(problems.length).toBeGreaterThan(0);
      for (const { text, next } of problems) expect(text.length * next.length).toBeGreaterThan(0);
    }),
  );
});

test("every program makes a chain, alone and behind and in front of nginx", () => {
  for (const id of SOFTWARE_IDS) {
    const { hops } = made(`${id} > nginx > ${id}`);
    expect(hops.map((hop) => SOFTWARE[hop.software].name)).toContain(SOFTWARE[id].name);
  }
});
