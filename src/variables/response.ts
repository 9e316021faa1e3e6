// Variables about the response and about what became of the request.
import type { ResponseVariable } from "../config/variable-names.ts";
import type { Variable } from "./subject.ts";

export const RESPONSE_VARIABLES: Readonly<Record<ResponseVariable, Variable>> = {
  body_bytes_sent: (of) => String(Math.max(0, of.bodyBytesSent)),
  bytes_sent: (of) => String(of.bytesSent),
  goodgate_cache_key: (of) => of.cacheKey,
  goodgate_cause: (of) => of.cause,
  gzip_ratio: (of) => of.gzipRatio,
  limit_conn_status: (of) => of.limitConnStatus,
  limit_req_status: (of) => of.limitReqStatus,
  request_completion: (of) => (of.completed ? "OK" : ""),
  status: (of) => statusText(of.status, of.protocol),
};

/** Three digits at least; what came without a version and has no status yet is "009". */
function statusText(status: number, protocol: string): string {
  if (status >= 100) return String(status);
  return status === 0 && protocol === "HTTP/0.9" ? "009" : String(status).padStart(3, "0");
}
