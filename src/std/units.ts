// Units. A number that has a unit carries it in its name (connectTimeoutMs, headBytesMax) and in its type.
// parseDuration / parseSize read what people write in a configuration: "5s", "250ms", "10MiB".

/** Milliseconds; a monotonic instant or a span, as the name says. */
export type Ms = number;
/** Bytes. */
export type Bytes = number;
