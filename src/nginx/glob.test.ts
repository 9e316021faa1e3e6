import { expect, test } from "vitest";
import { glob, isPattern } from "./glob.ts";

const TREE: Readonly<Record<string, readonly string[]>> = {
  "/": ["etc"],
  "/etc": ["nginx"],
  "/etc/nginx": ["conf.d", "sites", "a.conf", "x*y", "[z]"],
  "/etc/nginx/conf.d": ["b.conf", "a.conf", "B.conf", "10.conf", "9.conf", ".hidden.conf", "readme", "a.conf.bak"],
  "/etc/nginx/sites": ["one", "two"],
  "/etc/nginx/sites/one": ["nginx.conf", "other"],
  "/etc/nginx/sites/two": ["other"],
};
const list = (path: string) => TREE[path.replace(/(?<=.)\/$/, "")] ?? null;

test.each<[pattern: string, names: string[]]>([
  ["/etc/nginx/conf.d/*.conf", ["conf.d/10.conf", "conf.d/9.conf", "conf.d/B.conf", "conf.d/a.conf", "conf.d/b.conf"]],
  ["/etc/nginx/conf.d/?.conf", ["conf.d/9.conf", "conf.d/B.conf", "conf.d/a.conf", "conf.d/b.conf"]],
  ["/etc/nginx/conf.d/[a-b].conf", ["conf.d/a.conf", "conf.d/b.conf"]],
  ["/etc/nginx/conf.d/[!a-zA-Z]*", ["conf.d/10.conf", "conf.d/9.conf"]],
  ["/etc/nginx/conf.d/.*", ["conf.d/.hidden.conf"]],
  ["/etc/nginx/conf.d/[.]hidden.conf", []],
  ["/etc/nginx/conf.d/*a*f", ["conf.d/a.conf"]],
  ["/etc/nginx/*/a.conf", ["conf.d/a.conf"]],
  ["/etc/nginx/sites/*/nginx.conf", ["sites/one/nginx.conf"]],
  ["/etc/nginx/s*/*/*", ["sites/one/nginx.conf", "sites/one/other", "sites/two/other"]],
  ["/etc/nginx/none/*", []],
  ["/etc/nginx/x\\*[xy]", ["x*y"]],
  ["/etc/nginx/[[]z]", ["[z]"]],
  ["/etc/nginx/conf.d/[z-a]*", []],
  ["/etc//nginx/a.c*", ["a.conf"]],
])("%s", (pattern, names) => {
  expect(glob(pattern, list)).toEqual(names.map((name) => `/etc/nginx/${name}`));
});

test("what is a pattern", () => {
  expect(["a.conf", "*.conf", "a?", "[a", "a{b,c}", "a]"].map(isPattern)).toEqual([
    false,
    true,
    true,
    true,
    false,
    false,
  ]);
});
