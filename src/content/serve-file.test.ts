import { symlinkSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ContentRequest, ContentSettings } from "./content-request.ts";
import { isProblem } from "./file-problem.ts";
import { FileStore } from "./files.ts";
import { aliasAt, type Folder, makeFolder, PLAIN_SETTINGS, requestFor, rootAt } from "./folder.fixture.ts";
import { type ContentOutcome, serveEmptyGif, serveFile } from "./serve-file.ts";

let folder: Folder;
let log: string[];
beforeEach(() => {
  folder = makeFolder();
  log = [];
});
afterEach(() => folder.remove());

function serve(uri: string, given: Partial<ContentRequest> = {}): Promise<ContentOutcome> {
  return serveFile(requestFor(uri, rootAt(folder.path), { log, ...given }));
}

function withSettings(given: Partial<ContentSettings>): Partial<ContentRequest> {
  return { settings: { ...PLAIN_SETTINGS, ...given } };
}

function gzipStatic(mode: "on" | "always", vary: boolean): ContentSettings {
  const { filters } = PLAIN_SETTINGS;
  return {
    ...PLAIN_SETTINGS,
    filters: { ...filters, gzipStatic: mode, gzipRules: { ...filters.gzipRules, vary } },
  };
}

async function contentOf(outcome: ContentOutcome): Promise<string> {
  if (outcome.kind !== "file") return outcome.kind;
  const piece = await outcome.file.read(0, outcome.file.sizeBytes);
  outcome.file.close();
  return isProblem(piece) ? piece.problem : piece.toString("latin1");
}

test("a file with its type, tag and date", async () => {
  folder.add("a.html", "content");
  const store = new FileStore(10);
  const outcome = await serve("/a.html", { store });
  expect(outcome).toMatchObject({
    kind: "file",
    type: "text/html",
    charset: "",
    modifiedSeconds: 1e9,
    etag: '"3b9aca00-7"',
    encoding: null,
    vary: false,
  });
  expect(await contentOf(outcome)).toBe("content");
  expect(store.openCount).toBe(0);
});

test("types by extension, the default, and a charset for types that have one", async () => {
  const charset = { charset: "utf-8", source: "", override: false, types: ["text/html"] };
  const settings = { ...PLAIN_SETTINGS, filters: { ...PLAIN_SETTINGS.filters, charset } };
  const labels: string[] = [];
  for (const name of ["a.HTML", "a.txt", "a.constructor", ".html", "dir.html/noext"]) {
    folder.add(name);
    const outcome = await serve(`/${name}`, { settings });
    labels.push(outcome.kind === "file" ? `${outcome.type};${outcome.charset}` : outcome.kind);
    await contentOf(outcome);
  }
  const other = "application/octet-stream;";
  expect(labels).toEqual(["text/html;utf-8", "text/plain;", other, other, other]);
});

test("without etag", async () => {
  folder.add("a.html");
  const outcome = await serve("/a.html", withSettings({ response: { etag: false } }));
  expect(outcome).toMatchObject({ etag: null });
  await contentOf(outcome);
});

test("what is not there is 404 and logged, unless that is turned off", async () => {
  expect(await serve("/none")).toEqual({ kind: "status", status: 404 });
  expect(log).toEqual([`[error] open() "${folder.path}/none" failed (2: No such file or directory)`]);
  expect(await serve("/none", withSettings({ logNotFound: false }))).toEqual({ kind: "status", status: 404 });
  expect(log).toHaveLength(1);
});

test("methods: files are read, nothing else", async () => {
  folder.add("a.html");
  folder.add("dir/");
  const status = async (uri: string, method: string): Promise<unknown> => {
    const outcome = await serve(uri, { method });
    await contentOf(outcome);
    return outcome.kind === "status" ? outcome.status : outcome.kind;
  };
  expect(await status("/a.html", "HEAD")).toBe("file");
  expect(await status("/a.html", "POST")).toBe(405);
  expect(await status("/none", "POST")).toBe(404);
  expect(await status("/dir", "POST")).toBe("redirect");
  expect(await status("/dir/", "POST")).toBe(403);
  for (const method of ["PUT", "DELETE", "OPTIONS"]) {
    expect(await status("/a.html", method)).toBe(405);
    expect(await status("/dir/", method)).toBe(405);
  }
});

test("a folder without its slash is redirected, escaped and with its query", async () => {
  folder.add("a b%\xff/");
  expect(await serve("/a b%\xff")).toEqual({ kind: "redirect", location: "/a%20b%25%FF/" });
  expect(await serve("/a b%\xff", { args: "x=%20" })).toEqual({ kind: "redirect", location: "/a%20b%25%FF/?x=%20" });
});

test("index: the first that is there", async () => {
  folder.add("dir/b.html");
  const index = ["a.html", "b.html", "/other.html"];
  expect(await serve("/dir/", withSettings({ index }))).toEqual({ kind: "internal", uri: "/dir/b.html" });
  expect(await serve("/", withSettings({ index }))).toEqual({ kind: "internal", uri: "/other.html" });
  folder.add("b.html");
  const alias = requestFor("/x/", aliasAt(`${folder.path}/dir/`, 3), withSettings({ index }));
  expect(await serveFile(alias)).toEqual({ kind: "internal", uri: "/x/b.html" });
});

test("index: nothing there", async () => {
  folder.add("dir/");
  folder.add("file");
  expect(await serve("/dir/")).toEqual({ kind: "status", status: 403 });
  expect(await serve("/none/")).toEqual({ kind: "status", status: 404 });
  expect(await serve("/file/")).toEqual({ kind: "status", status: 404 });
  expect(log).toEqual([
    `[error] directory index of "${folder.path}/dir/" is forbidden`,
    `[error] "${folder.path}/none/index.html" is not found (2: No such file or directory)`,
    `[error] "${folder.path}/file/index.html" is not found (20: Not a directory)`,
  ]);
  await serve("/none/", withSettings({ logNotFound: false }));
  expect(log).toHaveLength(3);
});

test("a listing, after the index file", async () => {
  folder.add("dir/one", "x");
  folder.add("dir/.hidden");
  symlinkSync("nowhere", `${folder.path}/dir/dangling`);
  const autoindex = { format: "json", exactSize: true, localTime: false } as const;
  const outcome = await serve("/dir/", withSettings({ autoindex }));
  expect(outcome).toMatchObject({ kind: "listing", type: "application/json", charset: "" });
  const entries = JSON.parse(outcome.kind === "listing" ? outcome.body.toString() : "") as object[];
  expect(entries).toMatchObject([
    { name: "dangling", type: "other" },
    { name: "one", type: "file", size: 1 },
  ]);
  expect(await serve("/dir/", { method: "HEAD", ...withSettings({ autoindex }) })).toMatchObject({
    kind: "listing",
    body: Buffer.alloc(0),
  });
  const jsonp = { ...autoindex, format: "jsonp" } as const;
  expect(await serve("/dir/", { args: "callback=a-b", ...withSettings({ autoindex: jsonp }) })).toEqual({
    kind: "status",
    status: 400,
  });
  folder.add("dir/index.html");
  expect(await serve("/dir/", withSettings({ autoindex }))).toMatchObject({ kind: "internal" });
});

test("a listing in UTF-8 counts characters", async () => {
  const name = "\xd1\x84".repeat(40);
  folder.add(`dir/${name}`);
  const autoindex = { format: "html", exactSize: true, localTime: false } as const;
  const charset = { charset: "utf-8", source: "", override: false, types: ["text/html"] };
  const utf8 = await serve("/dir/", withSettings({ autoindex, filters: { ...PLAIN_SETTINGS.filters, charset } }));
  const bytes = await serve("/dir/", withSettings({ autoindex }));
  expect(utf8.kind === "listing" && utf8.body.toString("latin1")).toContain(`>${name}</a>`);
  expect(utf8).toMatchObject({ charset: "utf-8" });
  expect(bytes.kind === "listing" && bytes.body.toString("latin1")).not.toContain(`>${name}</a>`);
});

test("random_index takes a file of the folder, by chance, and goes on to index where there is none", async () => {
  folder.add("dir/one");
  folder.add("dir/two");
  folder.add("dir/sub/index.html");
  const random = withSettings({ content: { kind: "random-index" } });
  const picked = new Set<unknown>();
  for (const chance of [0, 0.5, 0.999]) picked.add(await serve("/dir/", { ...random, random: () => chance }));
  expect([...picked].map((outcome) => (outcome as { uri: string }).uri).sort()).toEqual(
    expect.arrayContaining(["/dir/one", "/dir/two"]),
  );
  folder.add("empty/");
  expect(await serve("/empty/", random)).toEqual({ kind: "status", status: 403 });
  expect(await serve("/none/", random)).toEqual({ kind: "status", status: 404 });
  expect(log[1]).toBe(`[error] opendir() "${folder.path}/none" failed (2: No such file or directory)`);
});

test("gzip_static serves the compressed twin to who takes it", async () => {
  folder.add("a.html", "plain");
  folder.add("a.html.gz", "compressed");
  folder.add("b.html", "alone");
  folder.add("c.html", "folder");
  folder.add("c.html.gz/");
  const get = async (uri: string, settings: ContentSettings, takes: boolean, method = "GET"): Promise<string> => {
    const outcome = await serve(uri, { settings, method, acceptsGzip: () => takes });
    const content = await contentOf(outcome);
    return outcome.kind === "file" ? `${content} ${outcome.encoding} ${outcome.vary} ${outcome.type}` : content;
  };
  const on = gzipStatic("on", false);
  expect(await get("/a.html", on, true)).toBe("compressed gzip false text/html");
  expect(await get("/a.html", on, false)).toBe("plain null false text/html");
  expect(await get("/b.html", on, true)).toBe("alone null false text/html");
  expect(await get("/c.html", on, true)).toBe("folder null false text/html");
  const vary = gzipStatic("on", true);
  expect(await get("/a.html", vary, true)).toBe("compressed gzip true text/html");
  expect(await get("/a.html", vary, false)).toBe("plain null true text/html");
  expect(await get("/b.html", vary, true)).toBe("alone null false text/html");
  expect(await get("/a.html", gzipStatic("always", true), false)).toBe("compressed gzip false text/html");
  expect(log).toEqual([]);
});

test("nothing climbs out of the root", async () => {
  folder.add("secret", "x");
  folder.add("dir/file", "y");
  const alias = (uri: string): Promise<ContentOutcome> =>
    serveFile(requestFor(uri, aliasAt(`${folder.path}/dir/`, "/img".length), { log }));
  expect(await alias("/img../secret")).toEqual({ kind: "status", status: 404 });
  expect(log).toEqual([`[error] "${folder.path}/dir/../secret" is outside of its root`]);
  expect(await serve("/dir/../secret")).toEqual({ kind: "status", status: 404 });
  expect(await serve("/dir/..")).toEqual({ kind: "status", status: 404 });
  expect(await contentOf(await alias("/imgfile"))).toBe("y");
  // Dots of the configuration's, and names that only look like it.
  const dotted = requestFor("/file", rootAt(`${folder.path}/dir/../dir`), {});
  expect(await contentOf(await serveFile(dotted))).toBe("y");
  folder.add("dir/..x", "z");
  expect(await contentOf(await serve("/dir/..x"))).toBe("z");
});

test("a pattern's alias is the file, up to its first capture as the configuration says", async () => {
  folder.add("dir/file", "y");
  const root = { ...aliasAt(`${folder.path}/dir/{$1}`, -1) };
  const at = (rest: string): ContentRequest => ({
    ...requestFor("/any", root, {}),
    path: `${folder.path}/dir/${rest}`,
  });
  expect(await contentOf(await serveFile(at("file")))).toBe("y");
  expect(await serveFile(at("../dir/file"))).toEqual({ kind: "status", status: 404 });
});

test("the empty gif", () => {
  const outcome = serveEmptyGif("GET");
  expect(outcome).toMatchObject({ kind: "bytes", type: "image/gif", modifiedSeconds: 23_349_600 });
  expect(outcome.kind === "bytes" && outcome.body.length).toBe(43);
  expect(outcome.kind === "bytes" && outcome.body.toString("latin1", 0, 6)).toBe("GIF89a");
  expect(serveEmptyGif("POST")).toEqual({ kind: "status", status: 405 });
});
