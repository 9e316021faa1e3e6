// What makes the response of a location: an upstream, files, a page of ours.

import type { ContentRequest } from "../../content/content-request.ts";
import { isProblem } from "../../content/file-problem.ts";
import { withCharset } from "../../content/mime.ts";
import { type OpenedFile, PIECE_BYTES } from "../../content/opened-file.ts";
import { mapToPath } from "../../content/path.ts";
import { type ByteRange, planSegments } from "../../content/ranges.ts";
import { type ContentOutcome, serveEmptyGif, serveFile } from "../../content/serve-file.ts";
import { tryFiles as tryEach } from "../../content/try-files.ts";
import { failureOf } from "../../failure/classify.ts";
import { acceptsGzip } from "../../filter/accept-encoding.ts";
import { fieldValue } from "../../wire/head.ts";
import { formatHttpDate } from "../../wire/http-date.ts";
import { beginProxying } from "./proxied-request.ts";
import { redirectTo, redirectToNamed, redirectToTarget } from "./redirects.ts";
import { GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { ResponseHeader } from "./response-header.ts";
import type { ResponseSink } from "./sink.ts";
import { redirectHere, respondStatus, respondText, sendBytes } from "./special.ts";
import { statusPage } from "./status-page.ts";
import { beginTunneling } from "./tunnel.ts";

/** try_files: the first path that is there becomes the uri. */
export function tryFiles(request: ServerRequest): Outcome {
  const { tryFiles: config, root } = request.location.settings;
  if (config === null || (request.parent !== null && request.triedFiles)) return GO_ON;
  const { uri } = request;
  const asked = { ...contentRequest(request), uri, root, renderedRoot: request.location.root.render(request.subject) };
  void settle(request, tryEach(config, asked), (found) => {
    switch (found.kind) {
      case "found":
        request.uri = found.uri;
        request.addUri = found.addUri;
        request.asReceived = false;
        return request.run();
      case "last":
        if (found.to.startsWith("@")) return redirectToNamed(request, found.to);
        return redirectToTarget(request, found.to);
      case "status":
        return respondStatus(request, found.status);
    }
  });
  return WAIT;
}

export function serveContent(request: ServerRequest): void {
  const { location, contentBlock } = request;
  const { content } =
    location.settings.content.kind === "files" ? (contentBlock ?? location).settings : location.settings;
  if ((content.kind === "proxy" && !location.proxy) || (content.kind === "tunnel" && !location.tunnel)) {
    // The settings are those of a later block, which names no upstream.
    const detail = "two conditions hold: one passes the request on, the later one says nothing of it";
    return request.failed(failureOf("gateway-config-invalid", { detail }));
  }
  switch (content.kind) {
    case "proxy":
      return beginProxying(request);
    case "files":
    case "random-index":
      return void settle(request, serveFile(contentRequest(request)), (outcome) => answerContent(request, outcome));
    case "empty-gif":
      return answerContent(request, serveEmptyGif(request.method));
    case "status-page":
      if (request.method !== "GET" && request.method !== "HEAD") return respondStatus(request, 405);
      return respondText(request, 200, statusPage(request), "text/plain");
    case "tunnel":
      return beginTunneling(request);
    case "unsupported":
      return request.failed({ ...failureOf("gateway-config-invalid", { detail: content.why }), status: 501 });
  }
}

/** What waits for a disk ends in the exchange, whatever happens. */
async function settle<T>(request: ServerRequest, wait: Promise<T>, then: (value: T) => void): Promise<void> {
  try {
    const value = await wait;
    if (!request.exchange.ended) then(value);
    else if (isFile(value)) value.file.close();
  } catch (error) {
    request.exchange.client.onInternalError(error);
  }
}

function isFile(value: unknown): value is { readonly file: OpenedFile } {
  return typeof value === "object" && value !== null && "file" in value;
}

function contentRequest(request: ServerRequest): ContentRequest {
  const { location, exchange, servers } = request;
  const { settings } = location;
  const mapped = mapToPath(settings.root, location.root.render(request.subject), request.uri, request.addUri);
  const { disableSymlinks, symlinksFrom } = settings.root;
  return {
    method: request.method,
    uri: request.uri,
    args: request.args ?? "",
    path: mapped.path,
    rootLength: mapped.rootLength,
    settings,
    symlinks: { mode: disableSymlinks, from: symlinksFrom === null ? null : request.render(symlinksFrom) },
    store: servers.files,
    render: (text) => request.render(text),
    acceptsGzip: () => acceptsGzip(fieldValue(exchange.head, "accept-encoding") ?? ""),
    report: (level, text) => request.log(level, text),
    random: () => servers.random(),
  };
}

function answerContent(request: ServerRequest, outcome: ContentOutcome): void {
  if (outcome.kind !== "status" && outcome.kind !== "internal") request.testExpect();
  switch (outcome.kind) {
    case "status":
      return respondStatus(request, outcome.status);
    case "redirect":
      return redirectHere(request, 301, outcome.location);
    case "internal": {
      const { uri } = outcome;
      return redirectTo(request, uri, request.args);
    }
    case "listing": {
      const header = new ResponseHeader(200);
      header.add("Content-Type", withCharset(outcome.type, outcome.charset));
      return sendBytes(request, header, outcome.body, -1);
    }
    case "bytes": {
      const header = new ResponseHeader(200);
      header.add("Content-Type", outcome.type);
      header.add("Last-Modified", formatHttpDate(outcome.modifiedSeconds));
      header.conditional = true;
      return sendBytes(request, header, outcome.body);
    }
    case "file":
      return sendFile(request, outcome);
  }
}

function sendFile(request: ServerRequest, outcome: Extract<ContentOutcome, { kind: "file" }>): void {
  const { file } = outcome;
  const header = new ResponseHeader(200);
  header.length = file.sizeBytes;
  if (outcome.type !== "") header.add("Content-Type", outcome.type);
  header.add("Last-Modified", formatHttpDate(outcome.modifiedSeconds));
  if (outcome.etag !== null) header.add("ETag", outcome.etag);
  if (outcome.encoding) header.add("Content-Encoding", outcome.encoding);
  if (outcome.vary) header.add("Vary", "Accept-Encoding");
  header.conditional = true;
  header.ranges = true;
  header.seekable = true;
  const { output } = request;
  request.releases.push(() => file.close());
  if (output.begin(header)) {
    file.close();
    return output.end();
  }
  const segments = [
    ...(output.range ? planSegments(output.range, file.sizeBytes) : [{ start: 0, end: file.sizeBytes }]),
  ];
  void pump(request, output, file, segments);
}

/** Sends what is to be sent of a file, at the client's speed. */
export async function pump(
  request: ServerRequest,
  output: ResponseSink,
  file: OpenedFile,
  segments: readonly (string | ByteRange)[],
  end: () => void = () => output.end(),
): Promise<void> {
  try {
    for (const segment of segments) {
      if (typeof segment === "string") {
        output.write(Buffer.from(segment, "latin1"));
        continue;
      }
      for (let at = segment.start; at < segment.end; ) {
        if (output.full) await output.drain();
        if (request.exchange.ended) return;
        const reading = file.read(at, Math.min(PIECE_BYTES, segment.end - at));
        const piece = reading instanceof Promise ? await reading : reading;
        if (request.exchange.ended) return;
        if (isProblem(piece)) {
          request.log("alert", piece.problem);
          return request.exchange.fail(failureOf("gateway-internal-error", { detail: piece.problem }));
        }
        at += piece.length;
        output.write(piece);
      }
    }
    file.close();
    if (!request.exchange.ended) end();
  } catch (error) {
    request.exchange.client.onInternalError(error);
  }
}
