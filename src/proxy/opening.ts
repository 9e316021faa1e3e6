// The beginning of a connection before there is a request: what a proxy before us says of the client (PROXY protocol),
// then the ClientHello, by which the virtual server is chosen. Bytes are read here, bounded and under a deadline, and
// given back to the socket for whoever goes on with it.
//
//   accepted ─▶ PROXY head? ─▶ ClientHello? ─▶ OpenSSL ─▶ ClientConnection
//                    │              └─ plain HTTP, alert
//                    └──────────────────────────────────▶ ClientConnection
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { HandshakeListener } from "../net/server-tls.ts";
import { isTooDeep } from "../net/verify-depth.ts";
import { beginEvent, eventTime, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import type { ProxyProtocolFacts } from "../variables/subject.ts";
import { type ClientHello, readClientHello } from "../wire/client-hello.ts";
import { PROXY_HEAD_BYTES_MAX, type ProxiedConnection, readProxyHead, tlvOf } from "../wire/proxy-protocol.ts";
import type { ClientConnection } from "./client-connection.ts";
import { writeConnectionError } from "./server/connection-log.ts";
import { alertRecord } from "./server/handshake.ts";
import { headMsOf } from "./server/head-rules.ts";
import { SocketFacts } from "./server/tls-facts.ts";

/** What an opening expects, and who goes on. */
export interface OpeningRules {
  readonly proxyProtocol: boolean;
  readonly tls: boolean;
  /** It is plain: `rest` was read already. */
  plain(client: ClientConnection, socket: Socket, rest: Buffer): void;
  secured(client: ClientConnection, socket: TLSSocket): void;
  /** It has ended, one way or the other. */
  over(opening: Opening): void;
}

const openings = new WeakMap<Socket, Opening>();

/** Hears of the handshakes of all openings. */
export const HANDSHAKES: HandshakeListener = {
  secured: (socket, raw) => openings.get(raw)?.secured(socket),
  failed: (error, raw) => openings.get(raw)?.failed(error),
};

export class Opening extends Timed {
  readonly #client: ClientConnection;
  readonly #socket: Socket;
  readonly #rules: OpeningRules;
  #bytes: Buffer = Buffer.alloc(0);
  #awaitsHead: boolean;
  #hello: ClientHello | null = null;

  constructor(client: ClientConnection, socket: Socket, rules: OpeningRules) {
    super();
    this.#client = client;
    this.#socket = socket;
    this.#rules = rules;
    this.#awaitsHead = rules.proxyProtocol;
    client.socket = socket;
  }

  /** Begins to read. */
  start(): void {
    const socket = this.#socket;
    openings.set(socket, this);
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("end", this.#onEnd);
    wheel.set(this, eventTime() + headMsOf(this.#client));
    socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  override onDeadline(_at: Ms): void {
    this.#socket.destroy();
  }

  readonly #onData = (bytes: Buffer): void => {
    beginEvent();
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      this.#read();
    } catch (error) {
      this.#client.gateway.reportInternal(error);
      this.#socket.destroy();
    }
  };

  readonly #onError = (): void => {};
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };
  readonly #onClose = (): void => {
    this.#leave();
  };

  #read(): void {
    if (this.#awaitsHead && !this.#readHead()) return;
    if (!this.#rules.tls) return this.#goPlain();
    if (this.#bytes.length === 0) return;
    const hello = readClientHello(this.#bytes);
    if (hello === "incomplete") return;
    if (hello === "not-tls") {
      this.#client.plainOnTls = true;
      return this.#goPlain();
    }
    this.#hello = hello === "opaque" ? null : hello;
    this.#shakeHands();
  }

  /** False = more is needed, or it has ended. */
  #readHead(): boolean {
    const head = readProxyHead(this.#bytes);
    if (head === undefined && this.#bytes.length <= PROXY_HEAD_BYTES_MAX) return false;
    if (!head?.ok) {
      const problem = head?.problem ?? "header is too large";
      writeConnectionError(this.#client, "error", `${problem} while reading PROXY protocol`);
      this.#socket.destroy();
      return false;
    }
    this.#awaitsHead = false;
    this.#bytes = this.#bytes.subarray(head.size);
    if (head.connection) this.#client.proxyProtocol = factsOf(head.connection);
    return true;
  }

  #goPlain(): void {
    const { plain } = this.#rules;
    this.#release();
    plain(this.#client, this.#socket, this.#bytes);
  }

  #shakeHands(): void {
    // A reload may have left nobody to shake hands with.
    const choice = this.#client.gateway.runtime.handshakes?.choose(this.#client, this.#hello);
    if (!choice) return this.destroy();
    if ("alert" in choice) {
      writeConnectionError(this.#client, "info", choice.why);
      this.#socket.off("data", this.#onData);
      this.#socket.resume();
      this.#socket.end(alertRecord(choice.alert));
      return;
    }
    const socket = this.#socket;
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.unshift(this.#bytes);
    // OpenSSL's side takes this on, and nobody sees an end in its handshake: it is to close then.
    socket.allowHalfOpen = false;
    this.#client.handshake = choice.handshake;
    choice.acceptor.accept(socket, this.#hello);
  }

  /** OpenSSL and the client agree. */
  secured(socket: TLSSocket): void {
    beginEvent();
    try {
      this.#handOver(socket);
    } catch (error) {
      this.#client.gateway.reportInternal(error);
      socket.destroy();
    }
  }

  #handOver(socket: TLSSocket): void {
    socket.allowHalfOpen = true;
    const client = this.#client;
    const handshake = client.handshake!;
    const { tls, serverName } = handshake;
    if (tls.verifyClient !== "off") handshake.verifyError = verifyErrorOf(socket, tls.verifyDepth);
    const error = handshake.verifyError?.text ?? "";
    client.tlsFacts = new SocketFacts(socket, this.#hello, serverName || undefined, error, tls.curves);
    this.#release();
    this.#rules.secured(client, socket);
  }

  failed(error: Error): void {
    const { gateway } = this.#client;
    gateway.handshakesFailed++;
    writeConnectionError(this.#client, "info", `${handshakeFailure(error)} while SSL handshaking`);
    this.#leave();
  }

  #release(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    socket.off("end", this.#onEnd);
    openings.delete(socket);
    this.#leave();
  }

  /** It is still known by its socket: OpenSSL's side tells what has failed behind the close. */
  #leave(): void {
    wheel.remove(this);
    this.#rules.over(this);
  }
}

function factsOf({ address, port, serverAddress, serverPort, tlvs }: ProxiedConnection): ProxyProtocolFacts {
  return {
    address,
    port: String(port),
    serverAddress,
    serverPort: String(serverPort),
    tlv: (name) => tlvOf(tlvs, name),
  };
}

/** nginx's words. */
function handshakeFailure({ code, syscall, message }: NodeJS.ErrnoException): string {
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "client timed out (110: Connection timed out)";
  if (code !== "ECONNRESET") return `SSL_do_handshake() failed (SSL: ${message})`;
  // Node makes this code of an end as well.
  return `peer closed connection in SSL handshake${syscall ? " (104: Connection reset by peer)" : ""}`;
}

/** Node keeps only the code, and asks nobody about the depth. */
function verifyErrorOf(socket: TLSSocket, depthMax: number): { code: string; text: string } | null {
  if (!socket.getPeerX509Certificate()) return null;
  const { _handle: handle } = socket as unknown as {
    readonly _handle?: { verifyError?: () => (Error & { code?: string }) | null } | null;
  };
  const error = handle?.verifyError?.() ?? null;
  if (error) return { code: error.code ?? "", text: error.message };
  return isTooDeep(socket, depthMax) ? { code: "CERT_CHAIN_TOO_LONG", text: "certificate chain too long" } : null;
}
