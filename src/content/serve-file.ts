// The content of a location that serves files, in nginx's order: for a folder random_index, index, autoindex, else 403;
// for a file its compressed twin (gzip_static), then the file itself; a folder without its slash is redirected. The
// outcome is a value: who answers adds conditions (not-modified.ts), ranges (ranges.ts) and fields, and writes.
import { escapeUri } from "../wire/escape.ts";
import { jsonpCallback, listingText, listingType } from "./autoindex.ts";
import { answer, answerProblem, type ContentRequest, type StatusOutcome } from "./content-request.ts";
import { readDirectory } from "./directory.ts";
import { EMPTY_GIF, EMPTY_GIF_MODIFIED_SECONDS, EMPTY_GIF_TYPE } from "./empty-gif.ts";
import { fileEtag, lastModifiedSeconds } from "./etag.ts";
import { isAbsent, isProblem, problemStatus } from "./file-problem.ts";
import { findIndex, type InternalOutcome, pickIndex } from "./index-files.ts";
import { charsetOf, typeOf } from "./mime.ts";
import type { OpenedFile } from "./opened-file.ts";
import { climbsOut } from "./path.ts";

/** What answers a request for content. Ranges may be cut out of a file, of nothing else. */
export type ContentOutcome =
  | FileOutcome
  /** 301 to this path and query, which are escaped. */
  | { readonly kind: "redirect"; readonly location: string }
  | InternalOutcome
  /** 200 without a length known before (nginx sends it in chunks). For HEAD the body is empty. */
  | { readonly kind: "listing"; readonly body: Buffer; readonly type: string; readonly charset: string }
  /** 200 with a body that is always the same. */
  | { readonly kind: "bytes"; readonly body: Buffer; readonly type: string; readonly modifiedSeconds: number }
  | StatusOutcome;

export interface FileOutcome {
  readonly kind: "file";
  /** Whoever gets it closes it. */
  readonly file: OpenedFile;
  /** "" = no Content-Type. */
  readonly type: string;
  /** What the location labels it with; "" = none. */
  readonly charset: string;
  readonly modifiedSeconds: number;
  /** null = etag off. */
  readonly etag: string | null;
  readonly encoding: "gzip" | null;
  /** There is a compressed twin and the location says so: "Vary: Accept-Encoding". */
  readonly vary: boolean;
}

/** Content of kind "files" or "random-index". */
export async function serveFile(request: ContentRequest): Promise<ContentOutcome> {
  const { method, uri, path, settings, report } = request;
  const isRead = method === "GET" || method === "HEAD";
  if (!isRead && method !== "POST") return answer(405);
  if (climbsOut(request)) {
    report("error", `"${path}" is outside of its root`);
    return answer(404);
  }
  if (!uri.endsWith("/")) return (await compressedTwin(request)) ?? serveAsIs(request, false);
  const index = settings.content.kind === "random-index" ? await pickIndex(request) : null;
  const found = index ?? (await findIndex(request));
  if (found) return found;
  if (isRead && settings.autoindex) return listFolder(request);
  report("error", `directory index of "${path}" is forbidden`);
  return answer(403);
}

/** Content of kind "empty-gif". */
export function serveEmptyGif(method: string): ContentOutcome {
  if (method !== "GET" && method !== "HEAD") return answer(405);
  return { kind: "bytes", body: EMPTY_GIF, type: EMPTY_GIF_TYPE, modifiedSeconds: EMPTY_GIF_MODIFIED_SECONDS };
}

/** null = the file itself. */
async function compressedTwin(request: ContentRequest): Promise<ContentOutcome | null> {
  const { method, path, settings, symlinks, store, report } = request;
  const { gzipStatic, gzipRules } = settings.filters;
  if (gzipStatic === "off" || method === "POST") return null;
  const isAccepted = gzipStatic === "always" || request.acceptsGzip();
  if (!isAccepted && !gzipRules.vary) return null;
  const file = await store.open(`${path}.gz`, symlinks);
  if (isProblem(file)) {
    if (!isAbsent(file)) report(problemStatus(file).level, file.problem);
    return null;
  }
  const vary = gzipStatic === "on" && gzipRules.vary;
  if (!isAccepted) {
    file.close();
    return serveAsIs(request, vary);
  }
  if (file.isDirectory) return vary ? serveAsIs(request, vary) : null;
  return fileOutcome(file, request, { encoding: "gzip", vary });
}

async function serveAsIs(request: ContentRequest, vary: boolean): Promise<ContentOutcome> {
  const { method, uri, args, path, symlinks, store } = request;
  const file = await store.open(path, symlinks);
  if (isProblem(file)) return answerProblem(file, request);
  if (file.isDirectory) {
    return { kind: "redirect", location: `${escapeUri(uri)}/${args === "" ? "" : `?${args}`}` };
  }
  if (file.isFile && method === "POST") {
    file.close();
    return answer(405);
  }
  return fileOutcome(file, request, { encoding: null, vary });
}

function fileOutcome(
  file: OpenedFile,
  { uri, settings, render, report }: ContentRequest,
  how: Pick<FileOutcome, "encoding" | "vary">,
): ContentOutcome {
  if (!file.isFile) {
    report("crit", `"${file.path}" is not a regular file`);
    file.close();
    return answer(404);
  }
  const modifiedSeconds = lastModifiedSeconds(file.mtimeMs);
  const type = typeOf(uri, settings.types) ?? render(settings.types.default);
  return {
    kind: "file",
    file,
    type,
    charset: charsetOf(type, settings.filters.charset, render),
    modifiedSeconds,
    etag: settings.response.etag ? fileEtag(modifiedSeconds, file.sizeBytes) : null,
    ...how,
  };
}

async function listFolder(request: ContentRequest): Promise<ContentOutcome> {
  const { method, uri, args, path, settings, render, report } = request;
  const config = settings.autoindex!;
  const asked = config.format === "jsonp" ? jsonpCallback(args) : { callback: "" };
  if ("problem" in asked) {
    report("info", asked.problem);
    return answer(400);
  }
  const { callback } = asked;
  const entries = await readDirectory(path.length > 1 ? path.slice(0, -1) : path, (p) => report("crit", p.problem));
  if (isProblem(entries)) {
    const { status, level } = problemStatus(entries);
    report(level, entries.problem);
    return answer(status);
  }
  const own = listingType(config, callback);
  const charset = own.charset === "" ? charsetOf(own.type, settings.filters.charset, render) : own.charset;
  if (method === "HEAD") return { kind: "listing", body: Buffer.alloc(0), type: own.type, charset };
  const isUtf8 = charset.toLowerCase() === "utf-8";
  const zoneOffsetMinutes = -new Date().getTimezoneOffset();
  const text = listingText(entries, { uri, config, callback, isUtf8, zoneOffsetMinutes });
  return { kind: "listing", body: Buffer.from(text, "latin1"), type: own.type, charset };
}
