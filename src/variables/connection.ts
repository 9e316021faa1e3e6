// Variables about the client's connection: who is there, by which way, since when.
import type { ConnectionVariable } from "../config/variable-names.ts";
import { packedAddress } from "./ip.ts";
import type { Subject, Variable } from "./subject.ts";
import { seconds } from "./time.ts";

export const CONNECTION_VARIABLES: Readonly<Record<ConnectionVariable, Variable>> = {
  binary_remote_addr: (of) => packedAddress(of.remoteAddress),
  connection: (of) => String(of.connectionSerial),
  connection_requests: (of) => String(of.connectionRequests),
  connection_time: (of) => seconds(of.now - of.connectionStartedAt),
  connections_active: (of) => count(of.openConnections?.active),
  connections_reading: (of) => count(of.openConnections?.reading),
  connections_waiting: (of) => count(of.openConnections?.waiting),
  connections_writing: (of) => count(of.openConnections?.writing),
  https: (of) => (of.tls === null ? "" : "on"),
  pipe: (of) => (of.pipelined ? "p" : "."),
  proxy_add_x_forwarded_for: addForwardedFor,
  proxy_protocol_addr: (of) => of.proxyProtocol?.address,
  proxy_protocol_port: (of) => of.proxyProtocol?.port,
  proxy_protocol_server_addr: (of) => of.proxyProtocol?.serverAddress,
  proxy_protocol_server_port: (of) => of.proxyProtocol?.serverPort,
  realip_remote_addr: (of) => of.peerAddress,
  realip_remote_port: (of) => of.peerPort,
  remote_addr: (of) => of.remoteAddress,
  remote_port: (of) => of.remotePort,
  scheme: (of) => (of.tls === null ? "http" : "https"),
  server_addr: (of) => of.serverAddress,
  server_port: (of) => of.serverPort,
  server_protocol: (of) => of.protocol,
  // The kernel's figures of a socket: Node does not ask for them.
  tcpinfo_rcv_space: () => undefined,
  tcpinfo_rtt: () => undefined,
  tcpinfo_rttvar: () => undefined,
  tcpinfo_snd_cwnd: () => undefined,
};

function addForwardedFor(of: Subject): string {
  const forwarded = of.header("x-forwarded-for");
  return forwarded === undefined ? of.remoteAddress : `${forwarded}, ${of.remoteAddress}`;
}

function count(connections: number | undefined): string | undefined {
  return connections === undefined ? undefined : String(connections);
}
