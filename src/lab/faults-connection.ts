// Faults of the connection around a response: at accept, when it is used again, while it is idle, during an upload,
// at an upgrade; upstreams of other protocols; and applications that answer with an error of their own.
import type { CauseId } from "../failure/causes.ts";
import type { AcceptScene, Fault, RequestScene } from "./fault.ts";
import { faultTable, filler, sends, settle } from "./fault.ts";
import type { Ending } from "./peer.ts";

const SMALL = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";
const STRAY = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nnot your bytes";

function atAccept(cause: CauseId, description: string, run: (scene: AcceptScene) => Promise<Ending>): Fault {
  return { how: "accept", cause, stage: "accept", description, provoke: "get", run };
}

/** A server of another protocol: greets at once, or answers the first bytes that it does not understand. */
function otherProtocol(description: string, bytes: string, when: "greets" | "answers"): Fault {
  return atAccept("protocol-mismatch", description, async ({ peer, arrival }) => {
    if (when === "answers") await arrival();
    await peer.send(bytes);
    if (when === "greets") await arrival();
    return "fin";
  });
}

const accepted = faultTable({
  "reset-on-accept": atAccept(
    "closed-before-response",
    "Resets each connection as soon as it is accepted.",
    async () => "rst",
  ),
  "close-on-accept": atAccept(
    "closed-before-response",
    "Closes each connection as soon as it is accepted.",
    async () => "fin",
  ),
  "reset-on-first-byte": atAccept(
    "closed-before-response",
    "Resets when the first bytes arrive.",
    async ({ arrival }) => {
      await arrival();
      return "rst";
    },
  ),
  "http2-only": otherProtocol(
    "Speaks HTTP/2 only: a SETTINGS frame, then GOAWAY.",
    "\0\0\0\x04\0\0\0\0\0" + "\0\0\x08\x07\0\0\0\0\0" + "\0\0\0\0\0\0\0\x01",
    "answers",
  ),
  "redis-server": otherProtocol("A Redis server.", "-ERR unknown command 'GET'\r\n", "answers"),
  "smtp-server": otherProtocol("A mail server: greets before it is asked.", "220 mail.lab ESMTP ready\r\n", "greets"),
  "ssh-server": otherProtocol("An SSH server: greets before it is asked.", "SSH-2.0-OpenSSH_9.2\r\n", "greets"),
  "plain-to-tls": {
    ...atAccept(
      "tls-plaintext-mismatch",
      "A TLS port that is spoken to in plain HTTP: answers with a TLS alert.",
      async (scene) => {
        await scene.arrival();
        await scene.peer.send("\x15\x03\x01\0\x02\x02\x0a");
        return "fin";
      },
    ),
    stage: "tls",
  },
});

/** Answers properly, then plans what the idle connection does. */
function thenIdle(
  description: string,
  defaultMs: number,
  act: (scene: RequestScene) => void,
  stage: "idle" | "after",
): Fault {
  return {
    how: "request",
    cause: null,
    stage,
    description,
    provoke: "two-gets",
    run: async (scene) => {
      await scene.peer.send(SMALL);
      scene.peer.idle = { afterMs: scene.options.ms ?? defaultMs, act: () => act(scene) };
      return "keep";
    },
  };
}

/** Answers properly; the next request on the connection finds it dead. A retry on a new connection is answered. */
function onReuse(description: string, armed: "fin" | "rst"): Fault {
  return {
    how: "request",
    cause: "keepalive-race",
    stage: "idle",
    description,
    provoke: "get-then-post",
    run: async ({ peer }) => {
      await peer.send(SMALL);
      peer.armed = armed;
      return "keep";
    },
  };
}

const kept = faultTable({
  "close-on-reuse": onReuse(
    "Answers, keeps the connection, and closes it exactly when the next request arrives.",
    "fin",
  ),
  "reset-on-reuse": onReuse(
    "Answers, keeps the connection, and resets it exactly when the next request arrives.",
    "rst",
  ),
  "close-idle": thenIdle(
    "Closes a kept connection after `ms` (100) of idleness.",
    100,
    ({ peer }) => peer.halfClose(),
    "idle",
  ),
  "reset-idle": thenIdle(
    "Resets a kept connection after `ms` (100) of idleness.",
    100,
    ({ peer }) => peer.reset(),
    "idle",
  ),
  "close-unannounced": thenIdle(
    "Closes right after the answer, without Connection: close.",
    0,
    ({ peer }) => peer.halfClose(),
    "after",
  ),
  "unsolicited-on-idle": thenIdle(
    "Sends a second response that nobody asked for after `ms` (50) of idleness.",
    50,
    ({ peer }) => void peer.send(STRAY),
    "idle",
  ),
  "extra-bytes-after-response": {
    ...sends(null, "after", "Sends a second response right behind the first.", SMALL + STRAY, "keep"),
    provoke: "two-gets",
  },
  "keep-alive-lie": sends(
    null,
    "after",
    "Says Connection: close and does not close.",
    SMALL.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    "hang",
  ),
});

type Uploading = Pick<Fault, "cause" | "description"> & Partial<Pick<Fault, "provoke">>;

function upload(facts: Uploading, run: (scene: RequestScene) => Promise<Ending>): Fault {
  return { how: "upload", stage: "upload", provoke: "large-post", ...facts, run };
}

const TOO_LARGE = { status: 413, headers: [["Connection", "close"]], body: "too large\n" } as const;

/** Reads `after` (64 KiB) of the body. */
async function readSome({ request, options }: RequestScene): Promise<void> {
  const after = options.after ?? 65_536;
  if (request.body.complete) return;
  // Not left by break: that would end the generator, and with it the body.
  for (const pieces = request.body.read(); request.body.bytes < after; ) if ((await pieces.next()).done) return;
}

const uploads = faultTable({
  "early-413": upload(
    { cause: null, description: "Answers 413 while the upload runs, then closes with care." },
    async (scene) => {
      await scene.answer(TOO_LARGE);
      return "fin";
    },
  ),
  "early-413-reset": upload(
    {
      cause: null,
      description: "Answers 413 while the upload runs and closes with data unread, so the kernel resets.",
    },
    async (scene) => {
      await readSome(scene);
      await scene.answer(TOO_LARGE);
      await settle(scene.peer, "rst");
      return "rst";
    },
  ),
  "early-200": upload(
    { cause: null, description: "Answers 200 before the upload, then reads it whole." },
    async (scene) => {
      await scene.peer.send(SMALL);
      await scene.request.body.drain();
      return "keep";
    },
  ),
  "never-read": upload(
    { cause: "upstream-write-failed", description: "Takes nothing of the upload from the kernel, for `ms` (120000)." },
    async ({ peer, options }) => {
      peer.stopReading();
      await peer.pause(options.ms ?? 120_000);
      return "rst";
    },
  ),
  "slow-read": upload(
    { cause: null, description: "Reads the upload 64 KiB every `ms` (5), then answers." },
    async (scene) => {
      for await (const piece of scene.request.body.read()) {
        if (piece.length > 0) await scene.peer.pause(scene.options.ms ?? 5);
      }
      return scene.answer({ status: 200, body: `${scene.request.body.bytes}\n` });
    },
  ),
  "reset-during-upload": upload(
    { cause: "upstream-write-failed", description: "Resets when `after` (64 KiB) of the upload was read." },
    async (scene) => {
      await readSome(scene);
      return "rst";
    },
  ),
  "100-continue-refused": upload(
    { cause: null, provoke: "expect", description: "Answers 417 to Expect: 100-continue." },
    async (scene) => scene.answer({ status: 417, body: "no\n" }),
  ),
  "100-continue-ignored": upload(
    { cause: null, provoke: "expect", description: "Never sends 100 (Continue); answers when the body came anyway." },
    async (scene) => {
      await scene.request.body.drain({ continue: false });
      return scene.answer({ status: 200, body: `${scene.request.body.bytes}\n` });
    },
  ),
});

function upgrade(cause: CauseId | null, description: string, bytes: string, ending: Ending): Fault {
  return { ...sends(cause, "upgrade", description, bytes, ending), provoke: "upgrade" };
}

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ";

const upgrades = faultTable({
  "upgrade-refused": upgrade(null, "Answers an upgrade with 403.", SMALL.replace("200 OK", "403 Forbidden"), "keep"),
  "upgrade-ignored": upgrade(null, "Answers an upgrade with 200, as if nothing had been asked.", SMALL, "keep"),
  "upgrade-garbage": upgrade("protocol-mismatch", "Answers an upgrade with noise.", "\x81\x05hello\r\n\r\n", "fin"),
  "upgrade-wrong-protocol": upgrade(
    "upgrade-failed",
    "101 to a protocol that was not asked for.",
    SWITCHING + "carrier-pigeon\r\n\r\n",
    "keep",
  ),
  "upgrade-unnamed": upgrade(
    "upgrade-failed",
    "101 without an Upgrade field.",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "keep",
  ),
  "upgrade-stall": { ...upgrade("response-timeout", "Never answers an upgrade.", "", "hang"), stage: "upgrade" },
  "upgrade-close": upgrade("closed-before-response", "Closes when it is asked for an upgrade.", "", "fin"),
  "upgrade-then-reset": upgrade(
    null,
    "Upgrades to websocket, sends one frame and resets.",
    SWITCHING + "websocket\r\n\r\n\x81\x05hello",
    "rst",
  ),
});

function own(status: string, fields: string, description: string): Fault {
  const body = "the application says so\n";
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
  return sends("upstream-error-passthrough", "app", description, head + body, "keep");
}

const applications = faultTable({
  "app-500": own("500 Internal Server Error", "", "The application answers 500 itself."),
  "app-502": own("502 Bad Gateway", "", "The application answers 502 itself."),
  "app-503": own(
    "503 Service Unavailable",
    "Retry-After: 7\r\n",
    "The application answers 503 with Retry-After itself.",
  ),
  "app-504": own("504 Gateway Timeout", "", "The application answers 504 itself."),
  "proxy-status-upstream": own(
    "502 Bad Gateway",
    'Proxy-Status: inner.lab; error=connection_refused; next-hop="10.0.0.7:80"\r\n',
    "A proxy further in answers 502 and says why in Proxy-Status.",
  ),
  "app-500-cut": {
    ...own("500 Internal Server Error", "", "The application answers 500 and cuts its body short."),
    cause: "response-truncated",
    how: "request",
    run: async ({ peer }) => {
      await peer.send(`HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1000\r\n\r\n${filler(100).toString()}`);
      return "fin";
    },
  },
});

export const CONNECTION_FAULTS = { ...accepted, ...kept, ...uploads, ...upgrades, ...applications };
