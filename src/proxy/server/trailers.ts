// Trailer fields behind the body of a response: those of the upstream where they are passed on, and add_trailer's.
import type { ServerRequest } from "./request.ts";
import { type HeaderLine, isPlainStatus, type ResponseHeader } from "./response-header.ts";

/** Whether there are any for a response of this status. */
export function hasTrailers({ location: { addTrailers, passTrailers } }: ServerRequest, status: number): boolean {
  return passTrailers || addTrailers.some(({ always }) => always || isPlainStatus(status));
}

/** The fields, once the body has ended: each may name those before it. */
export function makeTrailers(request: ServerRequest, header: ResponseHeader): readonly HeaderLine[] {
  const { addTrailers, passTrailers } = request.location;
  request.sentTrailers = passTrailers ? [...header.trailers] : [];
  for (const { name, value, always } of addTrailers) {
    if (!always && !isPlainStatus(header.status)) continue;
    const rendered = value.render(request.subject);
    if (rendered !== "") request.sentTrailers.push({ name, value: rendered });
  }
  return request.sentTrailers;
}
