// What changes the bodies of responses: compression, replacing, charsets, server-side includes.
import { count, type Form, flag, list, orOff, orShort, pattern, plain, size, text, words } from "./forms.ts";
import { groupPart, part, record } from "./forms-record.ts";
import { httpMinor } from "./schema-shared.ts";
import type { CharsetConfig, FiltersConfig, GzipConfig, GzipRules, SsiConfig, SubConfig } from "./servers.ts";

const mediaTypes = list(plain, "a media type");
const HTML = ["text/html"];

type Gzip = Omit<GzipConfig, keyof GzipRules>;

const gzipFull = record<Gzip>({
  level: part("level", count(1, 9), "Level of compression.", 1),
  minLengthBytes: part("min-length", size, "Shorter bodies are left as they are.", 20),
  types: part("types", mediaTypes, "Media types besides text/html; `*` is all.", HTML),
});

const gzip: Form<Gzip> = orShort(gzipFull, words("on"), '"on", "off" or a mapping', {
  widen: () => gzipFull.standard,
  narrow: (value) => (Object.keys(gzipFull.write(value) as object).length === 0 ? "on" : undefined),
});

const gzipRules = record<GzipRules>({
  minHttpMinor: part("http", httpMinor, "Oldest version of HTTP that gets it.", 1),
  proxied: part("proxied", list(plain, "a condition"), "Conditions for requests that come by a proxy (Via).", ["off"]),
  vary: part("vary", flag, "Whether Vary: Accept-Encoding is sent.", false),
  disable: part("disable", list(pattern, "a regular expression"), "Values of User-Agent that do not get it.", []),
});

const sub = record<SubConfig>({
  pairs: part(
    "replace",
    list(
      record<SubConfig["pairs"][number]>({
        from: part("from", text, "What is looked for."),
        to: part("to", text, "What takes its place."),
      }),
      "a mapping with from and to",
    ),
    "What is replaced.",
  ),
  once: part("once", flag, "Only the first of each.", true),
  types: part("types", mediaTypes, "Media types of such bodies.", HTML),
  keepLastModified: part("last-modified", flag, "Whether Last-Modified stays.", false),
});

const ssi = record<SsiConfig>({
  types: part("types", mediaTypes, "Media types of such bodies.", HTML),
  silentErrors: part("silent-errors", flag, "Whether errors leave no text.", false),
  keepLastModified: part("last-modified", flag, "Whether Last-Modified stays.", false),
  valueBytesMax: part("value", size, "Length of a parameter's value.", 256),
});

const TEXTS = [
  ...["text/html", "text/xml", "text/plain", "text/vnd.wap.wml"],
  ...["application/javascript", "application/rss+xml"],
];

const charset = record<CharsetConfig>({
  charset: part("to", text, "Charset of responses.", ""),
  source: part("from", text, "Charset that they have; where the two differ, they are recoded.", ""),
  override: part("override", flag, "Whether this holds for responses that say theirs, too.", false),
  types: part("types", mediaTypes, "Media types of such bodies.", TEXTS),
});

const addition = record<NonNullable<FiltersConfig["addition"]>>({
  before: part("before", plain, "Path of what is put in front.", ""),
  after: part("after", plain, "Path of what is put behind.", ""),
  types: part("types", mediaTypes, "Media types of such bodies.", HTML),
});

/** The rules of gzip stand by themselves: they hold for files that are compressed already, too. */
export const filters = record<Omit<FiltersConfig, "gzip"> & { readonly gzip: Gzip | null }>({
  gzip: part("gzip", orOff(gzip), "Compresses bodies; on takes the defaults.", null),
  gzipRules: groupPart("gzip-rules", gzipRules, "Who gets compressed bodies."),
  gzipStatic: part("gzip-static", words("off", "on", "always"), "Files that are there with .gz at the end.", "off"),
  gunzip: part("gunzip", flag, "Unpacks bodies for clients that cannot.", false),
  sub: part("sub", orOff(sub), "Replaces texts.", null),
  ssi: part("ssi", orOff(ssi), "Server-side includes.", null),
  charset: part("charset", orOff(charset), "Charset of responses.", null),
  addition: part("addition", orOff(addition), "Puts other responses around bodies.", null),
  subrequestBytesMax: part(
    "subrequest",
    size,
    "What a subrequest may answer that becomes the value of a variable.",
    4096,
  ) as never,
  sliceBytes: part("slice", size, "Size of the pieces that upstreams are asked for; off asks for all.", 0),
});
