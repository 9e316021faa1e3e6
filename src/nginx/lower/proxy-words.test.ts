// Whatever stands behind the directives of proxying, upstreams, caches and TLS: nothing throws, and where nothing is
// wrong there is a Config.
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkDirectives } from "../check.ts";
import type { Context } from "../directives/spec.ts";
import { DIRECTIVES } from "../directives/table.ts";
import { loadNginx } from "../load.ts";
import { confOf, lowered } from "./proxy.fixture.ts";

const MODULES = /^http_(?:proxy|upstream\w*|ssl|tunnel)$/;

/** Names that may stand in a block of this kind. */
function namesIn(context: Context): string[] {
  const specs = [...DIRECTIVES.values()].flat();
  const rows = specs.filter(
    ({ module, contexts, args }) => MODULES.test(module) && contexts.includes(context) && args.block === "none",
  );
  return rows.map(({ name }) => name);
}

const word = fc.constantFrom(
  ...[
    "on",
    "off",
    "default",
    "two",
    "consistent",
    "cookie",
    "route",
    "learn",
    "lookup=$arg_a",
    "create=$arg_a",
    "zone=z:1m",
  ],
  ...[
    "1",
    "0",
    "10s",
    "4k",
    "8",
    "http://a",
    "https://$host/",
    "127.0.0.1:81",
    "unix:/a",
    "[::1]",
    "a:b",
    "$host",
    "${host}",
  ],
  ...[
    "~^a",
    "~*",
    '""',
    "error",
    "http_500",
    "200",
    "any",
    "keys_zone=y:1m",
    "levels=1:2",
    "max=1",
    "weight=2",
    "backup",
  ],
  ...["resolve", "service=x", "user:rw", "TLSv1.2", "Options", "-SessionTicket", "shared:z:1m", "data:x", "expires=1h"],
);

type Place = "http" | "upstream" | "server" | "location";

/** A file with these lines in each of the blocks. */
function textOf(lines: Partial<Record<Place, string>>): string {
  const { http = "", upstream = "", server = "", location = "" } = lines;
  return `${http}\nupstream u { ${upstream} }\nserver { ${server}\nlocation / { ${location} } }`;
}

/** Lowering comes after the check against the table of directives. */
function passesCheck(http: string): boolean {
  const loaded = loadNginx("nginx.conf", { read: () => confOf(http), list: () => [] });
  return (
    !("errno" in loaded) && !checkDirectives(loaded, DIRECTIVES).problems.some(({ severity }) => severity === "error")
  );
}

/** Some lines, each of which passes the check by itself. */
function linesIn(place: Place): fc.Arbitrary<string> {
  const words = fc.sample(fc.array(word, { maxLength: 4 }), { numRuns: 60, seed: 5 });
  const lines = namesIn(place).flatMap((name) => words.map((each) => `${[name, ...each].join(" ")};`));
  const passing = [...new Set(lines)].filter((line) => passesCheck(textOf({ [place]: line })));
  return fc.array(fc.constantFrom(...passing), { maxLength: 4 }).map((some) => some.join("\n"));
}

test("nothing throws", () => {
  let lowerings = 0;
  const parts = fc.record({
    http: linesIn("http"),
    upstream: linesIn("upstream"),
    server: linesIn("server"),
    location: linesIn("location"),
  });
  fc.assert(
    fc.property(parts, (lines) => {
      const text = textOf(lines);
      if (!passesCheck(text)) return;
      lowerings += 1;
      const { config, told } = lowered(text);
      expect(config === null).toBe(told.some((each) => each.startsWith("[emerg]")));
    }),
    { numRuns: 1000 },
  );
  expect(lowerings).toBeGreaterThan(300);
});
