// Where the response of an upstream (or of the cache, or a file) goes: usually the request's output, in slices what puts
// them together.
import type { ResponseHeader } from "./response-header.ts";

export interface ResponseSink {
  /** True = no body is wanted. */
  begin(header: ResponseHeader): boolean;
  /** The bytes are kept: they may not change. */
  write(bytes: Buffer): void;
  flush(): void;
  end(): void;
  readonly full: boolean;
  onDrained: (() => void) | null;
  /** Resolves once a producer that found it full may go on, or nobody reads any more. */
  drain(): Promise<void>;
}
