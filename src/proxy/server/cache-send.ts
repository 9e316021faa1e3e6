// A kept response on its way to the client: its head goes through the same rules as that of an upstream, its body is
// read from the file at the client's speed, from wherever a range begins.
import { planSegments } from "../../content/ranges.ts";
import { CHUNKED } from "../../wire/framing.ts";
import type { Kept } from "./cache-read.ts";
import type { Update } from "./cache-update.ts";
import { pump } from "./content.ts";
import { headerOf } from "./proxied-response.ts";
import type { ServerRequest } from "./request.ts";

/**
 * Sends it; the file is closed at the end. `behind`: what is updated meanwhile. A connection that is closed behind the
 * response is closed when that is over, as nginx does: who asks again then gets the new response.
 */
export function sendCached(request: ServerRequest, { file, entry, head }: Kept, behind: Update | null): void {
  const { exchange } = request;
  const { bodyStart, bodyBytes } = entry;
  // What came without a length goes out without one.
  const header = headerOf(request, head, head.contentLength < 0 && bodyBytes > 0 ? CHUNKED : bodyBytes);
  // The response to a HEAD may have been kept: its length is not that of what is there.
  if (exchange.method !== "HEAD" && header.length > bodyBytes) header.length = bodyBytes;
  const sink = request.sink;
  header.seekable = sink === request.output;
  request.releases.push(() => file.close());
  if (sink.begin(header)) {
    file.close();
    if (!exchange.ended && request.sink === sink) sink.end();
    return;
  }
  const range = sink === request.output ? request.output.range : null;
  const segments = range ? [...planSegments(range, bodyBytes)] : [{ start: 0, end: bodyBytes }];
  const inFile = segments.map((segment) =>
    typeof segment === "string" ? segment : { start: bodyStart + segment.start, end: bodyStart + segment.end },
  );
  const holds = behind !== null && !request.parent && !exchange.keepAlive && header.length >= 0;
  void pump(request, sink, file, inFile, () => {
    if (!holds) return sink.end();
    sink.flush();
    behind.whenOver(() => {
      if (!exchange.ended) sink.end();
    });
  });
}
