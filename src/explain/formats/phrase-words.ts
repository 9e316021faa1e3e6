// The words that phrases.ts looks for where there are many: names of codes by product, and the texts of statuses.

/** Names of gRPC's codes, by number. */
export const GRPC_NUMBERS: readonly string[] =
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED".split(
    " ",
  );

/** Signals that end a process, by number. */
export const SIGNALS: Readonly<Record<string, string>> = {
  "6": "SIGABRT",
  "7": "SIGBUS",
  "9": "SIGKILL",
  "11": "SIGSEGV",
  "15": "SIGTERM",
};

/** How codes of Vercel begin, for a regular expression. */
export const VERCEL =
  "FUNCTION_|EDGE_FUNCTION_|MIDDLEWARE_|MICROFRONTENDS_|DEPLOYMENT_|DNS_HOSTNAME_|ROUTER_|INFINITE_LOOP_|FALLBACK_BODY_|NO_RESPONSE_FROM_|BODY_NOT_A_|INTERNAL_|RESOURCE_NOT_|REQUEST_HEADER_TOO_|URL_TOO_|INVALID_REQUEST_METHOD|MALFORMED_REQUEST_|OPTIMIZED_EXTERNAL_|TOO_MANY_";

/** Reasons of Kubernetes that are told from ordinary words. */
export const K8S_REASONS =
  "CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|OOMKilled|CreateContainerConfigError|CreateContainerError|RunContainerError|InvalidImageName|ContainerCannotRun|ContainerCreating|FailedScheduling|FailedMount|FailedCreatePodSandBox|Unschedulable|NodeStatusUnknown|Evicted|NodeNotReady|DeadlineExceeded|ContainerStatusUnknown|PodInitializing|ContainersNotReady";

/** Texts behind the number of a status. */
export const STATUS_WORDS =
  "Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Request Time-?out|Length Required|Payload Too Large|Request Entity Too Large|URI Too Long|Misdirected Request|Upgrade Required|Too Many Requests|Request Header|Client Closed Request|Internal (?:Server )?Error|Not Implemented|Bad Gateway|Service (?:Temporarily )?Unavailable|Gateway Time-?out|HTTP Version Not Supported|Server Error|Backend fetch failed|Proxy Error|Web server";
