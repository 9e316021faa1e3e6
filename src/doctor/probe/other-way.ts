// Where a port does not speak what it should: what answers the other way. A plain GET to a port that fails TLS, and a
// ClientHello to a plain one whose answer is not HTTP. What counts is which protocol answers, not how well.
import type { Ms } from "../../std/units.ts";
import type { HttpTry, TlsEvidence } from "../evidence.ts";
import { connectTo, handshakeOn, openConnection, type Way } from "./connection.ts";
import type { Scene } from "./context.ts";
import { exchange } from "./http1.ts";
import { askFor, hostnameOf } from "./request.ts";

type OtherWay = NonNullable<TlsEvidence["otherWay"]>;

/** A port that speaks the other protocol answers at once. */
const ANSWER_MS: Ms = 2_000;

/** Asks a TLS port in plain text. It is a request like any other: null = none may be sent, or nobody answers at all. */
export async function askPlain(scene: Scene, way: Way): Promise<OtherWay | null> {
  const hurried = inAHurry(scene);
  const opened = await openConnection(hurried, { ...way, secure: null });
  if (!opened.ok) return null;
  const exchanged = await exchange(hurried, opened.connection, askFor(scene, "baseline", { scheme: "http" }));
  opened.connection.destroy();
  if (exchanged === null) return null;
  const { http, first } = exchanged;
  return { asked: "plain-http", answered: protocolOf(first), status: http.status };
}

/** Sends a ClientHello to a plain port. null = nobody answers at all. */
export async function askTls(scene: Scene, way: Way): Promise<OtherWay | null> {
  const hurried = inAHurry(scene);
  const connected = await connectTo(hurried, way.destination);
  if (!connected.ok) return null;
  const identity = hostnameOf(scene.target.host);
  const secure = { serverName: scene.target.serverName ?? identity, identity };
  const handshake = await handshakeOn(hurried, connected.socket, { ...way, secure }, ["h2", "http/1.1"]);
  if (handshake.ok) {
    handshake.socket.on("error", () => handshake.socket.destroy());
    handshake.socket.destroy();
    return { asked: "tls", answered: "tls", status: null };
  }
  const { cause, evidence } = handshake.failure;
  // An alert is an answer in TLS.
  if (evidence.tlsAlert !== undefined) return { asked: "tls", answered: "tls", status: null };
  const answered = cause === "tls-plaintext-mismatch" ? "other" : "nothing";
  return { asked: "tls", answered, status: null };
}

/** Whether an answer on a plain port gives reason to ask whether the port speaks TLS. */
export function looksLikeTlsPort({ http, first }: { readonly http: HttpTry; readonly first: Buffer }): boolean {
  if (http.status === null) return protocolOf(first) !== "http";
  // "The plain HTTP request was sent to HTTPS port", "Client sent an HTTP request to an HTTPS server."
  return http.status === 400 && /\b(?:https|tls|ssl)\b/i.test(http.excerpt);
}

/** Whether the first bytes are a frame of HTTP/2: SETTINGS, which begin it, or GOAWAY, on stream 0 (RFC 9113 §4.1). */
export function looksLikeHttp2(first: Buffer): boolean {
  if (first.length < 9 || first.readUInt32BE(5) !== 0) return false;
  const length = first.readUIntBE(0, 3);
  return (first[3] === 4 && length % 6 === 0 && length < 256) || (first[3] === 7 && length >= 8 && length < 4096);
}

function protocolOf(first: Buffer): OtherWay["answered"] {
  if (first.length === 0) return "nothing";
  if (first.toString("latin1", 0, 5) === "HTTP/") return "http";
  // An alert or a handshake record of SSL 3 or TLS.
  return (first[0] === 0x15 || first[0] === 0x16) && first[1] === 3 ? "tls" : "other";
}

function inAHurry(scene: Scene): Scene {
  const { limits } = scene;
  return {
    ...scene,
    limits: { ...limits, headMs: Math.min(limits.headMs, ANSWER_MS), tlsMs: Math.min(limits.tlsMs, ANSWER_MS) },
  };
}
