// Variables about the request: what was asked for, and what it has become on its way through the locations.
import type { RequestVariable } from "../config/variable-names.ts";
import type { Variable } from "./subject.ts";

const feature =
  (name: string): Variable =>
  (of) =>
    of.feature?.(name);

export const REQUEST_VARIABLES: Readonly<Record<RequestVariable, Variable>> = {
  args: (of) => of.args,
  content_length: (of) => of.contentLength,
  content_type: (of) => of.header("content-type"),
  document_root: (of) => of.documentRoot,
  document_uri: (of) => of.uri,
  host: (of) => of.host,
  http2: (of) => (of.protocol !== "HTTP/2.0" ? "" : of.tls === null ? "h2c" : "h2"),
  http3: (of) => (of.protocol === "HTTP/3.0" ? "h3" : ""),
  is_args: (of) => (of.args ? "?" : ""),
  is_request_port: (of) => (of.requestPort ? ":" : ""),
  query_string: (of) => of.args,
  quic: (of) => (of.protocol === "HTTP/3.0" ? "quic" : ""),
  realpath_root: (of) => of.realDocumentRoot,
  remote_user: (of) => of.remoteUser,
  request: (of) => of.requestLine,
  request_body: (of) => of.requestBody,
  request_body_file: (of) => of.requestBodyFile,
  request_filename: (of) => of.requestFilename,
  request_id: (of) => of.requestId,
  request_length: (of) => String(of.requestLength),
  request_method: (of) => of.method,
  request_port: (of) => of.requestPort ?? "",
  request_uri: (of) => of.target,
  server_name: (of) => of.serverName,
  uri: (of) => of.uri,
  invalid_referer: (of) => of.invalidReferer,
  limit_rate: (of) => of.limitRate,
  secure_link: feature("secure_link"),
  secure_link_expires: feature("secure_link_expires"),
  slice_range: feature("slice_range"),
  uid_got: feature("uid_got"),
  uid_reset: feature("uid_reset"),
  uid_set: feature("uid_set"),
  modern_browser: feature("modern_browser"),
  ancient_browser: feature("ancient_browser"),
  msie: feature("msie"),
};
