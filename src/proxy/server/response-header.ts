// The header of a response on its way through the filters of a virtual server: a list of fields that keeps its order.

/** One field. */
export interface HeaderLine {
  readonly name: string;
  readonly value: string;
}

/** Status, fields and what is known of the body. */
export class ResponseHeader {
  status: number;
  /** "" = the usual one. */
  reason = "";
  lines: HeaderLine[] = [];
  /** Body bytes; -1 = not known. */
  length = -1;
  /** Conditions of the request (If-Modified-Since, If-Match …) are looked at here. */
  conditional = false;
  /** Ranges of it may be asked for. */
  ranges = false;
  /** The producer can begin anywhere in the content: it sends what `Output.range` says by itself. */
  seekable = false;
  /** Several ranges get the whole content. */
  singleRange = false;
  /** Of the content, where `length` is that of a part. */
  fullLength = -1;
  fromUpstream = false;
  /** Date and Server are the upstream's, or there are none. */
  noDate = false;
  noServer = false;
  /** Trailers of the upstream, known once its body has ended. */
  trailers: readonly HeaderLine[] = [];

  constructor(status: number) {
    this.status = status;
  }

  /** The first value of a field. */
  get(lowerName: string): string | undefined {
    for (const { name, value } of this.lines) {
      if (name.length === lowerName.length && name.toLowerCase() === lowerName) return value;
    }
    return undefined;
  }

  add(name: string, value: string): void {
    this.lines.push({ name, value });
  }

  /** Puts one field in the place of those of this name. */
  set(name: string, value: string): void {
    const lowerName = name.toLowerCase();
    const at = this.lines.findIndex((line) => line.name.toLowerCase() === lowerName);
    if (at < 0) return this.add(name, value);
    this.lines[at] = { name, value };
    this.lines = this.lines.filter((line, index) => index <= at || line.name.toLowerCase() !== lowerName);
  }

  remove(lowerName: string): void {
    this.lines = this.lines.filter(({ name }) => name.toLowerCase() !== lowerName);
  }

  /** Gives each value of the fields of a name another one. */
  map(lowerName: string, change: (value: string) => string): void {
    this.lines = this.lines.map((line) =>
      line.name.toLowerCase() === lowerName ? { name: line.name, value: change(line.value) } : line,
    );
  }
}

/** Statuses that add_header and add_trailer apply to unless they say "always". */
export function isPlainStatus(status: number): boolean {
  switch (status) {
    case 200:
    case 201:
    case 204:
    case 206:
    case 301:
    case 302:
    case 303:
    case 304:
    case 307:
    case 308:
      return true;
    default:
      return false;
  }
}
