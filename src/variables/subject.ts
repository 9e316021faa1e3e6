// What variables read of a request. The data path has an object with these members for each request of a virtual
// server; everything is asked only where a variable is used. Strings are byte text (one character is one byte).
// undefined = there is nothing of the kind ("-" in a log); "" = there is, and it is empty.
import type { Ms } from "../std/units.ts";

/** One request, as variables see it. */
export interface Subject {
  /** Values of `set`, named captures, auth_request_set and cached maps; a slot per name (VariableTable.slot). */
  readonly slots: (string | undefined)[];
  /** Of the regular expression that matched last: [0] the whole match, then the groups; null = none has. */
  captures: readonly (string | undefined)[] | null;

  // -- the request
  readonly method: string;
  /** As received, with its query: $request_uri. Of a subrequest that of its parent. */
  readonly target: string;
  /** Path as it is now: decoded, normalised, after rewrites. */
  readonly uri: string;
  /** Query as it is now, without its "?"; undefined = none. */
  readonly args: string | undefined;
  /** "HTTP/1.1". */
  readonly protocol: string;
  /** $request: the request line as received. */
  readonly requestLine: string;
  /** Of the request line or Host: lower case, without port; else the server's name. */
  readonly host: string;
  /** The port of Host, as written. */
  readonly requestPort: string | undefined;
  /** Fields of this name (lower case) joined: "; " for cookie, else ", ". */
  header(name: string): string | undefined;
  /** A cookie; the name is in lower case and case does not count (parameters.ts: cookieOf). */
  cookie(name: string): string | undefined;
  /** Bytes of line, fields and body received. */
  readonly requestLength: number;
  /** Content-Length of the request as received (or counted, for chunks read whole). */
  readonly contentLength: string | undefined;
  /** The body where it is in memory. */
  readonly requestBody: string | undefined;
  /** The file that the body is in. */
  readonly requestBodyFile: string | undefined;
  readonly requestId: string;
  readonly remoteUser: string | undefined;
  readonly isSubrequest: boolean;
  /** Monotonic start and wall clock of now, in ms. */
  readonly startedAt: Ms;
  readonly now: Ms;
  readonly wallNowMs: number;

  // -- the connection
  /** After real-ip, where that is configured. "unix:" for a Unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: string;
  /** Before real-ip. */
  readonly peerAddress: string;
  readonly peerPort: string;
  readonly serverAddress: string;
  readonly serverPort: string;
  readonly connectionSerial: number;
  /** Requests on this connection so far, this one included. */
  readonly connectionRequests: number;
  readonly connectionStartedAt: Ms;
  readonly pipelined: boolean;
  readonly proxyProtocol: ProxyProtocolFacts | null;
  /** null = plain. */
  readonly tls: TlsFacts | null;

  // -- the virtual server and location
  readonly serverName: string;
  /** root or alias of the location, rendered. */
  readonly documentRoot: string;
  /** The file that the uri means there. */
  readonly requestFilename: string;
  readonly limitRate: string | undefined;
  /** "PASSED", "DELAYED", "REJECTED", "DELAYED_DRY_RUN", "REJECTED_DRY_RUN". */
  readonly limitReqStatus: string | undefined;
  readonly limitConnStatus: string | undefined;
  /** "1" or "": by the referer rules of the location. */
  readonly invalidReferer: string;
  /** The document root without symbolic links: $realpath_root. */
  readonly realDocumentRoot?: string | undefined;
  /** The time format of SSI for $date_local and $date_gmt; undefined = SSI's default. */
  readonly timeFormat?: string | undefined;
  /** Open connections of the whole program, for $connections_active and its kin. */
  readonly openConnections?: ConnectionCounts | undefined;
  /** Variables that one feature of a location makes: uid_got, uid_set, secure_link, slice_range, modern_browser … */
  feature?(name: string): string | undefined;

  // -- the response
  /** 0 = none yet. */
  readonly status: number;
  readonly bytesSent: number;
  readonly bodyBytesSent: number;
  /** Fields of the response as the client gets them; name in lower case. */
  sentHeader(name: string): string | undefined;
  sentTrailer(name: string): string | undefined;
  /** undefined = not compressed. */
  readonly gzipRatio: string | undefined;
  /** "OK" once the request is complete: $request_completion. */
  readonly completed: boolean;
  /** Cause of a failure (failure/causes.ts): $goodgate_cause. */
  readonly cause: string | undefined;
  /** "1" where a file of the cache or upstream was … : $upstream_cache_status. */
  readonly cacheStatus: string | undefined;
  readonly cacheKey: string | undefined;
  readonly cacheLastModified: string | undefined;
  /** ETag of what is revalidated: $upstream_cache_etag. */
  readonly cacheEtag?: string | undefined;

  // -- upstreams
  /** Tries in order; a new group begins behind each internal redirect ("a, b : c"). */
  readonly tries: readonly Try[];
  /** Of the last response head from an upstream. */
  upstreamHeader(name: string): string | undefined;
  /** Set-Cookie of that name in it; the name is in lower case and case does not count (parameters.ts: setCookieOf). */
  upstreamCookie(name: string): string | undefined;
  upstreamTrailer(name: string): string | undefined;
  /** Name of the upstream that was asked last. */
  readonly upstreamName: string | undefined;
  /** $proxy_host, $proxy_port of the location's target. */
  readonly proxyHost: string | undefined;
  readonly proxyPort: string | undefined;
  /** Content-Length as it goes to the upstream (after proxy_set_body). */
  readonly proxyBodyLength: string | undefined;
  /** The body goes to the upstream in chunks. */
  readonly proxyChunked?: boolean;
}

/** Connections of the program; `waiting` are idle. */
export interface ConnectionCounts {
  readonly active: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

/** One try of an upstream. Durations in ms; -1 = it did not come that far ("-"). */
export interface Try {
  /** "10.0.0.1:80", "unix:/run/app.sock", or the upstream's name where there was no endpoint. */
  readonly address: string;
  /** 0 = none ("-"); nginx says 502 or 504 for tries that failed. */
  readonly status: number;
  readonly connectMs: Ms;
  readonly headMs: Ms;
  readonly responseMs: Ms;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Bytes of the body received. */
  readonly responseLength: number;
  /** The first behind an internal redirect. */
  readonly afterRedirect: boolean;
}

export interface ProxyProtocolFacts {
  readonly address: string;
  readonly port: string;
  readonly serverAddress: string;
  readonly serverPort: string;
  /** TLV by name or "0x…", as nginx names them. */
  tlv(name: string): string | undefined;
}

export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly ciphers: string;
  readonly curve: string;
  readonly curves: string;
  readonly serverName: string | undefined;
  readonly sessionId: string;
  readonly sessionReused: boolean;
  readonly alpn: string | undefined;
  readonly earlyData: boolean;
  /** Of the client's certificate; undefined = it sent none. */
  readonly client: TlsClientFacts | undefined;
  /** "NONE", "SUCCESS", "FAILED:reason". */
  readonly clientVerify: string;
  /** Signature algorithms: of the handshake, those that the client offers, and of the client's own signature. */
  readonly sigalg?: string | undefined;
  readonly sigalgs?: string | undefined;
  readonly clientSigalg?: string | undefined;
}

export interface TlsClientFacts {
  /** PEM. */
  readonly pem: string;
  readonly serial: string;
  readonly fingerprint: string;
  /** RFC 2253. */
  readonly subject: string;
  readonly issuer: string;
  readonly subjectLegacy: string;
  readonly issuerLegacy: string;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly daysRemaining: string;
}

/** The value of a variable; undefined = not found. */
export type Variable = (subject: Subject) => string | undefined;

/** A text of the configuration, compiled. Variables that are not found give "". */
export interface CompiledText {
  /** null = it has variables. */
  readonly constant: string | null;
  render(subject: Subject): string;
}
