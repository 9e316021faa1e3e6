// Style as a test. Each rule names what is wrong, where, and what to write instead; each asserts that it read files,
// so that a moved folder cannot make it pass by finding nothing. Rules that biome or tsc can hold are left to them.
//
// The direction of imports: a folder imports itself and the folders of the groups to its left. Within a group
// folders do not know each other. Tests may also use the lab.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const GROUPS = [
  ["std"],
  ["failure"],
  ["wire", "resilience", "config", "knowledge"],
  ["net"],
  ["nginx", "upstream", "explain", "variables", "routing", "content", "filter", "access", "cache"],
  ["observe"],
  ["incidents"],
  ["proxy", "doctor", "client", "site", "lab", "store", "notify"],
  ["console", "node"],
  ["cli"],
];
/** Sans-IO: bytes, facts and a clock in, values out. */
const PURE = ["failure", "wire", "resilience", "knowledge", "explain", "nginx", "variables", "routing", "incidents"];
const LINES_MAX = 450;
/** Tables: as long as what they list. */
const TABLES = ["src/failure/causes.ts"];

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Folders of src/ that it holds in; absent = all. */
  readonly within?: readonly string[];
  /** Folders of src/ that it does not hold in. */
  readonly except?: readonly string[];
  /** Files that it does not hold in, because they are what the rule speaks of. */
  readonly mayIn?: readonly string[];
  /** Looked for in the text as it stands, so that a comment in the braces makes the difference. */
  readonly raw?: true;
}

/** Looked for in src/ without its comments and strings; tests are free of them. */
const BANS: readonly Ban[] = [
  {
    pattern: /\bconsole\s*\.\s*(?:log|info|warn|error|debug|trace)\b/,
    instead: "the log of std/log.ts, or process.stdout in cli/",
    except: ["cli", "lab", "std"],
  },
  {
    pattern: /\bset(?:Timeout|Interval)\s*\(/,
    instead: "the Clock of std/clock.ts, passed in: a timer per request costs more than the request",
    within: [...PURE, "proxy", "upstream"],
    mayIn: ["src/proxy/gateway.ts"],
  },
  {
    pattern: /\bDate\.now\s*\(|\bnew Date\(\)|\bperformance\.now\s*\(/,
    instead: "the Clock of std/clock.ts, passed in",
    within: [...PURE, "proxy", "upstream", "config"],
    mayIn: ["src/proxy/gateway.ts", "src/proxy/date.ts"],
  },
  {
    pattern: /\bMath\.random\s*\(/,
    instead: "a source of randomness that is passed in",
    within: [...PURE, "proxy", "upstream"],
  },
  {
    pattern: /(?<![\w.$])50[234](?![\w.])/,
    instead: "the status of the cause (failure/causes.ts): a status is a column of the table, never an `if`",
    within: ["std", "wire", "resilience", "net", "upstream", "observe", "proxy", "cli"],
    mayIn: ["src/wire/status.ts", "src/observe/metrics.ts"],
  },
  {
    pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/,
    instead: "a handler that handles, or a comment in it that says why there is nothing to do",
    raw: true,
  },
  {
    pattern: /\.catch\(\s*\(\s*\)\s*=>\s*(?:\{\s*\}|undefined)\s*\)/,
    instead: "a handler that handles a rejection",
    raw: true,
  },
  { pattern: /\bprocess\.binding\b/, instead: "a public interface of Node" },
  {
    pattern: /\b(?:execSync|spawnSync)\s*\(/,
    instead: "the asynchronous form: the data path waits for nobody",
    mayIn: ["src/cli/nginx/resolve-names.ts"],
  },
];

interface Source {
  /** From the root of the repository, with "/". */
  readonly path: string;
  readonly text: string;
  /** Text with comments and the insides of strings blanked; lines stay where they are. */
  readonly code: string;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const all = readTree(root);
const src = all.filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts"));
const isTest = ({ path }: Source): boolean => /\.(?:test|fixture)\.ts$/.test(path);
const program = src.filter((file) => !isTest(file));

test("there is something to read", () => {
  expect(program.length).toBeGreaterThan(0);
  expect(all.length).toBeGreaterThan(program.length);
});

test("every folder of src/ has its place in the direction of imports", () => {
  const known = new Set(GROUPS.flat());
  expect(src.filter((file) => !known.has(folderOf(file))).map(({ path }) => path)).toEqual([]);
});

test("folders import only themselves and what stands to their left", () => {
  const rank = new Map(GROUPS.flatMap((folders, index) => folders.map((folder) => [folder, index] as const)));
  const wrong: string[] = [];
  let imports = 0;
  for (const file of src) {
    const own = folderOf(file);
    for (const { specifier, line } of importsOf(file)) {
      if (!specifier.startsWith(".") || specifier.endsWith("/package.json")) continue;
      imports += 1;
      const target = join(dirname(file.path), specifier).split(sep);
      const folder = target[1] ?? "";
      const inTests = isTest(file) && (folder === "lab" || target[0] !== "src");
      const toTheLeft = target[0] === "src" && (rank.get(folder) ?? Infinity) < (rank.get(own) ?? -1);
      if (folder === own || inTests || toTheLeft) continue;
      wrong.push(`${file.path}:${line}: ${own}/ may not import ${specifier}: move what both need to the left`);
    }
  }
  expect(imports).toBeGreaterThan(0);
  expect(wrong).toEqual([]);
});

test("client/ runs in a browser: no node: imports", () => {
  const wrong = program
    .filter((file) => folderOf(file) === "client")
    .flatMap((file) =>
      importsOf(file)
        .filter(({ specifier }) => specifier.startsWith("node:"))
        .map(({ specifier, line }) => `${file.path}:${line}: ${specifier}: use what browsers have too`),
    );
  expect(wrong).toEqual([]);
});

test("only net/ opens connections", () => {
  const call = /\b(?:net|tls)\s*\.\s*(?:connect|createConnection)\s*\(/;
  const named = /import\s*\{[^}]*\b(?:connect|createConnection)\b[^}]*\}\s*from\s*"node:(?:net|tls)"/;
  const wrong = program
    .filter((file) => !["net", "lab"].includes(folderOf(file)))
    .filter((file) => call.test(file.code) || named.test(file.text))
    .map(({ path }) => `${path}: use net/'s dial, which has a deadline and a failure for every phase`);
  expect(wrong).toEqual([]);
});

test.each(BANS)("the program uses $instead", ({ pattern, instead, within, except, mayIn, raw }) => {
  const wrong = program
    .filter((file) => within === undefined || within.includes(folderOf(file)))
    .filter((file) => !(except ?? []).includes(folderOf(file)) && !(mayIn ?? []).includes(file.path))
    // Text that runs in a browser.
    .filter(({ path }) => !path.endsWith("/page-assets.ts"))
    .flatMap((file) =>
      matchesOf(raw ? file.text : file.code, pattern).map(
        (line) => `${file.path}:${line}: ${lineOf(file, line)} → ${instead}`,
      ),
    );
  expect(wrong).toEqual([]);
});

test("a file of the program opens with its rules", () => {
  const wrong = program
    .filter(({ text }) => !text.startsWith("//"))
    .map(({ path }) => `${path}: open with 3–10 lines that say its rules and strategy`);
  expect(wrong).toEqual([]);
});

test(`no file is longer than ${LINES_MAX} lines`, () => {
  const code = all.filter(({ path }) => /\.(?:ts|mjs|js|c)$/.test(path));
  expect(code.length).toBeGreaterThan(0);
  const wrong = code
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ path, lines }) => lines > LINES_MAX && !TABLES.includes(path))
    .map(({ path, lines }) => `${path}: ${lines} lines: find the two things that it does`);
  expect(wrong).toEqual([]);
});

test("a file is named after what it holds", () => {
  const wrong = all
    .filter(({ path }) => /(?:^|[/_.-])(?:utils?|helpers?|misc|common)\.(?:test\.)?(?:ts|mjs|js)$/.test(path))
    .map(({ path }) => `${path}: name the noun that it is about`);
  expect(wrong).toEqual([]);
});

test("nothing names a place on somebody's machine", () => {
  const place = /(?<![\w.~}*-])\/(?:work|home|root|tmp)\//;
  const code = all.filter(({ path }) => /\.(?:ts|mjs|js|sh|c|ya?ml)$|^\.ci\/|^package\.json$|^tsconfig/.test(path));
  const wrong = code
    // Logs and configurations of other programs are cited as they were found.
    .filter(({ path }) => !/^(?:test\/corpus|knowledge|src\/knowledge|src\/explain)\//.test(path))
    .flatMap(({ path, text }) =>
      matchesOf(text, place).map((line) => `${path}:${line}: use os.tmpdir() or a relative path`),
    );
  expect(wrong).toEqual([]);
});

test("no package needs an install script, and the program needs few packages", () => {
  interface Lock {
    packages: Record<string, { dev?: boolean; hasInstallScript?: boolean; optional?: boolean }>;
  }
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as Lock;
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  expect(packages.length).toBeGreaterThan(0);
  // `npm start` installs with --ignore-scripts, and npm 12 does so by default.
  expect(
    packages.filter(([, { hasInstallScript, optional }]) => hasInstallScript === true && optional !== true),
  ).toEqual([]);
  // The store brings most of them: libsql, kysely, and pg with a dozen small ones.
  expect(packages.filter(([, { dev, optional }]) => dev !== true && optional !== true).length).toBeLessThanOrEqual(23);
});

test("blanking keeps code and drops comments and strings", () => {
  const text = [
    "a(502); // 502",
    "/* 502",
    '502 */ b("502", `502 ${x({ y: `502 ${z}` })} 502`);',
    "c(`x ${502} ${{}}`);",
    'd(/[/"`]502/, 502);',
  ].join("\n");
  expect(matchesOf(blank(text), /502/)).toEqual([1, 4, 5]);
  expect(
    blank(text)
      .split("\n")
      .map((line) => line.length),
  ).toEqual(text.split("\n").map((line) => line.length));
});

function readTree(folder: string): Source[] {
  const skipped = new Set(["node_modules", "dist", ".git", "results", ".goodgate", "coverage"]);
  const read = new Set([".ts", ".mjs", ".js", ".json", ".md", ".yaml", ".yml", ".sh", ".c", ".conf", ""]);
  const found: Source[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) found.push(...readTree(full));
    } else if (entry.isFile() && read.has(extname(entry.name))) {
      const text = readFileSync(full, "utf8");
      const path = relative(root, full).split(sep).join("/");
      found.push({ path, text, code: path.startsWith("src/") && path.endsWith(".ts") ? blank(text) : text });
    }
  }
  return found;
}

function folderOf({ path }: Source): string {
  return path.split("/")[1] ?? "";
}

function importsOf({ text }: Source): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = [];
  const statement =
    /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  for (const match of text.matchAll(statement)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? "";
    found.push({ specifier, line: text.slice(0, match.index + match[0].length).split("\n").length });
  }
  return found;
}

/** Numbers of the lines that a pattern is found in. */
function matchesOf(text: string, pattern: RegExp): number[] {
  const lines = new Set<number>();
  for (const match of text.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))) {
    lines.add(text.slice(0, match.index).split("\n").length);
  }
  return [...lines];
}

function lineOf({ text }: Source, line: number): string {
  return text.split("\n")[line - 1]?.trim() ?? "";
}

/** Comments, strings and the text of templates become spaces; code in `${…}` stays, and so do the lines. */
function blank(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<=[(,=:[!&|?;]\s*)\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/|[`{}]/y;
  const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;
  /** One entry for each open brace: whether it is the `${` of a template. */
  const braces: boolean[] = [];
  let out = "";
  let at = 0;
  const match = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? "";
  };
  const skip = (part: string): void => {
    out += part.replace(/[^\n]/g, " ");
    at += part.length;
  };
  while (at < text.length) {
    const part = match(token);
    if (part === "`" || (part === "}" && braces.pop() === true)) {
      skip(part);
      const rest = match(templateText);
      if (rest.endsWith("${")) braces.push(true);
      skip(rest);
    } else if (part === "" || part === "{" || part === "}") {
      if (part === "{") braces.push(false);
      out += text[at];
      at += 1;
    } else {
      skip(part);
    }
  }
  return out;
}
