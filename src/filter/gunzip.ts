// Unpacking of a response for a client that does not take gzip. It always works as a stream, on whose output the size of
// its pieces has a bound: a small body can hold gigabytes.
import { createGunzip } from "node:zlib";
import type { ByteSink, FilterEvents } from "./filter.ts";
import { ZlibFilter } from "./zlib-filter.ts";

/** Unpacks a body; one that is no gzip, or cut, is an error. */
export class GunzipFilter extends ZlibFilter {
  constructor(next: ByteSink, events: FilterEvents) {
    super({ stream: () => createGunzip(), once: null }, next, events);
  }
}
