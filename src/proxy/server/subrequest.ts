// Requests of our own within a request: auth_request, mirror, SSI includes, additions. Each is an exchange like any
// other, but for its client, which is none: what would be sent goes to the request that asked, and a client's
// connection is never touched. It shares variables with its parent, and what the client said of itself.
import type { RequestHead } from "../../wire/head.ts";
import { Exchange } from "../exchange.ts";
import type { OutputTarget } from "./output.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** Subrequests within subrequests; more are a circle. */
const DEPTH_MAX = 50;

/** What came of a subrequest. */
export interface Subanswer {
  readonly status: number;
  readonly request: ServerRequest;
  readonly body: readonly Buffer[];
}

export interface SubrequestOptions {
  readonly uri: string;
  readonly args: string | undefined;
  /** Its body bytes are wanted. */
  readonly wantsBody: boolean;
  /** HEAD and POST go on as they are (mirror); else it is a GET. */
  readonly method?: string;
  /** Its body; null = none. */
  readonly body?: Buffer | null;
  /** It goes on when its parent has ended. */
  readonly outlives?: boolean;
}

/** Makes a subrequest; `done` is called once, with what came of it, however it went. */
export function subrequest(parent: ServerRequest, options: SubrequestOptions, done: (answer: Subanswer) => void): void {
  const { exchange: outer, servers } = parent;
  let depth = 0;
  for (let at: ServerRequest | null = parent; at; at = at.parent) depth++;
  const client = outer.client.gateway.standInFor(outer.client);
  const exchange = new Exchange(client, outer.runtime, subHead(outer.head, options.method ?? "GET"));
  const body: Buffer[] = [];
  let finished = false;
  const finish = (): void => {
    if (finished) return;
    finished = true;
    done({ status: exchange.status || exchange.failure?.status || 500, request, body });
  };
  const target: OutputTarget = {
    header: (_header: ResponseHeader) => {},
    body: (bytes) => {
      if (options.wantsBody) body.push(bytes);
    },
    end: finish,
  };
  const request = servers.subrequest(exchange, { parent, target });
  client.onFailed = finish;
  exchange.served = request;
  request.uri = options.uri;
  request.args = options.args;
  if (options.body) request.givenBody = options.body;
  if (!options.outlives)
    parent.releases.push(() => {
      finished = true;
      if (!exchange.ended) exchange.clientGone();
    });
  if (depth > DEPTH_MAX) {
    parent.log("error", `subrequests cycle while processing "${options.uri}"`);
    return finish();
  }
  request.phase = 1;
  request.run();
}

/** The parent's head as that of a request without a body. */
function subHead(head: RequestHead, method: string): RequestHead {
  return { ...head, method, bodyLength: 0, expectContinue: false, upgrade: "", keepAlive: true };
}
