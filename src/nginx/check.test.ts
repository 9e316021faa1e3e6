import { expect, test } from "vitest";
import { run, said } from "./corpus.fixture.ts";

const check = (text: string, files: Readonly<Record<string, string>> = {}) =>
  run(new Map([["nginx.conf", text], ...Object.entries(files)]));

test("what makes no difference here is listed with its reason", () => {
  const { accepted, problems } = check(
    "worker_rlimit_nofile 10;\nevents { worker_connections 1; }\nhttp { sendfile on; }",
  );
  expect(accepted.map(({ spec }) => spec.name)).toEqual([
    "worker_rlimit_nofile",
    "events",
    "worker_connections",
    "sendfile",
  ]);
  expect(accepted.every(({ spec }) => spec.why !== undefined)).toBe(true);
  expect(problems).toEqual([]);
});

test("what is refused within a refused block is told once, mistakes in it are told all the same", () => {
  const { problems } = check(
    "events {}\nmail {\n  server {\n    listen 25;\n    protocol smtp;\n    nonsense;\n  }\n}\n",
  );
  expect(problems.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
    'scope: "mail" is not supported: Goodgate is no mail proxy',
    'directive: unknown directive "nonsense"',
  ]);
});

test("the same file in two places is held against each of them", () => {
  const { problems } = check("events { include x; }\nhttp { include x; }\n", { x: "sendfile on;\n" });
  expect(problems.map(({ message }) => message)).toEqual(['"sendfile" directive is not allowed here']);
});

test("files that include each other too deeply", () => {
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, level) => [`a${level}`, `include a${level + 1};\n`]));
  const { problems } = check("events {}\ninclude a0;\n", files);
  expect(problems.map(({ message }) => message)).toEqual(["files include each other more than 50 deep"]);
});

test("a file of another kind is not looked at to its end", () => {
  const { problems } = check("no directive at all;\n".repeat(100_000));
  expect(problems.length).toBe(1000);
});

test("a place that is shown holds characters, not bytes", () => {
  const text = Buffer.from('events {}\nhttp { sendfile "äöü"; }\n', "utf8").toString("latin1");
  const { problems } = check(text);
  expect(said({ problems, accepted: [] })).toEqual([
    'nginx.conf:2:17: error: invalid value "äöü" in "sendfile" directive, it must be "on" or "off"',
  ]);
  expect(problems[0]).toMatchObject({ length: 5, source: 'http { sendfile "äöü"; }' });
});
