import { afterEach, beforeEach, expect, test } from "vitest";
import type { RootConfig, TryFilesConfig } from "../config/servers.ts";
import { FileStore } from "./files.ts";
import { aliasAt, type Folder, makeFolder, rootAt } from "./folder.fixture.ts";
import { FOLLOW_SYMLINKS } from "./symlinks.ts";
import { type TryFilesOutcome, tryFiles } from "./try-files.ts";

let folder: Folder;
let log: string[];
beforeEach(() => {
  folder = makeFolder();
  log = [];
  folder.add("found.html");
  folder.add("directory/found.html");
});
afterEach(() => folder.remove());

function attempt(
  uri: string,
  paths: readonly string[],
  last: TryFilesConfig["last"] = { status: 404 },
  root: RootConfig = rootAt(folder.path),
): Promise<TryFilesOutcome> {
  return tryFiles(
    { paths, last },
    {
      uri,
      root,
      renderedRoot: root.path,
      store: new FileStore(10),
      symlinks: FOLLOW_SYMLINKS,
      render: (text) => text.replaceAll("{$uri}", uri),
      report: (level, text) => log.push(`[${level}] ${text}`),
    },
  );
}

const NONE: TryFilesOutcome = { kind: "status", status: 404 };

function found(uri: string): TryFilesOutcome {
  return { kind: "found", uri, addUri: false };
}

test("files are files and folders folders", async () => {
  expect(await attempt("/found.html", ["{$uri}"])).toEqual(found("/found.html"));
  expect(await attempt("/x", ["/none", "/found.html"])).toEqual(found("/found.html"));
  expect(await attempt("/x", ["/found.html/"])).toEqual(NONE);
  expect(await attempt("/x", ["/directory"])).toEqual(NONE);
  // The slash is no part of the new uri: a redirect follows.
  expect(await attempt("/x", ["/directory/"])).toEqual(found("/directory"));
  expect(await attempt("/directory/", ["{$uri}", "{$uri}/"])).toEqual(found("/directory/"));
});

test("the last one is where to go", async () => {
  expect(await attempt("/x", ["{$uri}"], "/fallback?u={$uri}")).toEqual({ kind: "last", to: "/fallback?u=/x" });
  expect(await attempt("/x", ["{$uri}"], "@named")).toEqual({ kind: "last", to: "@named" });
  expect(await attempt("/found.html/x", ["{$uri}"], { status: 410 })).toEqual({ kind: "status", status: 410 });
  expect(log).toEqual([]);
});

test("below an alias the location's prefix is taken off what variables brought", async () => {
  const alias = aliasAt(`${folder.path}/directory/`, "/a/".length);
  expect(await attempt("/a/found.html", ["{$uri}"], undefined, alias)).toEqual(found("/a/found.html"));
  expect(await attempt("/a/x", ["found.html"], undefined, alias)).toEqual(found("/a/found.html"));
  expect(await attempt("/a/x", ["/a/found.html"], undefined, alias)).toEqual(NONE);
  expect(await attempt("/a/x", [], "{$uri}.html", alias)).toEqual({ kind: "last", to: "x.html" });
  expect(await attempt("/a/x", [], "/a/y", alias)).toEqual({ kind: "last", to: "/a/y" });
});

test("below a pattern's alias the uri is added to it", async () => {
  const alias = aliasAt(`${folder.path}/directory`, -1);
  expect(await attempt("/found.html", ["{$uri}"], undefined, alias)).toEqual({
    kind: "found",
    uri: "/found.html",
    addUri: true,
  });
  expect(await attempt("/x", ["/"], undefined, alias)).toEqual(found("/x"));
});

test("nothing outside of the root is found", async () => {
  expect(await attempt("/../found.html", ["{$uri}"], undefined, rootAt(`${folder.path}/directory`))).toEqual(NONE);
});
