import { expect, test } from "vitest";
import type { LogFormatConfig } from "../config/servers.ts";
import { COMBINED } from "../config/standards.ts";
import { compileLogFormat, escapeLog } from "./log-format.ts";
import { fakeSubject } from "./subject.fixture.ts";
import type { Subject } from "./subject.ts";
import { VariableTable } from "./table.ts";

const table = new VariableTable([]);

function line(format: Pick<LogFormatConfig, "escape" | "text">, overrides: Partial<Subject> = {}): string {
  const compiled = compileLogFormat(format, (name) => table.variable(name));
  if (typeof compiled !== "function") throw new Error(compiled.unknown);
  return compiled(fakeSubject(overrides));
}

// As nginx 1.22.1 writes the same bytes.
const AGENT = 'a"b\\c\x7f\xe9\td';
const header = (name: string): string | undefined =>
  name === "user-agent" ? AGENT : name === "x-empty" ? "" : undefined;

test("combined", () => {
  expect(line(COMBINED, { header })).toMatch(
    /^192\.0\.2\.7 - - \[\d\d\/Nov\/2026:[\d:]{8} [+-]\d{4}\] "GET \/a%20b\?x=1 HTTP\/1\.1" 200 300 "-" "a\\x22b\\x5Cc\\x7F\\xE9\\x09d"$/,
  );
});

test.each([
  ["default", 'a\\x22b\\x5Cc\\x7F\\xE9\\x09d|-||"{'],
  ["json", 'a\\"b\\\\c\x7f\xe9\\td|||"{'],
  ["none", `${AGENT}|||"{`],
] as const)("escape=%s", (way, expected) => {
  expect(line({ escape: way, text: '{$http_user_agent}|{$arg_none}|{$http_x_empty}|"{{' }, { header })).toBe(expected);
});

test("every byte survives or is escaped as nginx does it", () => {
  for (let code = 0; code < 256; code++) {
    const byte = String.fromCharCode(code);
    const plain = code >= 0x20 && code < 0x7f && byte !== '"' && byte !== "\\";
    expect(escapeLog(byte)).toBe(plain ? byte : `\\x${code.toString(16).toUpperCase().padStart(2, "0")}`);
  }
});

test("a name that nobody knows is told", () => {
  expect(compileLogFormat({ escape: "none", text: "{$nope}" }, (name) => table.variable(name))).toEqual({
    unknown: "nope",
  });
});
