// What changes the body of a response: gzip and gunzip, sub_filter, ssi, charset, addition, slice.
import type { FiltersConfig, GzipConfig, SsiConfig, SubConfig } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { charsetOf } from "./charset.ts";
import type { Lowering } from "./lowering.ts";
import { mediaTypes } from "./media-types.ts";
import { patternOf } from "./patterns.ts";
import { bytesOf, flagOf, numberOf, oneOf, type Scope, wordOf, wordsOf } from "./scope.ts";
import { textOf } from "./text.ts";

const HTML = ["text/html"];
/** nginx takes a page of memory. */
const PAGE_BYTES = 4096;

/** All filters of a block. */
export function filtersOf(scope: Scope, lowering: Lowering): FiltersConfig {
  const gzip = gzipOf(scope);
  return {
    gzip: flagOf(scope, "gzip", false) ? gzip : null,
    gzipRules: gzip,
    gunzip: flagOf(scope, "gunzip", false),
    gzipStatic: oneOf(scope, "gzip_static", ["off", "on", "always"], "off"),
    sub: subOf(scope),
    ssi: ssiOf(scope),
    charset: charsetOf(scope, lowering),
    addition: additionOf(scope),
    sliceBytes: bytesOf(scope, "slice", 0),
    subrequestBytesMax: bytesOf(scope, "subrequest_output_buffer_size", PAGE_BYTES),
  };
}

function gzipOf(scope: Scope): GzipConfig {
  const proxied = wordsOf(scope, "gzip_proxied");
  return {
    level: numberOf(scope, "gzip_comp_level", 1),
    minLengthBytes: bytesOf(scope, "gzip_min_length", 20),
    minHttpMinor: oneOf(scope, "gzip_http_version", ["1.0", "1.1"], "1.1") === "1.0" ? 0 : 1,
    types: mediaTypes(scope, "gzip_types", HTML),
    proxied: proxied.length === 0 ? ["off"] : proxied,
    vary: flagOf(scope, "gzip_vary", false),
    disable: scope.all("gzip_disable").flatMap((directive) =>
      directive.args.map((arg) => {
        if (arg.value === "msie6") return MSIE6;
        return patternOf(scope, directive, arg.value, true, arg);
      }),
    ),
  };
}

/** Internet Explorer 4 to 6, but for 6 with the second service pack. */
const MSIE6 = { source: "^(?!.*Opera).*MSIE (?:[45]\\.|6\\.(?!.*SV1))", ignoreCase: false };

function subOf(scope: Scope): SubConfig | null {
  const pairs = scope.all("sub_filter").flatMap((directive) => pairOf(scope, directive) ?? []);
  if (pairs.length === 0) return null;
  return {
    pairs,
    once: flagOf(scope, "sub_filter_once", true),
    types: mediaTypes(scope, "sub_filter_types", HTML),
    keepLastModified: flagOf(scope, "sub_filter_last_modified", false),
  };
}

function pairOf(scope: Scope, directive: Directive): SubConfig["pairs"][number] | null {
  const [from, to] = directive.args;
  if (!from || !to) return null;
  if (from.value === "") scope.problems.complain(directive, "empty search pattern", from);
  return { from: textOf(scope, directive, lowerAscii(from.value)), to: textOf(scope, directive, to) };
}

/** Other letters are bytes of something else. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function ssiOf(scope: Scope): SsiConfig | null {
  if (!flagOf(scope, "ssi", false)) return null;
  return {
    types: mediaTypes(scope, "ssi_types", HTML),
    silentErrors: flagOf(scope, "ssi_silent_errors", false),
    keepLastModified: flagOf(scope, "ssi_last_modified", false),
    valueBytesMax: bytesOf(scope, "ssi_value_length", 256),
  };
}

function additionOf(scope: Scope): FiltersConfig["addition"] {
  const [before, after] = [wordOf(scope, "add_before_body", ""), wordOf(scope, "add_after_body", "")];
  if (before === "" && after === "") return null;
  return { before, after, types: mediaTypes(scope, "addition_types", HTML) };
}
