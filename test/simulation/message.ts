// HTTP/1.1 messages as clients and origins of the simulation read and check them. Written on its own, plainly and
// strictly, and not with src/wire: what the gateway and its judge read by the same code they would misread alike.

/** A start line and fields. */
export interface MessageHead {
  readonly line: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** How a body ends. */
export type Framing = number | "chunked" | "until-close";

/** Reads one message after the other from bytes as they come. */
export class MessageReader {
  readonly #framingOf: (head: MessageHead) => Framing;
  readonly #onHead: (head: MessageHead) => void;
  readonly #onWhole: (head: MessageHead, body: Buffer) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #head: MessageHead | null = null;
  #framing: Framing = 0;
  #body: Buffer[] = [];
  #left = 0;
  #state: "head" | "sized" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer" | "rest" = "head";
  /** What the bytes broke; "" = nothing. Behind it nothing is read. */
  problem = "";

  constructor(
    framingOf: (head: MessageHead) => Framing,
    onHead: (head: MessageHead) => void,
    onWhole: (head: MessageHead, body: Buffer) => void,
  ) {
    this.#framingOf = framingOf;
    this.#onHead = onHead;
    this.#onWhole = onWhole;
  }

  /** Within a message, or before the first byte of the next. */
  get within(): "nothing" | "head" | "body" {
    if (this.#head) return "body";
    return this.#bytes.length > 0 ? "head" : "nothing";
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length > 0 ? Buffer.concat([this.#bytes, bytes]) : bytes;
    while (this.problem === "" && this.#step()) {
      // One part after the other.
    }
  }

  /** The sender has ended: a body that ends so is whole now. False = something was cut. */
  ended(): boolean {
    if (this.#state === "rest") this.#whole();
    return this.within === "nothing";
  }

  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "sized":
        return this.#readData(() => this.#whole());
      case "chunk-data":
        return this.#readData(() => {
          this.#state = "chunk-end";
        });
      case "rest":
        if (this.#bytes.length > 0) this.#body.push(this.#take(this.#bytes.length));
        return false;
      default:
        return this.#readChunkLine();
    }
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [line = "", ...rest] = this.#take(end + 4)
      .toString("latin1")
      .slice(0, -4)
      .split("\r\n");
    const fields = new Map<string, string>();
    for (const field of rest) {
      const colon = field.indexOf(":");
      if (colon < 1) return this.#broken(`a field "${field}"`);
      const name = field.slice(0, colon).toLowerCase();
      if ((name === "content-length" || name === "transfer-encoding") && fields.has(name))
        return this.#broken(`two fields ${name}`);
      fields.set(name, field.slice(colon + 1).trim());
    }
    if (fields.has("content-length") && fields.has("transfer-encoding")) return this.#broken("two framings");
    const head = { line, fields };
    this.#head = head;
    this.#body = [];
    this.#framing = this.#framingOf(head);
    this.#onHead(head);
    if (this.#framing === 0) this.#whole();
    else if (this.#framing === "chunked") this.#state = "chunk-size";
    else if (this.#framing === "until-close") this.#state = "rest";
    else {
      this.#left = this.#framing;
      this.#state = "sized";
    }
    return true;
  }

  #readData(whole: () => void): boolean {
    const count = Math.min(this.#left, this.#bytes.length);
    if (count === 0) return false;
    this.#body.push(this.#take(count));
    this.#left -= count;
    if (this.#left === 0) whole();
    return true;
  }

  #readChunkLine(): boolean {
    const end = this.#bytes.indexOf("\r\n");
    if (end < 0) return false;
    const line = this.#take(end + 2)
      .toString("latin1")
      .slice(0, -2);
    if (this.#state === "chunk-end") {
      if (line !== "") return this.#broken(`"${line}" behind a chunk`);
      this.#state = "chunk-size";
    } else if (this.#state === "trailer") {
      if (line === "") this.#whole();
    } else {
      if (!/^[0-9a-f]+$/i.test(line)) return this.#broken(`a chunk size "${line}"`);
      this.#left = Number.parseInt(line, 16);
      this.#state = this.#left === 0 ? "trailer" : "chunk-data";
    }
    return true;
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  #whole(): void {
    const head = this.#head!;
    this.#head = null;
    this.#state = "head";
    this.#onWhole(head, this.#body.length === 1 ? this.#body[0]! : Buffer.concat(this.#body));
  }

  #broken(what: string): false {
    this.problem = what;
    return false;
  }
}

/** Body bytes that belong to `key` alone. */
export function bodyFor(key: string, length: number): Buffer {
  return Buffer.alloc(length, `${key};`, "latin1");
}

/** A chunk with its framing. */
export function chunk(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from("\r\n")]);
}
