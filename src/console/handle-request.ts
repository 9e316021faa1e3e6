// One request to the console, from its head to its answer: whether the Host is ours, what it asks for, where it comes
// from, who sends it, and then the page, the API or what machines ask. Decisions are guard.ts's and identity.ts's.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { log } from "../std/log.ts";
import { beginAnswer, CHALLENGE, CONSOLE_POLICY, type Problem, send, sendProblem, takesGzip } from "./answer.ts";
import { ConsolePage, type PageFile } from "./assets.ts";
import { isOurHost, type Place, type RequestFacts, refuseOrigin, refuseRole } from "./guard.ts";
import type { Identity, Visit } from "./identity.ts";
import { answerMachine, isProbe } from "./machine.ts";
import type { ConsoleOptions } from "./options.ts";
import { API } from "./router.ts";
import type { Runner } from "./run-operation.ts";

/** What one console is made of. */
export interface ConsoleParts {
  readonly options: ConsoleOptions;
  readonly place: () => Place;
  readonly identity: Identity;
  readonly page: ConsolePage;
  /** What runs the calls of the API; null = without a backend. */
  readonly runner: (() => Promise<Runner>) | null;
  /** When the log was last told of a request from elsewhere. */
  readonly foreign: { toldAt: number };
}

const TOLD_EVERY_MS = 10_000;

/** Answers a request. Never rejects: what goes wrong is 500, and its reason stays in the log. */
export async function handleRequest(
  parts: ConsoleParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  beginAnswer(response);
  // Until its body is read, a client that sends one is not to keep the connection.
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  const mayKeep = response.shouldKeepAlive;
  if (hasBody) response.shouldKeepAlive = false;
  try {
    await answer(parts, request, response, mayKeep);
  } catch (error) {
    log.warn(`console: ${(request.url ?? "").split("?", 1)[0]} cannot be answered`, {
      error: (error as Error).message,
    });
    if (response.headersSent) response.destroy();
    else send(response, 500, "This cannot be answered now; the gateway's log says why.\n");
  }
}

async function answer(
  parts: ConsoleParts,
  request: IncomingMessage,
  response: ServerResponse,
  mayKeep: boolean,
): Promise<void> {
  const url = request.url ?? "";
  const split = url.indexOf("?");
  const path = split < 0 ? url : url.slice(0, split);
  const query = split < 0 ? "" : url.slice(split + 1);
  const method = request.method ?? "";
  if (!path.startsWith("/") || isTwice(request, "host"))
    return send(response, 400, "This is no request for the console.\n");
  const place = parts.place();
  if (!isOurHost(request.headers.host, place)) return send(response, 421, "This host name is not the console's.\n");
  const isApi = parts.runner !== null && (path === API || path.startsWith(`${API}/`));
  if (!isApi && method !== "GET" && method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return send(response, 405, "Only GET and HEAD.\n");
  }
  if (isProbe(path)) return answerMachine(parts.options, path, query, response);
  const file = pageFile(parts, path);
  // The page's own files say nothing of the gateway; what they show they ask the API for.
  if (file) return sendFile(request, response, file, path);
  const visit = visitOf(request, place);
  const caller = parts.identity.callerOf(visit);
  if (caller !== null && "status" in caller) return refuse(response, isApi, caller);
  const facts = factsOf(request, method, path, visit);
  const foreign = refuseOrigin(facts, place, caller?.proof ?? (visit.cookie === undefined ? "none" : "session"));
  if (foreign) {
    tellForeign(parts, `${method} ${path}`, visit.client, foreign);
    return refuse(response, isApi, foreign);
  }
  if (isApi) return (await parts.runner!()).run({ request, response, mayKeep, method, path, query, visit, caller });
  const unknown = refuseRole(caller, "reader");
  if (unknown) return refuse(response, isApi, unknown);
  return answerMachine(parts.options, path, query, response);
}

/** In the log, but not as fast as a page of another site can ask: it may be a proxy whose host name is not configured. */
function tellForeign(parts: ConsoleParts, asked: string, client: string, { field, value }: Problem): void {
  const at = performance.now();
  if (at - parts.foreign.toldAt < TOLD_EVERY_MS) return;
  parts.foreign.toldAt = at;
  log.warn("console: refused what another site may have sent", { asked: asked.slice(0, 200), client, field, value });
}

/** Whether a field stands twice: two readers might take different ones. */
function isTwice({ rawHeaders }: IncomingMessage, name: string): boolean {
  return rawHeaders.filter((field, index) => index % 2 === 0 && field.toLowerCase() === name).length > 1;
}

function pageFile({ options, page }: ConsoleParts, path: string): PageFile | null {
  if (!options.backend) return null;
  return ConsolePage.isPage(path) ? page.index() : page.asset(path);
}

function sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile, path: string): void {
  const isAsset = path.startsWith("/assets/");
  response.setHeader("Cache-Control", isAsset ? "public, max-age=31536000, immutable" : "no-cache");
  response.setHeader("Content-Security-Policy", CONSOLE_POLICY);
  if (file.gzip === null) return send(response, 200, file.body, file.type);
  response.setHeader("Vary", "Accept-Encoding");
  if (!takesGzip(request.headers["accept-encoding"])) return send(response, 200, file.body, file.type);
  response.setHeader("Content-Encoding", "gzip");
  send(response, 200, file.gzip, file.type);
}

function refuse(response: ServerResponse, isApi: boolean, problem: Problem): void {
  if (isApi) return sendProblem(response, problem);
  if (problem.status === 401) response.setHeader("WWW-Authenticate", CHALLENGE);
  for (const [name, value] of Object.entries(problem.headers ?? {})) response.setHeader(name, value);
  send(response, problem.status, `${problem.detail}\n`);
}

function factsOf(request: IncomingMessage, method: string, path: string, { tls }: Visit): RequestFacts {
  const { host, origin } = request.headers;
  const contentType = request.headers["content-type"];
  const fetchSite = request.headers["sec-fetch-site"];
  return {
    method,
    path,
    host,
    origin,
    fetchSite: fetchSite === undefined ? undefined : String(fetchSite),
    contentType,
    tls,
  };
}

function visitOf(request: IncomingMessage, { address }: Place): Visit {
  const socket = request.socket as Partial<TLSSocket> & IncomingMessage["socket"];
  const tls = socket.encrypted === true;
  const { authorization, cookie, origin } = request.headers;
  return {
    client: address.kind === "unix" ? "unix" : (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
    authorization,
    cookie,
    certificate: tls && socket.authorized === true ? certificateName(socket as TLSSocket) : null,
    tls,
    secure: tls || origin?.startsWith("https:") === true,
  };
}

/** Who a certificate is of. It may have been ended by a later handshake without one: then it has no subject. */
function certificateName(socket: TLSSocket): string | null {
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined) return null;
  const name = [subject.CN].flat()[0];
  return name === undefined || name === "" ? "certificate" : name.slice(0, 100);
}
