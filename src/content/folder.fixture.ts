// A folder of files for tests, and requests for them.
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RootConfig } from "../config/servers.ts";
import type { ContentRequest, ContentSettings } from "./content-request.ts";
import { FileStore } from "./files.ts";
import { mapToPath } from "./path.ts";
import { FOLLOW_SYMLINKS } from "./symlinks.ts";

export interface Folder {
  /** Byte text. */
  readonly path: string;
  /** Writes a file (a name with a slash at its end: a folder); names and contents are byte text. */
  add(name: string, content?: string): string;
  remove(): void;
}

/** Files are old enough to be kept, modified at 2001-09-09 01:46:40. */
export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "goodgate-content-"));
  return {
    path,
    add(name, content = "") {
      const full = Buffer.from(`${path}/${name}`, "latin1");
      mkdirSync(dirname(full.toString("utf8")), { recursive: true });
      if (name.endsWith("/")) mkdirSync(full, { recursive: true });
      else writeFileSync(full, content, "latin1");
      utimesSync(full, 1e9, 1e9);
      return `${path}/${name}`;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const PLAIN_SETTINGS: ContentSettings = {
  content: { kind: "files" },
  index: ["index.html"],
  autoindex: null,
  types: { byExtension: { html: "text/html", txt: "text/plain" }, default: "application/octet-stream" },
  filters: {
    gzip: null,
    gunzip: false,
    gzipStatic: "off",
    gzipRules: { minHttpMinor: 1, proxied: ["off"], vary: false, disable: [] },
    sub: null,
    ssi: null,
    charset: null,
    addition: null,
    sliceBytes: 0,
  },
  logNotFound: true,
  response: { etag: true },
};

export function rootAt(path: string): RootConfig {
  return { kind: "root", path, prefixLength: 0, disableSymlinks: "off", symlinksFrom: null };
}

export function aliasAt(path: string, prefixLength: number): RootConfig {
  return { ...rootAt(path), kind: "alias", prefixLength };
}

/** A GET; `log` gets "[level] text". */
export function requestFor(
  uri: string,
  root: RootConfig,
  given: Partial<ContentRequest> & { readonly log?: string[] } = {},
): ContentRequest {
  const { log, ...more } = given;
  return {
    method: "GET",
    uri,
    args: "",
    ...mapToPath(root, root.path, uri),
    settings: PLAIN_SETTINGS,
    symlinks: FOLLOW_SYMLINKS,
    store: new FileStore(10),
    render: (text) => text.replaceAll("{$uri}", uri),
    acceptsGzip: () => false,
    report: (level, text) => log?.push(`[${level}] ${text}`),
    random: () => 0,
    ...more,
  };
}
