// The corpus: what we say of each case, and that it is what nginx says, first from its files, then from nginx itself.
import { beforeAll, describe, expect, test } from "vitest";
import { corpusCases, PREFIX, run, said, verdict } from "./corpus.fixture.ts";
import { formatNginx } from "./format.ts";
import { dumpFiles } from "./load.ts";
import { parseNginx } from "./parse.ts";
import { askNginx, dumpByNginx, whyNotAsked } from "./real-nginx.fixture.ts";
import { makeSource } from "./source.ts";
import { type ConfFile, printTree, walk } from "./tree.ts";

const cases = corpusCases();

test("there are cases", () => {
  expect(cases.length).toBeGreaterThan(80);
});

describe.each(cases)("$name: $about", ({ files, nginx, problems }) => {
  test("nginx's words and line, and ours", () => {
    const result = run(files);
    expect(verdict(result)).toBe(nginx);
    expect(said(result)).toEqual(problems);
  });

  test("every file is printed byte for byte", () => {
    for (const [name, text] of files) expect(printTree(parseNginx(makeSource(name, text)))).toBe(text);
  });

  test("formatting changes no meaning, and nothing the second time", () => {
    for (const [name, text] of files) {
      const file = parseNginx(makeSource(name, text));
      const formatted = formatNginx(file);
      expect(formatted === null).toBe(file.problems.length > 0);
      if (formatted === null) continue;
      const again = parseNginx(makeSource(name, formatted));
      expect(meaningOf(again)).toEqual(meaningOf(file));
      expect(formatNginx(again)).toBe(formatted);
    }
  });
});

describe("nginx itself", () => {
  let whyNot: string | null = null;
  beforeAll(async () => {
    whyNot = await whyNotAsked();
  });

  const compared = cases.filter(({ notCompared }) => notCompared === undefined);
  test.for(compared)("$name", async ({ files, nginx }, context) => {
    if (whyNot !== null) context.skip(whyNot);
    expect(await askNginx(files)).toBe(nginx);
  });

  const dumped = cases.filter(({ nginx, name }) => nginx === "accepted" && !name.startsWith("scope"));
  test.for(dumped)("dumps $name as we do", async ({ files }, context) => {
    if (whyNot !== null) context.skip(whyNot);
    expect(dumpFiles(run(files).files).replaceAll(PREFIX, "")).toBe(await dumpByNginx(files));
  });

  test.for(["4093", "4094", "4095", "4096", "4097"])("parameters of %s bytes, in all forms", async (size, context) => {
    if (whyNot !== null) context.skip(whyNot);
    for (const form of ["W;", "W ;", '"W";', '"W" ;', '"W"  ;', "'W'\n;", "a; # W\n", "W", '"W', "W\n }\n", "#W"]) {
      const text = `events {}\nhttp {\n    types {\n${form.replace("W", "w".repeat(Number(size)))}\n    }\n}\n`;
      const files = new Map([["nginx.conf", text]]);
      const ours = verdict(run(files));
      expect(`${form} ${await askNginx(files)}`).toBe(`${form} ${ours}`);
    }
  });

  test("a soup of what has a meaning", async (context) => {
    if (whyNot !== null) context.skip(whyNot);
    for (let seed = 1; seed <= 60; seed++) {
      const files = new Map([["nginx.conf", `events {}\nhttp {\n    types {\n${soup(seed)}\n    }\n}\n`]]);
      const [ours, theirs] = [verdict(run(files)), await askNginx(files)];
      // nginx prints a name with a line end over several lines of its log.
      expect(theirs, JSON.stringify(files.get("nginx.conf"))).toBe(ours);
    }
  });
});

const PIECES = ["a", "b", " ", " ", "\n", ";", ";", "{", "}", '"', "'", "\\", "$", "#", "(", ")", "t", "\r", "a b;\n"];

/** The same text for the same seed. */
function soup(seed: number): string {
  let state = seed * 7919;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(state / 256) % below;
  };
  return Array.from({ length: 5 + next(40) }, () => PIECES[next(PIECES.length)]).join("");
}

/** What nginx gets from a file. */
function meaningOf({ directives }: ConfFile): unknown {
  return [...walk(directives)].map(({ name, args, block, code }) => [
    name,
    args.map(({ value, quote }) => [value, quote]),
    block?.directives.length,
    code,
  ]);
}

test("the files of a case are where they seem to be", () => {
  const { files } = run(new Map([["nginx.conf", "events {}\n"]]));
  expect(files.map(({ source }) => source.path)).toEqual([`${PREFIX}nginx.conf`]);
});
