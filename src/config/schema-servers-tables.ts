// What virtual servers share: variables, zones, caches, formats of logs, tables of charsets. Each entry says by its
// first key what it is, and that key has its name.
import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import {
  count,
  duration,
  escaped,
  type Form,
  file,
  flag,
  list,
  mapped,
  nameOf,
  number,
  pairs,
  pattern,
  patternFrom,
  patternText,
  plain,
  size,
  text,
  textForm,
  unescaped,
} from "./forms.ts";
import { optional, part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import type { CacheConfig, CharsetMapConfig, Pattern, VariableConfig, ZoneConfig } from "./servers.ts";

type Variable<K extends VariableConfig["kind"]> = Omit<Extract<VariableConfig, { kind: K }>, "kind">;

const variableName = nameOf("variable", "the name of a variable");

type Pairs = readonly (readonly [string, string])[];
type MapEntries = Variable<"map">["entries"];

/** Keys that begin with "~" are regular expressions; a backslash takes the meaning off. */
const mapEntries: Form<MapEntries> = {
  schema: z.pipe(
    pairs(text, { unit: "key: text" }).schema,
    z.transform(
      (all, context): MapEntries =>
        all.map(([key, value]) => {
          const regex = patternFrom(key);
          if (!regex) return { key: unescaped(key), value };
          if (!("message" in regex)) return { key: regex, value };
          const message = `${regex.message}\n${regex.hint ?? ""}`;
          context.issues.push({ code: "custom", input: key, path: [key], params: { atKey: true }, message });
          return { key: "", value };
        }),
    ),
  ) as unknown as z.ZodMiniType<MapEntries>,
  write: (entries) => pairs(text, { unit: "" }).write(entries.map(({ key, value }) => [keyText(key), value] as const)),
  visit: (raw, path, see) => {
    if (typeof raw !== "object" || raw === null) return;
    for (const [key, value] of Object.entries(raw)) {
      if (key.startsWith("~")) pattern.visit?.(key, [...path, key], see);
      text.visit?.(value, [...path, key], see);
    }
  },
  words: { unit: "key: text" },
};

function keyText(key: string | Pattern): string {
  return typeof key === "string" ? escaped(key) : patternText(key);
}

const networks = mapped<Pairs, Variable<"geo">["entries"]>(
  pairs(plain, { unit: "network: value" }),
  (all) => all.map(([block, value]) => ({ block, value })),
  (all) => all.map(({ block, value }) => [block, value] as const),
);

const ranges = mapped<Pairs, Variable<"geo">["ranges"]>(
  pairs(plain, { unit: "first-last: value" }),
  (all) =>
    all.map(([range, value]) => {
      const [from = "", to = ""] = range.split("-");
      return { from, to, value };
    }),
  (all) => all.map(({ from, to, value }) => [`${from}-${to}`, value] as const),
);

/** "0.5%" is 0.005; "rest" is null. */
const share: Form<number | null> = textForm<number | null>(
  'a percentage such as "20%", or "rest"',
  (written) => {
    const match = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(written);
    if (match) return Math.round(Number(match[1]) * 100) / 10_000;
    return written === "rest" ? null : errorOf(`"${written}" is not a percentage`, 'write "20%", or "rest"');
  },
  (value) => (value === null ? "rest" : `${Math.round(value * 10_000) / 100}%`),
  { unit: "percentage or rest" },
);

/** Variables that the file defines. */
export const variables: Form<readonly VariableConfig[]> = list(
  tagged<VariableConfig>("kind", {
    map: record<Variable<"map">>({
      name: part("map", variableName, "Variable whose value is looked up."),
      source: part("from", text, "What is looked up."),
      entries: part(
        "entries",
        mapEntries,
        "Values by text, or by regular expression (`~ ^a`); a text that begins with `~` has a backslash in front.",
        [],
      ),
      default: part("default", text, "Value where nothing fits.", ""),
      hostnames: part("hostnames", flag, "Keys are host names: `*.example.com`, `.example.com`.", false),
      volatile: part("volatile", flag, "Is looked up each time that it is used.", false),
    }),
    geo: record<Variable<"geo">>({
      name: part("geo", variableName, "Variable whose value is that of an address."),
      source: part("from", text, "The address.", "{$remote_addr}"),
      entries: part("networks", networks, "Values by CIDR block; the longest that fits counts.", []),
      ranges: part("ranges", ranges, "Values by range of addresses.", []),
      default: part("default", plain, "Value of other addresses.", ""),
      proxies: part("proxies", list(plain, "a CIDR block"), "Proxies whose X-Forwarded-For is believed.", []),
      proxyRecursive: part(
        "proxies-recursive",
        flag,
        "Whether addresses of such proxies in it are passed over.",
        false,
      ),
      volatile: part("volatile", flag, "Is looked up each time that it is used.", false),
    }),
    split: record<Variable<"split">>({
      name: part("split", variableName, "Variable whose value is drawn by shares."),
      source: part("from", text, "What is hashed."),
      parts: part(
        "parts",
        list(
          record<Variable<"split">["parts"][number]>({
            share: part("share", share, "Share, or `rest`."),
            value: part("value", text, "Value."),
          }),
          "a mapping with share and value",
        ),
        "Values with their shares.",
      ),
    }),
  }),
  "a mapping with map, geo or split",
);

/** Shared counters. */
export const zones: Form<readonly ZoneConfig[]> = list(
  tagged<ZoneConfig>("kind", {
    rate: record<Omit<Extract<ZoneConfig, { kind: "rate" }>, "kind">>({
      name: part("rate", plain, "Name of a zone that counts requests per second."),
      key: part("key", text, "Requests with the same key are counted together; an empty one is not counted."),
      perSecond: part("per-second", number, "Requests per second."),
      bytes: part("size", size, "Memory for keys.", 10_485_760),
    }),
    connections: record<Omit<Extract<ZoneConfig, { kind: "connections" }>, "kind">>({
      name: part("connections", plain, "Name of a zone that counts requests at work."),
      key: part("key", text, "Requests with the same key are counted together; an empty one is not counted."),
      bytes: part("size", size, "Memory for keys.", 10_485_760),
    }),
  }),
  "a mapping with rate or connections",
);

export const cache = record<CacheConfig>({
  name: part("name", plain, "Name of the cache."),
  path: part("path", file, "Its folder."),
  levels: part("levels", list(count(1, 2), "a number"), "Digits of each level of folders in it.", []),
  useTempPath: part("use-temp-path", flag, "Whether responses are written elsewhere first.", true),
  keysBytes: part("keys", size, "Memory for keys.", 10_485_760),
  inactiveMs: part("inactive", duration, "Responses that nobody asked for as long are taken away.", 600_000),
  maxBytes: part("size", size, "How large it may become.", 0),
  manager: optional(
    "manager",
    record<NonNullable<CacheConfig["manager"]>>({
      files: part("files", count(1), "Files that are taken away at once.", 100),
      pauseMs: part("pause", duration, "How long behind that nothing is.", 50),
    }),
    "How what is too much is taken away.",
  ),
  minFreeBytes: part("free", size, "How much room stays on the disk.", 0),
});

const charsetEntries = mapped<Pairs, CharsetMapConfig["entries"]>(
  pairs(plain, { unit: "byte: bytes" }),
  (all) =>
    all.map(([from, to]) => ({ from: Number.parseInt(from, 16), to: Buffer.from(to, "hex").toString("latin1") })),
  (all) =>
    all.map(({ from, to }) => [from.toString(16).padStart(2, "0"), Buffer.from(to, "latin1").toString("hex")] as const),
);

export const charsetMap = record<CharsetMapConfig>({
  from: part("from", plain, "A charset."),
  to: part("to", plain, "Another."),
  entries: part(
    "entries",
    charsetEntries,
    "Bytes of the first, each with those of the second, in hexadecimal digits.",
    [],
  ),
});
