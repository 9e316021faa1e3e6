import { expect, test } from "vitest";
import { refusalsOf, takes } from "../arguments.ts";
import { parseNginx } from "../parse.ts";
import { makeSource } from "../source.ts";
import { contextWithin, DIRECTIVES, specIn } from "./table.ts";

const all = [...DIRECTIVES.values()].flat();

test("the table is whole", () => {
  expect(DIRECTIVES.size).toBeGreaterThan(650);
  for (const name of ["proxy_pass", "listen", "server_name", "add_header", "limit_req", "ssl_certificate", "sticky"])
    expect(DIRECTIVES.has(name), name).toBe(true);
});

test("a name has one meaning in a place", () => {
  const twice = all.filter((spec) => spec.contexts.some((context) => specIn(DIRECTIVES, spec.name, context) !== spec));
  expect(twice.map(({ name, module }) => `${name} of ${module}`)).toEqual([]);
});

test("what is not done has a reason, and what is done has none", () => {
  const wrong = all.filter(({ status, why }) => (status === "lowered") !== (why === undefined));
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

test("defaults are what the directive takes", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const spec of all) {
    // "4k|8k" depends on the machine; a default may say in words what a directive does without being there.
    if (
      spec.default === undefined ||
      /[|]|^none$|^IP address|^host from/.test(spec.default) ||
      spec.args.block !== "none"
    )
      continue;
    const [directive] = parseNginx(makeSource("", `${spec.name} ${spec.default};`)).directives;
    count += 1;
    if (!takes(spec.args.count, directive!.args.length) || refusalsOf(spec, directive!).length > 0)
      wrong.push(`${spec.name} ${spec.default}`);
  }
  expect(count).toBeGreaterThan(300);
  expect(wrong).toEqual([]);
});

test("blocks lead somewhere", () => {
  for (const { name, contexts, args } of all) {
    if (args.block !== "directives") continue;
    for (const context of contexts) expect(contextWithin(name, context), `${name} in ${context}`).toBeDefined();
  }
});
