// What the rules of a virtual server for request heads mean as bounds of the parser. nginx reads a head into one small
// buffer, then into large ones: a line has to fit into one of them, the head into all. The rules are those of the server
// that the handshake chose, or of the default server of the address.
import type { HeadRules } from "../../config/servers.ts";
import type { Ms } from "../../std/units.ts";
import type { HeadLimits } from "../../wire/head.ts";
import type { ClientConnection } from "../client-connection.ts";
import type { Runtime } from "../runtime.ts";

/** How long the head of a request may take. */
export function headMsOf(client: ClientConnection): Ms {
  const { servers, config } = client.gateway.runtime;
  return servers ? servers.serverOf(client).config.head.timeoutMs : config.client.timeouts.headMs;
}

/** Bounds of a connection's heads, asked for once per generation of the configuration. */
export class HeadLimitsOf {
  #runtime: Runtime | null = null;
  #limits: HeadLimits | null = null;

  limitsFor(client: ClientConnection): HeadLimits {
    const { runtime } = client.gateway;
    if (this.#runtime !== runtime) {
      this.#runtime = runtime;
      const { servers, headLimits } = runtime;
      this.#limits = servers ? limitsOf(servers.serverOf(client).config.head) : headLimits;
    }
    return this.#limits!;
  }
}

function limitsOf(rules: HeadRules): HeadLimits {
  const { bufferBytes, largeBuffers, fieldsMax, ignoreInvalid, underscores } = rules;
  const lineBytes = Math.max(bufferBytes, largeBuffers.bytes);
  return {
    lineBytes,
    fieldBytes: lineBytes,
    headBytes: bufferBytes + largeBuffers.count * largeBuffers.bytes,
    fields: fieldsMax,
    rawTargets: true,
    names: ignoreInvalid ? (underscores ? "underscores" : "plain") : "any",
  };
}
