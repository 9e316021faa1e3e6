// What decides about a request, and what variables come from: rewriting, access, limits, maps.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { type DirectiveSpec, GROWS, HTTP, HTTP_ALL, rowsOf } from "./spec.ts";

const httpRewrite = rowsOf("http_rewrite", "lowered");
const httpAccess = rowsOf("http_access", "lowered");
const httpAuthBasic = rowsOf("http_auth_basic", "lowered");
const httpAuthRequest = rowsOf("http_auth_request", "lowered");
const httpLimitConn = rowsOf("http_limit_conn", "lowered");
const httpLimitReq = rowsOf("http_limit_req", "lowered");
const httpRealip = rowsOf("http_realip", "lowered");
const httpReferer = rowsOf("http_referer", "lowered");
const httpMap = rowsOf("http_map", "lowered");
const httpGeo = rowsOf("http_geo", "lowered");
const httpSplitClients = rowsOf("http_split_clients", "lowered");
const httpSecureLink = rowsOf("http_secure_link", "lowered");
const httpBrowser = rowsOf("http_browser", "lowered");
const httpUserid = rowsOf("http_userid", "lowered");
const httpMirror = rowsOf("http_mirror", "lowered");

/** What decides about a request, and what variables come from: rewriting, access, limits, maps. */
export const HTTP_REQUEST: readonly DirectiveSpec[] = [
  httpRewrite("rewrite", ["server", "location", "server if", "location if"], "TAKE23", "own", { inherit: "none" }),
  httpRewrite("return", ["server", "location", "server if", "location if"], "TAKE12", "own", { inherit: "none" }),
  httpRewrite("break", ["server", "location", "server if", "location if"], "TAKE0", "own", { inherit: "none" }),
  httpRewrite("if", ["server", "location"], "1MORE BLOCK", "own", { inherit: "none" }),
  httpRewrite("set", ["server", "location", "server if", "location if"], "TAKE2", "own", { inherit: "none" }),
  httpRewrite("rewrite_log", ["http", "server", "location", "server if", "location if"], "FLAG", "flag", {
    default: "off",
  }),
  httpRewrite(
    "uninitialized_variable_warn",
    ["http", "server", "location", "server if", "location if"],
    "FLAG",
    "flag",
    { default: "on" },
  ),

  httpAccess("allow", ["http", "server", "location", "limit_except"], "TAKE1", "own"),
  httpAccess("deny", ["http", "server", "location", "limit_except"], "TAKE1", "own"),

  httpAuthBasic("auth_basic", ["http", "server", "location", "limit_except"], "TAKE1", "own", {
    default: "off",
    once: true,
  }),
  httpAuthBasic("auth_basic_user_file", ["http", "server", "location", "limit_except"], "TAKE1", "own", { once: true }),

  httpAuthRequest("auth_request", HTTP_ALL, "TAKE1", "own", { default: "off", once: true }),
  httpAuthRequest("auth_request_set", HTTP_ALL, "TAKE2", "own"),

  httpLimitConn("limit_conn_zone", HTTP, "TAKE2", "own"),
  httpLimitConn("limit_conn", HTTP_ALL, "TAKE2", "own"),
  httpLimitConn(
    "limit_conn_log_level",
    HTTP_ALL,
    "TAKE1",
    { oneOf: ["info", "notice", "warn", "error"] },
    { default: "error" },
  ),
  httpLimitConn("limit_conn_status", HTTP_ALL, "TAKE1", "number", { default: "503", bounds: [400, 599] }),
  httpLimitConn("limit_conn_dry_run", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpLimitReq("limit_req_zone", HTTP, "TAKE3", "own"),
  httpLimitReq("limit_req", HTTP_ALL, "TAKE123", "own"),
  httpLimitReq(
    "limit_req_log_level",
    HTTP_ALL,
    "TAKE1",
    { oneOf: ["info", "notice", "warn", "error"] },
    { default: "error" },
  ),
  httpLimitReq("limit_req_status", HTTP_ALL, "TAKE1", "number", { default: "503", bounds: [400, 599] }),
  httpLimitReq("limit_req_dry_run", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpRealip("set_real_ip_from", HTTP_ALL, "TAKE1", "own"),
  httpRealip("real_ip_header", HTTP_ALL, "TAKE1", "own", { default: "X-Real-IP", once: true }),
  httpRealip("real_ip_recursive", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpReferer("valid_referers", ["server", "location"], "1MORE", "own"),
  httpReferer("referer_hash_max_size", ["server", "location"], "TAKE1", "number", {
    default: "2048",
    status: "accepted",
    why: GROWS,
  }),
  httpReferer("referer_hash_bucket_size", ["server", "location"], "TAKE1", "number", {
    default: "64",
    status: "accepted",
    why: GROWS,
  }),

  httpMap("map", HTTP, "TAKE2 ENTRIES", "own"),
  httpMap("map_hash_max_size", HTTP, "TAKE1", "number", { default: "2048", status: "accepted", why: GROWS }),
  httpMap("map_hash_bucket_size", HTTP, "TAKE1", "number", { default: "32|64|128", status: "accepted", why: GROWS }),

  httpGeo("geo", HTTP, "TAKE12 ENTRIES", "own"),

  httpSplitClients("split_clients", HTTP, "TAKE2 ENTRIES", "own"),

  httpSecureLink("secure_link", HTTP_ALL, "TAKE1", "own", { once: true }),
  httpSecureLink("secure_link_md5", HTTP_ALL, "TAKE1", "own", { once: true }),
  httpSecureLink("secure_link_secret", HTTP_ALL, "TAKE1", "string"),

  httpBrowser("modern_browser", HTTP_ALL, "TAKE12", "own"),
  httpBrowser("ancient_browser", HTTP_ALL, "1MORE", "own"),
  httpBrowser("modern_browser_value", HTTP_ALL, "TAKE1", "own", { default: "1" }),
  httpBrowser("ancient_browser_value", HTTP_ALL, "TAKE1", "own", { default: "1" }),

  httpUserid("userid", HTTP_ALL, "TAKE1", { oneOf: ["off", "log", "v1", "on"] }, { default: "off" }),
  httpUserid("userid_service", HTTP_ALL, "TAKE1", "number", { default: "IP address of the server" }),
  httpUserid("userid_name", HTTP_ALL, "TAKE1", "string", { default: "uid" }),
  httpUserid("userid_domain", HTTP_ALL, "TAKE1", "string", { default: "none" }),
  httpUserid("userid_path", HTTP_ALL, "TAKE1", "string", { default: "/" }),
  httpUserid("userid_expires", HTTP_ALL, "TAKE1", "own", { default: "off", once: true }),
  httpUserid(
    "userid_flags",
    HTTP_ALL,
    "TAKE123",
    { anyOf: ["off", "secure", "httponly", "samesite=strict", "samesite=lax", "samesite=none"] },
    { default: "off" },
  ),
  httpUserid("userid_p3p", HTTP_ALL, "TAKE1", "string", { default: "none" }),
  httpUserid("userid_mark", HTTP_ALL, "TAKE1", "own", { default: "off", once: true }),

  httpMirror("mirror", HTTP_ALL, "TAKE1", "own", { default: "off" }),
  httpMirror("mirror_request_body", HTTP_ALL, "FLAG", "flag", { default: "on" }),
];
