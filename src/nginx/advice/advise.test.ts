// Every rule has a case in which it finds something and one in which it does not, and no rule finds anything in a
// configuration that is right; where comments silence a rule, and where a rule keeps silent because it cannot know.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { filesOf, PREFIX, run } from "../corpus.fixture.ts";
import { loadNginx } from "../load.ts";
import { adviceCases, advise, inHttp, lineOf } from "./advice.fixture.ts";
import { adviseNginx } from "./advise.ts";
import { RULES } from "./rules.ts";

const cases = adviceCases();

describe("the corpus", () => {
  test.each(RULES)("$id has a risk and a right one", ({ id }) => {
    expect(cases.filter(({ rule }) => rule === id).map(({ kind }) => kind)).toEqual(["fine", "risk"]);
  });

  test.each(cases)("$rule, $kind", ({ rule, kind, said, files }) => {
    const found = advise(files);
    expect(found.map(lineOf)).toEqual(said);
    expect(RULES.map(({ id }) => id)).toContain(rule);
    if (kind === "risk") expect(found.map((each) => each.rule)).toContain(rule);
    else expect(found.filter((each) => !each.note || each.rule === rule)).toEqual([]);
  });

  test.each(cases)("nginx would accept $rule, $kind", ({ files }) => {
    const errors = run(files).problems.filter(({ severity }) => severity === "error");
    expect(errors.map(({ message }) => message)).toEqual([]);
  });
});

const LOCALHOST = "proxy_pass http://localhost:3000;";
const rulesOf = (text: string) =>
  advise(inHttp(text))
    .filter(({ note }) => !note)
    .map(({ rule }) => rule);

describe("goodgate-ignore", () => {
  test.each([
    [`server { location / {\n# goodgate-ignore: localhost-twice\n${LOCALHOST} } }`, []],
    [`server { location / { ${LOCALHOST} # goodgate-ignore: localhost-twice, slashes\n } }`, []],
    [`# goodgate-ignore: localhost-twice\nserver { location / { ${LOCALHOST} } }`, []],
    [`server { location / {\n# goodgate-ignore: slashes\n${LOCALHOST} } }`, ["localhost-twice"]],
    [`server { location / {\n# localhost-twice\n${LOCALHOST} } }`, ["localhost-twice"]],
    [`# goodgate-ignore: localhost-twice\nserver {}\nserver { location / { ${LOCALHOST} } }`, ["localhost-twice"]],
  ])("%s", (text, rules) => {
    expect(rulesOf(text)).toEqual(rules);
  });
});

describe("what cannot be known", () => {
  const files = (text: string) => new Map([["nginx.conf", `events {}\nhttp {\n${text}\n}\n`]]);
  const of = (text: string) => advise(files(text)).map(({ rule }) => rule);
  const WITHOUT = "server { server_name a.example.com; location / { proxy_pass http://10.0.0.1; } }";

  test("what an include that is missing would have said", () => {
    expect(of(WITHOUT)).toContain("host-missing");
    expect(of(WITHOUT.replace("proxy_pass", "include proxy.conf; proxy_pass"))).not.toContain("host-missing");
    expect(of(`include proxy.conf;\n${WITHOUT}`)).not.toContain("host-missing");
    // Of another location nothing follows for this one.
    expect(of(WITHOUT.replace("location", "location /a { include proxy.conf; }\nlocation"))).toContain("host-missing");
    // A pattern that fits no file is empty.
    expect(of(`include sites/*.conf;\n${WITHOUT}`)).toContain("host-missing");
  });

  test("what stands around a file that is checked by itself", () => {
    const part = new Map([
      ["part", WITHOUT],
      ["nginx.conf", "events {} http { include part; }"],
    ]);
    const loaded = loadNginx(`${PREFIX}nginx.conf`, filesOf(part));
    if ("errno" in loaded) throw new Error(loaded.text);
    expect(adviseNginx(loaded).map(({ rule }) => rule)).toContain("host-missing");
    expect(adviseNginx(loaded, true)).toEqual([]);
    // What stands in files that nobody wrote is told to nobody.
    expect(adviseNginx({ ...loaded, files: [] })).toEqual([]);
  });
});

test("a file that is included twice has its findings once", () => {
  const text = "events {} http { server { include a; } server { server_name b; include a; } }";
  const found = advise(
    new Map([
      ["nginx.conf", text],
      ["a", `location / { ${LOCALHOST} }`],
    ]),
  );
  expect(found.filter(({ rule }) => rule === "localhost-twice").map(({ position }) => position?.file)).toEqual([
    `${PREFIX}a`,
  ]);
});

test("the line of a secret is not repeated", () => {
  const found = advise(inHttp('server { location / { proxy_set_header Authorization "Bearer abcdefghijklmnop"; } }'));
  const secret = found.find(({ rule }) => rule === "secret-in-file");
  expect(secret).toBeDefined();
  expect(JSON.stringify({ ...secret, in: null })).not.toContain("abcdefghijklmnop");
});

test("docs/nginx.md lists every rule with what it looks for, and no other", () => {
  const page = readFileSync(fileURLToPath(new URL("../../../docs/nginx.md", import.meta.url)), "utf8");
  const [, section = ""] = /^### Risks$(.*?)^## /ms.exec(page) ?? [];
  const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` \| (.*) \|$/gm)].map(([, id, about]) => [id, about]);
  expect(rows).toEqual(RULES.map(({ id, about }) => [id, about]));
});
