// Whether a response of an upstream is kept while it goes by, and as what: in the cache, or as a file of its own
// (proxy_store).
import { FileWriter } from "../../cache/file-writer.ts";
import { fieldValue, type ResponseHead } from "../../wire/head.ts";
import { parseHttpDate } from "../../wire/http-date.ts";
import { Fill } from "./fill.ts";
import type { ServerRequest } from "./request.ts";

/** null = it is not kept. */
export function beginFill(request: ServerRequest, head: ResponseHead): Fill | null {
  request.fill = request.cache ? request.cache.beginFill(head) : storeFill(request, head);
  return request.fill;
}

function storeFill(request: ServerRequest, head: ResponseHead): Fill | null {
  const { store, buffered } = request.location.proxy!.config.response;
  if (store === null || !buffered || head.status !== 200 || request.exchange.method === "HEAD") return null;
  const path = request.render(store.path);
  if (path === "") return null;
  const modified = fieldValue(head, "last-modified");
  const fill = new Fill({
    request,
    writer: new FileWriter({
      path,
      prefixBytes: 0,
      fileMode: store.mode,
      // Who may read a file may go through its folder.
      folderMode: store.mode | ((store.mode & 0o444) >> 2),
      mtimeSec: modified === undefined ? null : parseHttpDate(modified),
    }),
    prefix: () => EMPTY,
    onWritten: () => {},
  });
  request.releases.push(() => fill.abort());
  return fill;
}

const EMPTY = Buffer.alloc(0);
