// Faults of the response body: cut, stalled, wrongly chunked, longer than promised. A gateway must never show one of
// the cut ones as whole.
import { gzipSync } from "node:zlib";
import { chunk } from "./answer.ts";
import type { Fault, RequestScene } from "./fault.ts";
import { faultTable, filler, sends, settle } from "./fault.ts";
import type { Ending } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
const CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n";
const HELLO = "6\r\nhello\n\r\n";

/** Promises `bytes` (1000) by Content-Length, sends `after` (400) of them, then does the rest of the fault. */
function partial(
  cause: Fault["cause"],
  description: string,
  then: (scene: RequestScene, rest: Buffer) => Promise<Ending>,
): Fault {
  return {
    how: "request",
    cause,
    stage: "body",
    description,
    provoke: "get",
    run: async (scene) => {
      const bytes = scene.options.bytes ?? 1000;
      const after = Math.min(scene.options.after ?? 400, bytes);
      const body = filler(bytes);
      await scene.peer.send(`${OK}Content-Length: ${bytes}\r\n\r\n${body.toString("latin1", 0, after)}`);
      return then(scene, body.subarray(after));
    },
  };
}

/** Goes on after `ms`, or never where none is given. */
async function stall({ peer, options }: RequestScene, rest: Buffer | string): Promise<Ending> {
  if (options.ms === undefined) return "hang";
  await peer.waitWhilePresent(options.ms);
  await peer.send(rest);
  return "keep";
}

function chunks(cause: Fault["cause"], description: string, rest: string, ending: Ending = "fin"): Fault {
  return sends(cause, "body", description, CHUNKED + HELLO + rest, ending);
}

const invalid = (description: string, rest: string) => chunks("response-encoding-invalid", description, rest, "keep");

const counted = faultTable({
  "short-body": partial("response-truncated", "Closes before Content-Length is reached.", async () => "fin"),
  "reset-mid-body": partial("response-truncated", "Resets before Content-Length is reached.", async ({ peer }) => {
    await settle(peer, "rst");
    return "rst";
  }),
  "stall-mid-body": partial("response-body-timeout", "Stalls within the body; with `ms`, goes on after that.", stall),
  "drip-body": partial(
    null,
    "A proper body whose rest comes 10 bytes every `ms` (20).",
    async ({ peer, options }, rest) => {
      for (let at = 0; at < rest.length && !peer.gone.aborted; at += 10) {
        await peer.pause(options.ms ?? 20);
        await peer.send(rest.subarray(at, at + 10));
      }
      return "keep";
    },
  ),
  "large-body": {
    how: "request",
    cause: null,
    stage: "body",
    description: "A body of `bytes` (256 MiB), sent as fast as it is taken.",
    provoke: "get",
    run: async ({ peer, options }) => {
      const bytes = options.bytes ?? 268_435_456;
      const piece = filler(65_536);
      await peer.send(`${OK}Content-Length: ${bytes}\r\n\r\n`);
      for (let left = bytes; left > 0 && !peer.gone.aborted; left -= piece.length) {
        await peer.send(left < piece.length ? piece.subarray(0, left) : piece);
      }
      return "keep";
    },
  },
  "oversized-body": {
    how: "request",
    cause: "response-too-large",
    stage: "body",
    description: "Sends `bytes` (64 MiB) in chunks: for a gateway that was given a limit below that.",
    provoke: "get",
    run: async ({ peer, options }) => {
      const piece = chunk(filler(65_536));
      await peer.send(CHUNKED);
      for (let left = options.bytes ?? 67_108_864; left > 0 && !peer.gone.aborted; left -= 65_536)
        await peer.send(piece);
      await peer.send("0\r\n\r\n");
      return "keep";
    },
  },
  "body-on-204": sends(
    null,
    "after",
    "A 204 that is followed by 5 bytes.",
    "HTTP/1.1 204 No Content\r\n\r\nhello",
    "keep",
  ),
  "body-on-head": {
    how: "request",
    cause: null,
    stage: "after",
    description: "Answers HEAD with a body after the head.",
    provoke: "head",
    run: async ({ peer }) => {
      await peer.send(OK + "Content-Length: 6\r\n\r\nhello\n");
      return "keep";
    },
  },
  "broken-gzip": {
    how: "request",
    cause: null,
    stage: "body",
    description: "A body that says gzip and is damaged in its middle: content, not transfer, so it is passed on.",
    provoke: "get",
    run: async ({ peer }) => {
      const body = gzipSync(filler(2000));
      body.fill(0xff, body.length >> 1, (body.length >> 1) + 8);
      const head = `${OK}Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
      await peer.send(Buffer.concat([Buffer.from(head), body]));
      return "keep";
    },
  },
});

const delimitedByClose = faultTable({
  "close-delimited": sends(null, "body", "No length: the body ends with the connection.", OK + "\r\nhello\n"),
  "close-delimited-reset": sends(
    "response-truncated",
    "body",
    "No length, and the connection is reset: the body was cut.",
    OK + "\r\nhel",
    "rst",
  ),
  "http-1.0": sends(null, "body", "An HTTP/1.0 server.", "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nhello\n"),
});

const cutChunks = faultTable({
  "cut-in-chunk": chunks("response-truncated", "Closes within a chunk.", "20\r\nonly a part"),
  "reset-in-chunk": chunks("response-truncated", "Resets within a chunk.", "20\r\nonly a part", "rst"),
  "cut-between-chunks": chunks("response-truncated", "Closes after a chunk, before the last one.", ""),
  "cut-in-chunk-size": chunks("response-truncated", "Closes within a chunk's size line.", "2"),
  "cut-in-last-chunk": chunks("response-truncated", "Closes after 0 CRLF, before the empty line.", "0\r\n"),
  "no-last-chunk": {
    how: "request",
    cause: "response-body-timeout",
    stage: "body",
    description: "Sends all chunks but the last and stays silent; with `ms`, sends it after that.",
    provoke: "get",
    run: async (scene) => {
      await scene.peer.send(CHUNKED + HELLO);
      return stall(scene, "0\r\n\r\n");
    },
  },
});

const wrongChunks = faultTable({
  "bad-chunk-size": invalid("A chunk size that is no number.", "zz\r\nhello\r\n0\r\n\r\n"),
  "empty-chunk-size": invalid("A chunk without a size.", "\r\nhello\r\n0\r\n\r\n"),
  "negative-chunk-size": invalid("A negative chunk size.", "-5\r\nhello\r\n0\r\n\r\n"),
  "underscore-chunk-size": invalid("A chunk size with an underscore (CVE-2023-47627).", "0_5\r\nhello\r\n0\r\n\r\n"),
  "prefixed-chunk-size": invalid("A chunk size written 0x5.", "0x5\r\nhello\r\n0\r\n\r\n"),
  "chunk-overflow": invalid("A chunk size above 2^64.", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
  "chunk-no-crlf": invalid("No CRLF after a chunk's data.", "5\r\nhelloX0\r\n\r\n"),
  "chunk-bare-lf": invalid("Chunk lines that end in LF only.", "5\nhello\n0\n\n"),
  "long-chunk-extension": invalid(
    "A chunk extension of 1 MiB (CVE-2024-22019).",
    `5;x=${"y".repeat(1_048_576)}\r\nhello\r\n0\r\n\r\n`,
  ),
  "bad-trailer": invalid("A trailer line without a colon.", "0\r\nno colon here\r\n\r\n"),
  "chunk-extension": chunks(null, "Proper chunks with extensions.", '5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n', "keep"),
  trailers: chunks(null, "Proper chunks with a trailer field.", "0\r\nX-Checksum: 1234\r\n\r\n", "keep"),
});

export const BODY_FAULTS = { ...counted, ...delimitedByClose, ...cutChunks, ...wrongChunks };
