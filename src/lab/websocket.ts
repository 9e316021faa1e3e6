// RFC 6455, the server's side, as small as a chat needs: handshake, text, fragments, ping, pong, close.
// Reading a frame is pure (bytes in, a frame and the rest out); serveWebSocket runs it on a connection.
import { createHash } from "node:crypto";
import type { LabResponse } from "./answer.ts";
import type { LabRequest } from "./fault.ts";
import type { Peer } from "./peer.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MESSAGE_BYTES_MAX = 65_536;
const OPCODE = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Value of Sec-WebSocket-Accept (§4.2.2). */
export function acceptKey(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

export interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A server's frame: never masked (§5.1). */
export function frameBytes(opcode: number, payload: Buffer | string): Buffer {
  const data = Buffer.from(payload);
  const { length } = data;
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 0xff] : null;
  if (size) return Buffer.concat([Buffer.from([0x80 | opcode, ...size]), data]);
  const head = Buffer.alloc(10);
  head[0] = 0x80 | opcode;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, data]);
}

/** Reads one client frame; null = more bytes are needed; a number = the close code of a violation. */
export function readFrame(bytes: Buffer): { frame: Frame; rest: Buffer } | number | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0 || (second & 0x80) === 0) return 1002; // reserved bits; a client must mask (§5.1)
  let length = second & 0x7f;
  if (opcode >= 8 && (length > 125 || (first & 0x80) === 0)) return 1002; // control frames (§5.5)
  let at = 2;
  if (length === 126) {
    if (bytes.length < 4) return null;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return null;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (length > MESSAGE_BYTES_MAX) return 1009;
  if (bytes.length < at + 4 + length) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
  for (let index = 0; index < length; index++) payload[index]! ^= mask[index & 3]!;
  return { frame: { final: (first & 0x80) !== 0, opcode, payload }, rest: bytes.subarray(at + 4 + length) };
}

/** Accepts the handshake, or says what is missing; `reply` answers each text with texts. */
export function webSocketResponse(
  request: LabRequest,
  greeting: string,
  reply: (text: string) => readonly string[],
): LabResponse {
  const key = request.header("sec-websocket-key");
  const asks = request.header("upgrade")?.toLowerCase() === "websocket" && key !== undefined;
  if (!asks || request.header("sec-websocket-version") !== "13") {
    const headers = [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
    ] as const;
    return { status: 426, headers, body: "This is a WebSocket (RFC 6455, version 13).\n" };
  }
  return {
    status: 101,
    headers: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Accept", acceptKey(key)],
    ],
    upgrade: (peer) => serveWebSocket(peer, greeting, reply),
  };
}

async function serveWebSocket(peer: Peer, greeting: string, reply: (text: string) => readonly string[]): Promise<void> {
  await peer.send(frameBytes(OPCODE.text, greeting));
  let pending: Buffer = Buffer.alloc(0);
  let message: Buffer | null = null;
  for (;;) {
    const read = readFrame(pending);
    if (typeof read === "number") return close(peer, read);
    if (read === null) {
      const chunk = await peer.read();
      if (chunk === null) return;
      pending = Buffer.concat([pending, chunk]);
      continue;
    }
    pending = read.rest;
    const { opcode, payload, final } = read.frame;
    if (opcode === OPCODE.close) {
      await peer.send(frameBytes(OPCODE.close, payload.subarray(0, 2)));
      return;
    }
    if (opcode === OPCODE.ping) await peer.send(frameBytes(OPCODE.pong, payload));
    if (opcode >= 8) continue;
    if (opcode !== (message === null ? OPCODE.text : OPCODE.continuation))
      return close(peer, opcode === 2 ? 1003 : 1002);
    message = Buffer.concat([message ?? Buffer.alloc(0), payload]);
    if (message.length > MESSAGE_BYTES_MAX) return close(peer, 1009);
    if (!final) continue;
    for (const text of reply(message.toString("utf8"))) await peer.send(frameBytes(OPCODE.text, text));
    message = null;
  }
}

function close(peer: Peer, code: number): Promise<void> {
  return peer.send(frameBytes(OPCODE.close, Buffer.from([code >> 8, code & 0xff])));
}
