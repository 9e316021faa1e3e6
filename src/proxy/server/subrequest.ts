// Requests of our own within a request: auth_request, mirror, SSI includes, additions. Each is an exchange like any
// other, but for its client, which is none: what would be sent goes to the request that asked, and a client's
// connection is never touched. It shares variables with its parent, and what the client said of itself. It ends when
// its parent does, unless it is to outlive it.
import { failureOf } from "../../failure/classify.ts";
import type { Bytes } from "../../std/units.ts";
import type { RequestHead } from "../../wire/head.ts";
import { Exchange } from "../exchange.ts";
import type { BodyFile } from "./body-file.ts";
import type { OutputTarget } from "./output.ts";
import { redirectToNamed } from "./redirects.ts";
import type { ServerRequest } from "./request.ts";
import type { ResponseHeader } from "./response-header.ts";

/** Subrequests within subrequests; more are a circle. */
const DEPTH_MAX = 50;
/** Subrequests of one request at work at one time. */
const AT_WORK_MAX = 2000;

/** What came of a subrequest. */
interface Subanswer {
  readonly status: number;
  readonly request: ServerRequest;
  /** Why its body is not whole; null = it is. */
  readonly cut: Error | null;
}

/** Takes the body of a subrequest. */
interface SubrequestBody {
  write(bytes: Buffer): void;
  /** It takes no more for now. */
  readonly full: boolean;
}

export interface SubrequestOptions {
  readonly uri: string;
  readonly args: string | undefined;
  /** Gets its body; missing = nobody wants it. */
  readonly into?: SubrequestBody;
  /** The body has to fit into what the location allows (subrequest_output_buffer_size). */
  readonly inMemory?: boolean;
  /** Answers in the place of an error. */
  readonly stub?: Buffer | null;
  /** HEAD and POST go on as they are (mirror); else it is a GET. */
  readonly method?: string;
  /** Its body; null = none. */
  readonly body?: Buffer | null;
  /** It begins in this named location. */
  readonly named?: string;
  /** The file that has its body. */
  readonly file?: BodyFile | null;
  /** It goes on when its parent has ended. */
  readonly outlives?: boolean;
}

/** Makes a subrequest; `done` is called once, with what came of it. False = there are too many: nothing comes. */
export function subrequest(
  parent: ServerRequest,
  options: SubrequestOptions,
  done: (answer: Subanswer) => void,
): boolean {
  const { main } = parent;
  const problem = tooMany(parent, options.uri);
  if (problem !== null) {
    parent.log("error", problem);
    return false;
  }
  const { exchange: outer, servers } = parent;
  const client = outer.client.gateway.standInFor(outer.client);
  const exchange = new Exchange(client, outer.runtime, subHead(outer.head, options.method ?? "GET"));
  client.exchange = exchange;
  let finished = false;
  /** False = it is over already. */
  const leave = (): boolean => {
    if (finished) return false;
    finished = true;
    main.subrequestsAtWork--;
    parent.children?.delete(request);
    return true;
  };
  const finish = (cut: Error | null): void => {
    if (leave()) done({ status: exchange.status || exchange.failure?.status || 500, request, cut });
  };
  const request = servers.subrequest(exchange, { parent, target: targetOf(() => request, options, finish) });
  client.onFailed = () => finish(new Error(`the subrequest for "${options.uri}" was cut`));
  exchange.served = request;
  request.uri = options.uri;
  request.args = options.args;
  if (options.body) request.givenBody = options.body;
  if (options.file) {
    const file = options.file.share();
    request.givenFile = file;
    request.releases.push(() => file.release());
  }
  if (options.stub) request.stub = options.stub;
  main.subrequestsAtWork++;
  parent.children ??= new Set();
  parent.children.add(request);
  if (!options.outlives)
    parent.releases.push(() => {
      leave();
      if (!exchange.ended) exchange.clientGone();
    });
  request.phase = 1;
  if (options.named !== undefined) redirectToNamed(request, options.named);
  else request.run();
  return true;
}

function tooMany(parent: ServerRequest, uri: string): string | null {
  let depth = 0;
  for (let at: ServerRequest | null = parent; at; at = at.parent) depth++;
  if (depth > DEPTH_MAX) return `subrequests cycle while processing "${uri}"`;
  return parent.main.subrequestsAtWork >= AT_WORK_MAX ? `too many subrequests while processing "${uri}"` : null;
}

function targetOf(
  request: () => ServerRequest,
  { into, inMemory }: SubrequestOptions,
  finish: (cut: Error | null) => void,
): OutputTarget {
  let left: Bytes = Infinity;
  const tooBig = (bytes: Bytes | null): void => {
    left = -1;
    const { exchange, parent } = request();
    const detail = `too big subrequest response${bytes === null ? "" : `: ${bytes}`}`;
    parent!.log("error", detail);
    finish(new Error(detail));
    exchange.fail(failureOf("gateway-internal-error", { detail }));
  };
  return {
    header: (header: ResponseHeader) => {
      if (!inMemory) return;
      left = request().location.settings.filters.subrequestBytesMax ?? IN_MEMORY_BYTES;
      if (header.length > left) tooBig(header.length);
    },
    body: (bytes) => {
      if (left < 0) return;
      left -= bytes.length;
      if (left < 0) return tooBig(null);
      into?.write(bytes);
    },
    end: () => finish(null),
    get full() {
      return into?.full ?? false;
    },
  };
}

const IN_MEMORY_BYTES: Bytes = 4096;

/** The parent's head as that of a request without a body. */
function subHead(head: RequestHead, method: string): RequestHead {
  return { ...head, method, bodyLength: 0, expectContinue: false, upgrade: "", keepAlive: true };
}
