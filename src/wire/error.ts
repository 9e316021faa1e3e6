// Makes the errors of the codec. The status that a code leads to is fixed here, so that no parser chooses one.
import type { WireError, WireErrorCode } from "./head.ts";

const STATUS: { readonly [code in WireErrorCode]?: number } = {
  "line-too-long": 414,
  "head-too-large": 431,
  "too-many-fields": 431,
  "trailer-too-large": 431,
  "bad-version": 505,
  "http2-preface": 505,
};

/** An error in what a client sent (a request head, or a body in either direction: who reads it knows whose it was). */
export function wireError(error: WireErrorCode, detail: string, at: number): WireError {
  return { error, detail, status: STATUS[error] ?? 400, at };
}

/** A transfer coding that is well-formed and that nobody here can take off (RFC 9112 §6.1). */
export function unknownCoding(detail: string, at: number): WireError {
  return { error: "bad-coding", detail, status: 501, at };
}

/** The same error in a response: what is answered then is the cause's business. */
export function inResponse(error: WireError): WireError {
  return { ...error, status: 0 };
}

/** A byte for a message: printable ones as they are. */
export function byteName(byte: number): string {
  if (byte > 0x20 && byte < 0x7f) return `"${String.fromCharCode(byte)}"`;
  return `byte 0x${byte.toString(16).padStart(2, "0")}`;
}
