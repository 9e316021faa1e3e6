// Faults of the response head, and those that strike before one is sent.
import type { Fault, RequestScene } from "./fault.ts";
import { faultTable, filler, sends, settle } from "./fault.ts";
import type { Ending } from "./peer.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const REST = "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";
const ANSWER = OK + REST;

/** A head that breaks the grammar; the connection stays open, as a server that does not know better leaves it. */
function malformed(description: string, bytes: string): Fault {
  return sends("response-malformed", "head", description, bytes, "keep");
}

function before(description: string, ending: "fin" | "rst", how: "upload" | "request"): Fault {
  const run = async (): Promise<Ending> => ending;
  return { how, cause: "closed-before-response", stage: "before-head", description, provoke: "get", run };
}

/** Sends the first part, waits (for good where no `ms` is given), then sends the rest. */
async function stallBetween({ peer, options }: RequestScene, first: string, rest: string): Promise<Ending> {
  if (first !== "") await peer.send(first);
  if (options.ms === undefined) return "hang";
  await peer.waitWhilePresent(options.ms);
  await peer.send(rest);
  return "keep";
}

/** 512 bytes of noise that look like no protocol, the same each time. */
function noise(): string {
  let state = 0x9d;
  let text = "";
  for (let at = 0; at < 512; at++) {
    state = (state * 5 + 3) & 0xff;
    text += String.fromCharCode(at === 0 ? 0x9d : state);
  }
  return text;
}

async function sendMany({ peer }: RequestScene, count: number, line: (index: number) => string): Promise<void> {
  for (let index = 0; index < count && !peer.left; ) {
    let batch = "";
    for (; index < count && batch.length < 16_384; index++) batch += line(index);
    await peer.send(batch);
  }
}

const struckBeforeHead = faultTable({
  "reset-before-head": before("Resets the connection as soon as the head of the request is there.", "rst", "upload"),
  "reset-after-request": before(
    "Takes the whole request and resets the connection without an answer.",
    "rst",
    "request",
  ),
  "close-before-head": before("Takes the whole request and closes the connection without an answer.", "fin", "request"),
  crash: {
    how: "request",
    cause: "closed-before-response",
    stage: "before-head",
    description: "Dies with the request: every connection is reset, nothing listens for `ms` (1000), then it is back.",
    provoke: "get",
    run: async ({ crash, options }) => {
      crash(options.ms ?? 1000);
      return "rst";
    },
  },
  "stall-head": {
    how: "request",
    cause: "response-timeout",
    stage: "before-head",
    description: "Takes the request and stays silent; with `ms`, answers after that.",
    provoke: "get",
    run: (scene) => stallBetween(scene, "", ANSWER),
  },
  "slow-head": {
    how: "request",
    cause: null,
    stage: "before-head",
    description: "Answers properly, but only after `ms` (300).",
    provoke: "get",
    run: ({ peer, options }) => stallBetween({ peer, options: { ms: 300, ...options } } as RequestScene, "", ANSWER),
  },
});

const cutOrSlow = faultTable({
  "close-mid-head": sends(
    "closed-before-response",
    "head",
    "Closes in the middle of the head.",
    OK + "Content-Ty",
    "fin",
  ),
  "reset-mid-head": sends(
    "closed-before-response",
    "head",
    "Resets in the middle of the head.",
    OK + "Content-Ty",
    "rst",
  ),
  "stall-mid-head": {
    how: "request",
    cause: "response-timeout",
    stage: "head",
    description: "Sends half of the head and stays silent; with `ms`, sends the rest after that.",
    provoke: "get",
    run: (scene) => stallBetween(scene, OK + "Content-Ty", REST.slice("Content-Ty".length)),
  },
  "drip-head": {
    how: "request",
    cause: "response-timeout",
    stage: "head",
    description: "Sends the head one byte every `ms` (500): no single wait is long, all together are.",
    provoke: "get",
    run: async ({ peer, options }) => {
      for (const byte of ANSWER) {
        await peer.send(byte);
        await peer.waitWhilePresent(options.ms ?? 500);
        if (peer.left) return "drop";
      }
      return "keep";
    },
  },
});

const broken = faultTable({
  "garbage-head": sends("protocol-mismatch", "head", "Answers with 512 bytes of noise and closes.", noise()),
  "http-0.9": sends("protocol-mismatch", "head", "Answers with a page and no head, as HTTP/0.9 did.", "<p>hello</p>\n"),
  "bad-status-line": malformed(
    "The status line has code and reason the wrong way round.",
    "HTTP/1.1 OK 200\r\n" + REST,
  ),
  "bad-status-code": malformed("The status code has letters in it (2OO).", "HTTP/1.1 2OO OK\r\n" + REST),
  "long-status-code": malformed("The status code has four digits.", "HTTP/1.1 2000 OK\r\n" + REST),
  "low-status-code": malformed("The status code is below 100.", "HTTP/1.1 099 Odd\r\n" + REST),
  "bad-version": malformed("The status line names HTTP/3.7.", "HTTP/3.7 200 OK\r\n" + REST),
  "lowercase-version": malformed("The status line begins with http/1.1.", "http/1.1 200 OK\r\n" + REST),
  "nul-in-head": malformed("A field value has a NUL in it.", OK + "X-Note: a\0b\r\n" + REST),
  "bare-cr-in-head": malformed("A field value has a CR without LF in it.", OK + "X-Note: a\rX-Other: b\r\n" + REST),
  "obs-fold": {
    ...malformed("A field goes on in a second line.", OK + "X-Note: first\r\n second\r\n" + REST),
    repairable: true,
  },
  "space-before-colon": {
    ...malformed("A field name has a space before its colon.", OK + "X-Note : a\r\n" + REST),
    repairable: true,
  },
  "space-before-first-field": malformed("A space stands before the first field.", OK + " X-Note: a\r\n" + REST),
  "empty-field-name": malformed("A field has no name (CVE-2023-25725).", OK + ": value\r\n" + REST),
  "bad-field-name": malformed("A field name has parentheses in it.", OK + "X(Note): a\r\n" + REST),
  "field-without-colon": malformed("A field line has no colon.", OK + "X-Note\r\n" + REST),
});

const wrongFraming = faultTable({
  "two-lengths": malformed("Two Content-Length fields that differ.", OK + "Content-Length: 5\r\n" + REST),
  "list-of-lengths": malformed("One Content-Length field with two values.", OK + "Content-Length: 3, 4\r\n\r\nok\n"),
  "bad-length": malformed("A Content-Length that is no number.", OK + "Content-Length: 3x\r\n\r\nok\n"),
  "empty-length": malformed("An empty Content-Length (CVE-2023-40225).", OK + "Content-Length: \r\n\r\nok\n"),
  "negative-length": malformed("A negative Content-Length.", OK + "Content-Length: -3\r\n\r\nok\n"),
  "signed-length": malformed("A Content-Length with a plus sign.", OK + "Content-Length: +3\r\n\r\nok\n"),
  "overflowing-length": malformed(
    "A Content-Length above 2^64.",
    OK + "Content-Length: 18446744073709551619\r\n\r\nok\n",
  ),
  "length-and-chunked": sends(
    "response-encoding-invalid",
    "head",
    "Content-Length and Transfer-Encoding: chunked in one response.",
    OK + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    "keep",
  ),
  "chunked-in-1.0": sends(
    "response-encoding-invalid",
    "head",
    "Transfer-Encoding in an HTTP/1.0 response (RFC 9112 §6.1: the framing is faulty).",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
  ),
  "unknown-coding": sends(
    "response-encoding-invalid",
    "head",
    "A transfer coding that nobody knows.",
    OK + "Transfer-Encoding: rot13, chunked\r\n\r\n3\r\nbx\n\r\n0\r\n\r\n",
    "keep",
  ),
  "chunked-twice": sends(
    "response-encoding-invalid",
    "head",
    "The coding chunked is named twice (RFC 9112 §6.1 forbids it).",
    OK + "Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    "keep",
  ),
});

const oversized = faultTable({
  "oversized-head": {
    how: "request",
    cause: "response-header-too-large",
    stage: "head",
    description: "Sends one field of `bytes` (1 MiB).",
    provoke: "get",
    run: async ({ peer, options }) => {
      const value = filler(options.bytes ?? 1_048_576)
        .toString("latin1")
        .replaceAll("\n", ".");
      await peer.send(OK + "X-Big: " + value + "\r\n" + REST);
      return "keep";
    },
  },
  "endless-head": {
    how: "request",
    cause: "response-header-too-large",
    stage: "head",
    description: "Field after field, `count` (a million) of them or until the peer leaves.",
    provoke: "get",
    run: async (scene) => {
      await scene.peer.send(OK);
      await sendMany(
        scene,
        scene.options.count ?? 1_000_000,
        (index) => `X-Field-${index}: ${"0123456789".repeat(5)}\r\n`,
      );
      return "fin";
    },
  },
  "too-many-fields": {
    how: "request",
    cause: "response-header-too-large",
    stage: "head",
    description: "Sends `count` (20000) small fields.",
    provoke: "get",
    run: async (scene) => {
      await scene.peer.send(OK);
      await sendMany(scene, scene.options.count ?? 20_000, (index) => `X-${index}: a\r\n`);
      await scene.peer.send(REST);
      return "keep";
    },
  },
});

const interim = faultTable({
  "hints-103": sends(
    null,
    "head",
    "Two 103 (Early Hints), then the answer.",
    "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n".repeat(2) + ANSWER,
    "keep",
  ),
  "unasked-100": sends(
    null,
    "head",
    "A 100 (Continue) that nobody waits for, then the answer.",
    "HTTP/1.1 100 Continue\r\n\r\n" + ANSWER,
    "keep",
  ),
  "1xx-flood": {
    how: "request",
    cause: "response-malformed",
    stage: "head",
    description: "Sends `count` (10000) interim responses before the answer.",
    provoke: "get",
    run: async (scene) => {
      await sendMany(scene, scene.options.count ?? 10_000, () => "HTTP/1.1 103 Early Hints\r\n\r\n");
      await scene.peer.send(ANSWER);
      return "keep";
    },
  },
  "unasked-101": malformed(
    "101 (Switching Protocols) to a request that asked for no upgrade.",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  ),
});

const lenient = faultTable({
  "no-reason": sends(null, "head", "A status line without a reason phrase.", "HTTP/1.1 200 \r\n" + REST, "keep"),
  "bare-lf-head": sends(null, "head", "A head whose lines end in LF only.", ANSWER.replaceAll("\r\n", "\n"), "keep"),
  "same-lengths": sends(
    null,
    "head",
    "Two Content-Length fields that agree.",
    OK + "Content-Length: 3\r\n" + REST,
    "keep",
  ),
  "byte-by-byte": {
    how: "request",
    cause: null,
    stage: "head",
    description: "A proper answer in writes of one byte each.",
    provoke: "get",
    run: async ({ peer }) => {
      for (const byte of ANSWER) await peer.send(byte);
      return "keep";
    },
  },
  "final-in-pieces": {
    how: "request",
    cause: null,
    stage: "head",
    description: "A proper answer cut between CR and LF of the empty line, `ms` (50) apart.",
    provoke: "get",
    run: async ({ peer, options }) => {
      const cut = ANSWER.indexOf("\r\n\r\n") + 3;
      await peer.send(ANSWER.slice(0, cut));
      await peer.pause(options.ms ?? 50);
      await peer.send(ANSWER.slice(cut));
      await settle(peer, "keep");
      return "keep";
    },
  },
});

export const HEAD_FAULTS = {
  ...struckBeforeHead,
  ...cutOrSlow,
  ...broken,
  ...wrongFraming,
  ...oversized,
  ...interim,
  ...lenient,
};
