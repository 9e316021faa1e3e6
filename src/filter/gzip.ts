// Compression of a response (gzip), with the ratio that logs show.
import { constants, createGzip, gzipSync } from "node:zlib";
import type { ByteSink, FilterEvents } from "./filter.ts";
import { ZlibFilter } from "./zlib-filter.ts";

/** Compresses a body. A body without a byte still is a gzip file. */
export class GzipFilter extends ZlibFilter {
  constructor(level: number, next: ByteSink, events: FilterEvents) {
    const options = { level, memLevel: constants.Z_DEFAULT_MEMLEVEL };
    super({ stream: () => createGzip(options), once: (bytes) => gzipSync(bytes, options) }, next, events);
  }

  /** $gzip_ratio: "3.25"; undefined = nothing was compressed yet. */
  get ratio(): string | undefined {
    if (this.bytesOut === 0) return undefined;
    return (Math.round((this.bytesIn * 100) / this.bytesOut) / 100).toFixed(2);
  }
}
