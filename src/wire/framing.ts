// How long a response's body is (RFC 9112 §6.3). The lengths below zero are the ways to say it other than by a number.
import type { ResponseHead } from "./head.ts";

/** The body comes in chunks. */
export const CHUNKED = -1;
/** The body ends with the connection; a cut one cannot be told from a whole one. */
export const UNTIL_CLOSE = -2;

/** The length of the body behind a response head: n, CHUNKED or UNTIL_CLOSE. */
export function responseBodyLength(head: ResponseHead, requestMethod: string): number {
  const { status } = head;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  if (head.chunked) return CHUNKED;
  return head.contentLength >= 0 ? head.contentLength : UNTIL_CLOSE;
}
