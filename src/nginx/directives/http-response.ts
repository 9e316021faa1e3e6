// What shapes a response, what makes one without an upstream, and the log.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { BUFFERS, type DirectiveSpec, HTTP, HTTP_ALL, HTTP_ALL_IF, LOCATION, rowsOf } from "./spec.ts";

const httpHeaders = rowsOf("http_headers", "lowered");
const httpLog = rowsOf("http_log", "lowered");
const httpGzip = rowsOf("http_gzip", "lowered");
const httpGzipStatic = rowsOf("http_gzip_static", "lowered");
const httpGunzip = rowsOf("http_gunzip", "lowered");
const httpSub = rowsOf("http_sub", "lowered");
const httpCharset = rowsOf("http_charset", "lowered");
const httpAddition = rowsOf("http_addition", "lowered");
const httpSsi = rowsOf("http_ssi", "lowered");
const httpSlice = rowsOf("http_slice", "lowered");
const httpIndex = rowsOf("http_index", "lowered");
const httpAutoindex = rowsOf("http_autoindex", "lowered");
const httpRandomIndex = rowsOf("http_random_index", "lowered");
const httpEmptyGif = rowsOf("http_empty_gif", "lowered");
const httpStubStatus = rowsOf("http_stub_status", "lowered");

/** What shapes a response, what makes one without an upstream, and the log. */
export const HTTP_RESPONSE: readonly DirectiveSpec[] = [
  httpHeaders("expires", HTTP_ALL_IF, "TAKE12", "own", { default: "off", once: true }),
  httpHeaders("add_header", HTTP_ALL_IF, "TAKE23", "own"),
  httpHeaders("add_trailer", HTTP_ALL_IF, "TAKE23", "own"),
  httpHeaders("add_header_inherit", HTTP_ALL_IF, "TAKE1", { oneOf: ["off", "on", "merge"] }, { default: "on" }),
  httpHeaders("add_trailer_inherit", HTTP_ALL_IF, "TAKE1", { oneOf: ["off", "on", "merge"] }, { default: "on" }),

  httpLog("log_format", HTTP, "2MORE", "own", { default: 'combined "..."' }),
  httpLog("access_log", ["http", "server", "location", "location if", "limit_except"], "1MORE", "own", {
    default: "logs/access.log combined",
  }),
  httpLog("open_log_file_cache", HTTP_ALL, "TAKE1234", "own", {
    default: "off",
    once: true,
    status: "accepted",
    why: "log files are kept open",
  }),

  httpGzip("gzip", HTTP_ALL_IF, "FLAG", "flag", { default: "off" }),
  httpGzip("gzip_buffers", HTTP_ALL, "TAKE2", "buffers", { default: "32 4k|16 8k", status: "accepted", why: BUFFERS }),
  httpGzip("gzip_types", HTTP_ALL, "1MORE", "own", { default: "text/html" }),
  httpGzip("gzip_comp_level", HTTP_ALL, "TAKE1", "number", { default: "1", bounds: [1, 9] }),
  httpGzip("gzip_window", HTTP_ALL, "TAKE1", "size", { status: "accepted", why: BUFFERS }),
  httpGzip("gzip_hash", HTTP_ALL, "TAKE1", "size", { status: "accepted", why: BUFFERS }),
  httpGzip("postpone_gzipping", HTTP_ALL, "TAKE1", "size", { status: "accepted", why: BUFFERS }),
  httpGzip("gzip_no_buffer", HTTP_ALL, "FLAG", "flag", { status: "accepted", why: BUFFERS }),
  httpGzip("gzip_min_length", HTTP_ALL, "TAKE1", "size", { default: "20" }),

  httpGzipStatic("gzip_static", HTTP_ALL, "TAKE1", { oneOf: ["off", "on", "always"] }, { default: "off" }),

  httpGunzip("gunzip", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpGunzip("gunzip_buffers", HTTP_ALL, "TAKE2", "buffers", {
    default: "32 4k|16 8k",
    status: "accepted",
    why: BUFFERS,
  }),

  httpSub("sub_filter", HTTP_ALL, "TAKE2", "own"),
  httpSub("sub_filter_types", HTTP_ALL, "1MORE", "own", { default: "text/html" }),
  httpSub("sub_filter_once", HTTP_ALL, "FLAG", "flag", { default: "on" }),
  httpSub("sub_filter_last_modified", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpCharset("charset", HTTP_ALL_IF, "TAKE1", "own", { default: "off", once: true }),
  httpCharset("source_charset", HTTP_ALL_IF, "TAKE1", "own", { once: true }),
  httpCharset("override_charset", HTTP_ALL_IF, "FLAG", "flag", { default: "off" }),
  httpCharset("charset_types", HTTP_ALL, "1MORE", "own", {
    default: "text/html text/xml text/plain text/vnd.wap.wml application/javascript application/rss+xml",
  }),
  httpCharset("charset_map", HTTP, "TAKE2 ENTRIES", "own"),

  httpAddition("add_before_body", HTTP_ALL, "TAKE1", "string"),
  httpAddition("add_after_body", HTTP_ALL, "TAKE1", "string"),
  httpAddition("addition_types", HTTP_ALL, "1MORE", "own", { default: "text/html" }),

  httpSsi("ssi", HTTP_ALL_IF, "FLAG", "flag", { default: "off" }),
  httpSsi("ssi_silent_errors", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpSsi("ssi_ignore_recycled_buffers", HTTP_ALL, "FLAG", "flag", { status: "accepted", why: BUFFERS }),
  httpSsi("ssi_min_file_chunk", HTTP_ALL, "TAKE1", "size", { default: "1k" }),
  httpSsi("ssi_value_length", HTTP_ALL, "TAKE1", "size", { default: "256" }),
  httpSsi("ssi_types", HTTP_ALL, "1MORE", "own", { default: "text/html" }),
  httpSsi("ssi_last_modified", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpSlice("slice", HTTP_ALL, "TAKE1", "size", { default: "0" }),

  httpIndex("index", HTTP_ALL, "1MORE", "own", { default: "index.html" }),

  httpAutoindex("autoindex", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpAutoindex(
    "autoindex_format",
    HTTP_ALL,
    "TAKE1",
    { oneOf: ["html", "json", "jsonp", "xml"] },
    { default: "html" },
  ),
  httpAutoindex("autoindex_localtime", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpAutoindex("autoindex_exact_size", HTTP_ALL, "FLAG", "flag", { default: "on" }),

  httpRandomIndex("random_index", LOCATION, "FLAG", "flag", { default: "off" }),

  httpEmptyGif("empty_gif", LOCATION, "TAKE0", "own"),

  httpStubStatus("stub_status", ["server", "location"], "TAKE01", "own", { inherit: "none" }),
];
