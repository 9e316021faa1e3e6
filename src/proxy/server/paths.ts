// The file that a uri means in a location: below its root, or where its alias says.
import type { ServerRequest } from "./request.ts";

/** Byte text. */
export function filenameOf(request: ServerRequest, uri: string): string {
  const { location } = request;
  const { root } = location.settings;
  const base = location.root.render(request.subject);
  if (root.kind === "root") return (base.endsWith("/") ? base.slice(0, -1) : base) + uri;
  if (root.prefixLength < 0) return base;
  return base + uri.slice(root.prefixLength);
}
