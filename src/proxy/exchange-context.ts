// What templates (header values, rewrites, redirects, bodies) can ask of an exchange.
import { fieldValue, fieldValues } from "../wire/head.ts";
import type { Exchange } from "./exchange.ts";
import type { PlaceholderContext } from "./placeholders.ts";
import { strippedPath } from "./send-request.ts";

/** A view of an exchange, made only for routes that have templates. */
export class ExchangeContext implements PlaceholderContext {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  clientIp(): string {
    return this.#exchange.clientAddress;
  }
  clientPort(): number {
    return this.#exchange.client.remotePort;
  }
  requestId(): string {
    return this.#exchange.requestId;
  }
  method(): string {
    return this.#exchange.method;
  }
  scheme(): string {
    return this.#exchange.tls ? "https" : "http";
  }
  host(): string {
    return this.#exchange.host.replace(/:\d*$/, "");
  }
  requestPath(): string {
    const { target } = this.#exchange.head;
    const query = target.indexOf("?");
    return query < 0 ? target : target.slice(0, query);
  }
  query(): string {
    return this.#exchange.head.query.slice(1);
  }
  target(): string {
    return this.#exchange.head.target;
  }
  header(name: string): string {
    return fieldValues(this.#exchange.head, name).join(", ");
  }
  cookie(name: string): string {
    for (const pair of (fieldValue(this.#exchange.head, "cookie") ?? "").split(";")) {
      const equals = pair.indexOf("=");
      if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
    return "";
  }
  route(): string {
    return this.#exchange.route;
  }
  upstream(): string {
    return this.#exchange.upstream;
  }
  endpoint(): string {
    return this.#exchange.attempts.at(-1)?.endpoint ?? "";
  }
  path(): string {
    return strippedPath(this.#exchange);
  }
  capture(index: number): string {
    return this.#exchange.captures?.[index - 1] ?? "";
  }
  status(): number {
    return this.#exchange.status;
  }
  cause(): string {
    return this.#exchange.failure?.cause ?? "";
  }
  name(): string {
    return this.#exchange.runtime.config.name;
  }
}
