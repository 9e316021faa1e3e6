import { expect, test } from "vitest";
import { filesOf, PREFIX, run, said, verdict } from "./corpus.fixture.ts";
import { dumpFiles, expand, loadNginx } from "./load.ts";

test("the main file that cannot be read", () => {
  expect(loadNginx("/etc/nginx/nginx.conf", filesOf(new Map()))).toEqual({
    call: "open",
    errno: 2,
    text: "No such file or directory",
  });
});

const FILES = new Map([
  ["nginx.conf", "events {}\nhttp {\n  include d/*.conf;\n  include twice;\n  include twice;\n}\n"],
  ["d/b.conf", "default_type b;\n"],
  ["d/a.conf", "# a\ninclude twice;\n"],
  ["twice", "\n"],
]);

test("a dump has each file once, in the order in which nginx opens them", () => {
  const file = (name: string) => `# configuration file ${PREFIX}${name}:\n${FILES.get(name)}\n`;
  expect(dumpFiles(run(FILES).files)).toBe(["nginx.conf", "d/a.conf", "twice", "d/b.conf"].map(file).join(""));
});

test("directives of included files stand in the place of the include", () => {
  const files = new Map([
    ["nginx.conf", "a;\ninclude d/*;\nb;\n"],
    ["d/2", "e;"],
    ["d/1", "c;\ninclude deep;\nd;"],
    ["deep", "deep;"],
  ]);
  const { main } = run(files);
  const names = [...expand(main.file.directives, main)].map(({ directive }) => directive.name);
  expect(names).toEqual(["a", "c", "deep", "d", "e", "b"]);
});

test("what the command line gave counts as if it stood in front of the file", () => {
  const files = new Map([["nginx.conf", "daemon on;\nevents {}\n"]]);
  expect(verdict(run(files, "daemon off;"))).toBe('[emerg] "daemon" directive is duplicate in nginx.conf:1');
  expect(verdict(run(files, "pid x; nonsense y;"))).toBe('[emerg] unknown directive "nonsense" in command line');
  expect(verdict(run(files, "pid x;"))).toBe("accepted");
});

test("a file that includes two of itself does not take forever", () => {
  const files = new Map([["nginx.conf", "events {}\ninclude a0;\n"]]);
  for (let level = 0; level < 40; level++) files.set(`a${level}`, `include a${level + 1};\n`.repeat(2));
  files.set("a40", "");
  const problems = said(run(files));
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.every((line) => line.endsWith("more than 10000 files are included"))).toBe(true);
});
