// A transparent pixel, for counting: always the same 43 bytes and the same date, so that it costs nobody anything.

/** GIF89a, 1×1, transparent. */
export const EMPTY_GIF = Buffer.from(
  "47494638396101000100800100000000ffffff21f90401000001002c00000000010001000002024c01003b",
  "hex",
);
export const EMPTY_GIF_TYPE = "image/gif";
/** Last-Modified: Mon, 28 Sep 1970 06:00:00 GMT. */
export const EMPTY_GIF_MODIFIED_SECONDS = 23_349_600;
