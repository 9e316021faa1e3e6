// Paths as figures are kept by: without query, and with what only names one thing (an order, a user) masked, so that
// /order/123 and /order/124 are one line. Pure.
import { clip } from "./bounds.ts";

/** Stands in place of an id. */
const MASK = "…";
const PATH_MAX = 200;
const SEGMENTS_MAX = 12;

/** Numbers, also with a sign, a dot or an extension: "123", "2026-11-21", "123.json". */
const NUMBER = /^[\d][\d.,:_-]*(?:\.[a-z]{1,5})?$/i;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:\.[a-z]{1,5})?$/i;
const HEX = /^(?=[^.]*\d)[0-9a-f]{12,}(?:\.[a-z]{1,5})?$/i;
/** ULIDs, keys, signed parts: long, and letters and digits mixed. */
const TOKEN = /^(?=(?:[^\d]*\d){3})[\w~%+=-]{20,}$/;

/** The path of a target ("/order/123?x=1" → "/order/…"). */
export function maskedPath(target: string): string {
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  const segments = path.slice(0, 2048).split("/");
  const masked = segments.slice(0, SEGMENTS_MAX + 1).map((segment) => (isId(segment) ? MASK : segment));
  if (segments.length > SEGMENTS_MAX + 1) masked.push(MASK);
  return clip(masked.join("/"), PATH_MAX);
}

function isId(segment: string): boolean {
  // A version of an API names the same thing for everybody.
  return NUMBER.test(segment) || UUID.test(segment) || HEX.test(segment) || TOKEN.test(segment);
}
