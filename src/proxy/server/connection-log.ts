// What the error log is told of a connection that has no request yet.
import type { ErrorLevel } from "../../config/servers.ts";
import type { ClientConnection } from "../client-connection.ts";

/** A line for the error log of its virtual server, in the words of nginx. */
export function writeConnectionError(client: ClientConnection, level: ErrorLevel, text: string): void {
  const errorLog = client.gateway.runtime.servers?.serverOf(client).base.errorLog;
  if (!errorLog?.enabled(level)) return;
  errorLog.log(level, text, {
    connection: client.serial,
    client: client.remoteAddress || "unix:",
    server: client.listener.label,
    request: "",
  });
}
