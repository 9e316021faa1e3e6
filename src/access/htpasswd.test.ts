import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkBasicAuth, parseBasicCredentials } from "./basic-auth.ts";
import { parseUserFile, UserFiles } from "./htpasswd.ts";

const MD5 = "$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.";
const SHA512 = "$6$saltstring$adDbXsJjcDlq2662QPgd.tkSOVmnG9Tt3oXl4HR60SusC3AGjirnDenVZp3DGwLwqy6iYKCzannhaX9DR72nN1";

let folder: string;
let path: string;
let at: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "goodgate-users-"));
  path = join(folder, "users");
  at = 0;
});

afterEach(() => rm(folder, { recursive: true }));

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials, "latin1").toString("base64")}`;
}

test("a line is a name and an entry, which a colon or CR ends; the first of a name holds", () => {
  const text = "# comment\n\r\n\na:1\nb:2\r\nc:3:comment\nno entry\na:4\n:5\nd:6";
  expect([...parseUserFile(text)]).toEqual([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
    ["", "5"],
    ["d", "6"],
  ]);
});

test.each([
  [undefined, null],
  ["", null],
  ["Bearer dTpw", null],
  ["Basic", null],
  ["Basic ", null],
  ["Basic dTpw", { user: "u", password: "p" }],
  ["bASIC   dTpw", { user: "u", password: "p" }],
  ["Basic dTpw=ignored", { user: "u", password: "p" }],
  ["Basic dTp!", null],
  ["Basic dTpwc", null],
  ["Basic dTo=", { user: "u", password: "" }],
  ["Basic OnA=", null],
  ["Basic dXA=", null],
  ["Basic dTphOmI=", { user: "u", password: "a:b" }],
])("the field %j", (field, credentials) => {
  expect(parseBasicCredentials(field)).toEqual(credentials);
});

test("who is in the file with this password is let in; others are asked", async () => {
  await writeFile(path, `plain:{PLAIN}password\nmd5:${MD5}\nsha:${SHA512}\nodd:$y$x`);
  const files = new UserFiles(() => at);
  const ask = async (credentials: string) => checkBasicAuth(basic(credentials), "closed", files, path);
  for (const user of ["plain", "md5", "sha"]) {
    expect(await ask(`${user}:password`)).toEqual({ kind: "ok", user });
    expect(await ask(`${user}:Password`)).toEqual({
      kind: "challenge",
      challenge: 'Basic realm="closed"',
      log: { level: "error", text: `user "${user}": password mismatch` },
    });
  }
  expect(await ask("nobody:password")).toMatchObject({
    kind: "challenge",
    log: { text: `user "nobody" was not found in "${path}"` },
  });
  expect(await ask("odd:1")).toMatchObject({ kind: "error", log: { level: "crit" } });
  expect(await checkBasicAuth(undefined, "closed", files, path)).toMatchObject({
    kind: "challenge",
    log: { level: "info", text: "no user/password was provided for basic authentication" },
  });
});

test("a missing file forbids, one that cannot be read is an error", async () => {
  const files = new UserFiles(() => at);
  const missing = await checkBasicAuth(basic("u:p"), "r", files, path);
  expect(missing).toEqual({
    kind: "forbidden",
    log: { level: "error", text: `open() "${path}" failed (2: No such file or directory)` },
  });
  expect(await checkBasicAuth(basic("u:p"), "r", files, folder)).toMatchObject({ kind: "error" });
});

test("a credential that was found right is answered at once, until the file changes", async () => {
  await writeFile(path, `u:${SHA512}`);
  const files = new UserFiles(() => at);
  expect(files.check(path, "u", "password")).toBeInstanceOf(Promise);
  expect(await files.check(path, "u", "password")).toEqual({ outcome: "match" });
  expect(files.check(path, "u", "password")).toEqual({ outcome: "match" });
  expect(files.check(path, "u", "wrong")).toBeInstanceOf(Promise);
  at = 1000;
  expect(files.check(path, "u", "password")).toBeInstanceOf(Promise);
  expect(await files.check(path, "u", "password")).toEqual({ outcome: "match" });
  await writeFile(path, "u:{PLAIN}new");
  await utimes(path, 1, 1);
  expect(files.check(path, "u", "password")).toEqual({ outcome: "match" });
  at = 2000;
  expect(await files.check(path, "u", "password")).toEqual({ outcome: "mismatch" });
  expect(files.check(path, "u", "new")).toEqual({ outcome: "match" });
  await rm(path);
  at = 3000;
  expect(await files.check(path, "u", "new")).toMatchObject({ outcome: "unreadable" });
});

test("a long check leaves the loop to others", async () => {
  await writeFile(path, `u:${SHA512.replace("$6$", "$6$rounds=20000$")}\np:{PLAIN}p`);
  const files = new UserFiles(() => at);
  await files.check(path, "p", "p");
  let turns = 0;
  let over = false;
  const check = Promise.resolve(files.check(path, "u", "wrong")).finally(() => {
    over = true;
  });
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  expect(await check).toEqual({ outcome: "mismatch" });
  expect(turns).toBeGreaterThanOrEqual(10);
});
