// Variables about the upstreams that were asked. Lists have one element per try, ", " between tries of one upstream
// and " : " before the first try behind an internal redirect, as nginx writes them.
import type { UpstreamVariable } from "../config/variable-names.ts";
import type { Ms } from "../std/units.ts";
import type { Subject, Try, Variable } from "./subject.ts";
import { seconds } from "./time.ts";

export const UPSTREAM_VARIABLES: Readonly<Record<UpstreamVariable, Variable>> = {
  proxy_host: (of) => of.proxyHost,
  proxy_internal_body_length: (of) => of.proxyBodyLength,
  proxy_internal_chunked: (of) => (of.proxyChunked === true ? "chunked" : undefined),
  proxy_port: (of) => of.proxyPort,
  upstream_addr: ofTries(({ address }) => address),
  upstream_bytes_received: ofTries(({ bytesReceived }) => String(bytesReceived)),
  upstream_bytes_sent: ofTries(({ bytesSent }) => String(bytesSent)),
  upstream_cache_etag: (of) => of.cacheEtag,
  upstream_cache_last_modified: (of) => of.cacheLastModified,
  upstream_cache_status: (of) => of.cacheStatus,
  upstream_connect_time: ofTries(({ connectMs }) => secondsOrNone(connectMs)),
  upstream_header_time: ofTries(({ headMs }) => secondsOrNone(headMs)),
  upstream_response_length: ofTries(({ responseLength }) => String(responseLength)),
  upstream_response_time: ofTries(({ responseMs }) => secondsOrNone(responseMs)),
  upstream_status: ofTries(({ status }) => (status === 0 ? "-" : String(status))),
};

function ofTries(element: (attempt: Try) => string): Variable {
  return ({ tries }: Subject) => {
    const [first] = tries;
    if (first === undefined) return undefined;
    let text = element(first);
    for (let index = 1; index < tries.length; index++) {
      const next = tries[index]!;
      text += (next.afterRedirect ? " : " : ", ") + element(next);
    }
    return text;
  };
}

function secondsOrNone(ms: Ms): string {
  return ms === -1 ? "-" : seconds(ms);
}
