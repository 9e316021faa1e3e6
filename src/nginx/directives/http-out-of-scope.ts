// Modules of http that a gateway has no use for.
// Rows: name, contexts, arguments, form, and what differs from the rule (spec.ts).
import { type DirectiveSpec, HTTP, HTTP_ALL, LOCATION, rowsOf } from "./spec.ts";

const httpDav = rowsOf("http_dav", "accepted", "it matters only with dav_methods, which is refused");
const httpFlv = rowsOf("http_flv", "refused", "Goodgate is a gateway, no streaming server");
const httpMp4 = rowsOf("http_mp4", "accepted", "it matters only with mp4, which is refused");
const httpImageFilter = rowsOf("http_image_filter", "accepted", "it matters only with image_filter, which is refused");
const httpXslt = rowsOf("http_xslt", "accepted", "it matters only with xslt_stylesheet, which is refused");
const httpPerl = rowsOf("http_perl", "accepted", "it matters only with perl, which is refused");
const httpGeoip = rowsOf("http_geoip", "accepted", "it matters only with geoip_country, which is refused");
const httpDegradation = rowsOf("http_degradation", "refused", "it is undocumented in nginx");

/** Modules of http that a gateway has no use for. */
export const HTTP_OUT_OF_SCOPE: readonly DirectiveSpec[] = [
  httpDav(
    "dav_methods",
    HTTP_ALL,
    "1MORE",
    { anyOf: ["off", "put", "delete", "mkcol", "copy", "move"] },
    { default: "off", status: "refused", why: "WebDAV writes files: Goodgate only serves them" },
  ),
  httpDav("create_full_put_path", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpDav("min_delete_depth", HTTP_ALL, "TAKE1", "number", { default: "0" }),
  httpDav("dav_access", HTTP_ALL, "TAKE123", "own", { default: "user:rw", once: true }),

  httpFlv("flv", LOCATION, "TAKE0", "own"),

  httpMp4("mp4", LOCATION, "TAKE0", "own", { status: "refused", why: "Goodgate is a gateway, no streaming server" }),
  httpMp4("mp4_buffer_size", HTTP_ALL, "TAKE1", "size", { default: "512K" }),
  httpMp4("mp4_max_buffer_size", HTTP_ALL, "TAKE1", "size", { default: "10M" }),
  httpMp4("mp4_start_key_frame", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpImageFilter("image_filter", LOCATION, "TAKE123", "own", {
    default: "off",
    status: "refused",
    why: "Goodgate does not change images",
  }),
  httpImageFilter("image_filter_jpeg_quality", HTTP_ALL, "TAKE1", "own", { default: "75" }),
  httpImageFilter("image_filter_webp_quality", HTTP_ALL, "TAKE1", "own", { default: "80" }),
  httpImageFilter("image_filter_sharpen", HTTP_ALL, "TAKE1", "own", { default: "0" }),
  httpImageFilter("image_filter_transparency", HTTP_ALL, "FLAG", "flag", { default: "on" }),
  httpImageFilter("image_filter_interlace", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpImageFilter("image_filter_buffer", HTTP_ALL, "TAKE1", "size", { default: "1M" }),

  httpXslt("xml_entities", HTTP_ALL, "TAKE1", "own"),
  httpXslt("xml_external_entities", HTTP_ALL, "FLAG", "flag", { default: "off" }),
  httpXslt("xslt_stylesheet", LOCATION, "1MORE", "own", { status: "refused", why: "Goodgate transforms no XML" }),
  httpXslt("xslt_param", HTTP_ALL, "TAKE2", "own"),
  httpXslt("xslt_string_param", HTTP_ALL, "TAKE2", "own"),
  httpXslt("xslt_types", HTTP_ALL, "1MORE", "own", { default: "text/xml" }),
  httpXslt("xslt_last_modified", HTTP_ALL, "FLAG", "flag", { default: "off" }),

  httpPerl("perl_modules", HTTP, "TAKE1", "string", { once: false }),
  httpPerl("perl_require", HTTP, "TAKE1", "string", { once: false }),
  httpPerl("perl", ["location", "limit_except"], "TAKE1", "own", { status: "refused", why: "Goodgate runs no Perl" }),
  httpPerl("perl_set", HTTP, "TAKE2", "own", { status: "refused", why: "Goodgate runs no Perl" }),

  httpGeoip("geoip_country", HTTP, "TAKE12", "own", {
    once: true,
    status: "refused",
    why: "Goodgate reads no GeoIP databases (geo works)",
  }),
  httpGeoip("geoip_org", HTTP, "TAKE12", "own", {
    once: true,
    status: "refused",
    why: "Goodgate reads no GeoIP databases (geo works)",
  }),
  httpGeoip("geoip_city", HTTP, "TAKE12", "own", {
    once: true,
    status: "refused",
    why: "Goodgate reads no GeoIP databases (geo works)",
  }),
  httpGeoip("geoip_proxy", HTTP, "TAKE1", "own"),
  httpGeoip("geoip_proxy_recursive", HTTP, "FLAG", "flag", { default: "off" }),

  httpDegradation("degradation", HTTP, "TAKE1", "own"),
  httpDegradation("degrade", HTTP_ALL, "TAKE1", { oneOf: ["204", "444"] }),
];
