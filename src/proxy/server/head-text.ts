// The head of a response of a virtual server as it goes out.
import { nginxStatusText } from "../../failure/status.ts";
import { httpDate } from "../date.ts";
import { fieldSafe } from "./line-safe.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** Status line, fields and the framing; `noLength` = a response without a body whose length is not known (HEAD). */
export function headText(request: ServerRequest, header: ResponseHeader, chunked: boolean, noLength: boolean): string {
  const { location } = request;
  const { status } = header;
  let text = `HTTP/1.1 ${status}${reasonOf(header)}\r\n`;
  let date = header.noDate;
  let server = header.noServer;
  let fields = "";
  for (const { name, value } of header.lines) {
    if (name.length === 4 && name.toLowerCase() === "date") date = true;
    else if (name.length === 6 && name.toLowerCase() === "server") server = true;
    fields += `${name}: ${fieldSafe(value)}\r\n`;
  }
  if (!server && location.serverLine !== "") text += location.serverLine;
  if (!date) text += `Date: ${httpDate()}\r\n`;
  text += fields;
  if (chunked) text += "Transfer-Encoding: chunked\r\n";
  else if (status !== 204 && status !== 304 && !noLength && header.length >= 0)
    text += `Content-Length: ${header.length}\r\n`;
  return `${text}${connectionLines(request)}\r\n`;
}

function reasonOf({ status, reason }: ResponseHeader): string {
  const phrase = reason || nginxStatusText(status);
  return phrase === "" ? "" : ` ${phrase}`;
}

/** Connection (always said, as clients of 1.0 and logs of 1.1 know it) and Keep-Alive. */
export function connectionLines(request: ServerRequest): string {
  const { exchange, location } = request;
  if (!exchange.keepAlive) return "Connection: close\r\n";
  const { keepAliveHeaderMs } = location.settings.request;
  const hint = keepAliveHeaderMs > 0 ? `Keep-Alive: timeout=${Math.round(keepAliveHeaderMs / 1000)}\r\n` : "";
  return `Connection: keep-alive\r\n${hint}`;
}
