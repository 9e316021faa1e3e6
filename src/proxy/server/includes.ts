// What documents ask of the request that they are in: SSI, and additions to a body. Their answers go to their places
// in the body as they come.
import { type CompiledPattern, capturesOf, compilePattern, type PatternProblem } from "../../config/pcre.ts";
import type { Place } from "../../filter/filter.ts";
import { newSsiShared, type SsiHost, type SsiInclude } from "../../filter/ssi.ts";
import { readNamedUri } from "../../routing/uri.ts";
import { wallMs } from "../date.ts";
import type { BodyFile } from "./body-file.ts";
import type { ServerRequest } from "./request.ts";
import { type SubrequestOptions, subrequest } from "./subrequest.ts";

/** Patterns of documents that are kept; their texts may come from requests. */
const PATTERNS_MAX = 256;

/** A document's view of its request. */
export function ssiHostOf(request: ServerRequest): SsiHost {
  return {
    uri: request.uri,
    variable: (name) => request.servers.compiler.table.variable(name)?.(request.subject),
    include: (what, place) => include(request, what, place),
    match,
    wallNowMs: wallMs,
    log: (problem) => request.log("error", problem),
  };
}

/** Variables, captures and blocks of the documents of one request. */
export function ssiSharedOf({ main }: ServerRequest): ReturnType<typeof newSsiShared> {
  main.ssi ??= newSsiShared();
  return main.ssi;
}

/** A subrequest whose body goes to a place; false = there can be none. */
function include(request: ServerRequest, { target, set, stub }: SsiInclude, place: Place): boolean {
  const named = readNamedUri(target);
  if (!named) {
    request.log("error", `unsafe URI "${target}" was detected`);
    return false;
  }
  return ask(request, { ...named, inMemory: set, stub }, place);
}

/** A path of the configuration whose answer goes to a place; all of it is the path. */
export function includePath(request: ServerRequest, uri: string, place: Place): void {
  if (!ask(request, { uri, args: undefined }, place)) place.end(0);
}

function ask(request: ServerRequest, what: Omit<SubrequestOptions, "into">, place: Place): boolean {
  const options = { ...what, into: place, body: bodyFor(request), file: fileFor(request) };
  return subrequest(request, options, ({ status, cut }) => (cut ? place.fail(cut) : place.end(status)));
}

/** What is included gets the body of the client, as far as it was read for the one that includes it. */
function bodyFor({ main }: ServerRequest): Buffer | null {
  const { body } = main.exchange;
  if (main.ownBody || !body?.complete || !body.keeping) return null;
  return main.clientBody?.file ? null : body.content();
}

function fileFor({ main }: ServerRequest): BodyFile | null {
  return main.clientBody?.mode === "whole" && main.exchange.body?.complete ? main.clientBody.file : null;
}

const patterns = new Map<string, CompiledPattern | PatternProblem>();

function match(source: string, text: string): ReturnType<SsiHost["match"]> {
  let pattern = patterns.get(source);
  if (!pattern) {
    pattern = compilePattern({ source, ignoreCase: false });
    if (patterns.size >= PATTERNS_MAX) patterns.clear();
    patterns.set(source, pattern);
  }
  if ("problem" in pattern) return pattern;
  const found = pattern.regex.exec(text);
  if (!found) return null;
  const captures = capturesOf(pattern, found);
  const { names, nameGroups } = pattern;
  return { captures, names: Object.fromEntries(names.map((name, index) => [name, captures[nameGroups[index]!]])) };
}
