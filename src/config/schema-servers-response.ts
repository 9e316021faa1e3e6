// What a block of virtual servers says of responses: fields, expiry, redirects, ranges, rates.
import * as z from "zod/mini";
import { count, duration, type Form, flag, list, mapped, orOff, orShort, plain, text, words } from "./forms.ts";
import { part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import type { ExpiresConfig, ResponseRules, VisitorIdConfig } from "./servers.ts";

type AddedField = ResponseRules["addHeaders"][number];

const addedField = record<AddedField>({
  name: part("name", plain, "Name of the field."),
  value: part("value", text, "Its value; where it is empty the field is left out."),
  always: part("always", flag, "Whether responses of every status get it, not only good ones and redirects.", false),
});

const signedDuration: Form<number> = {
  schema: z.pipe(
    z.string(),
    z.transform((written, context): number => {
      const result = duration.schema.safeParse(written.replace(/^-/, ""));
      if (result.success) return written.startsWith("-") ? -result.data : result.data;
      for (const issue of result.error.issues) context.issues.push({ ...issue, input: written } as never);
      return z.NEVER;
    }),
  ) as unknown as z.ZodMiniType<number>,
  write: (ms) => (ms < 0 ? `-${duration.write(-ms)}` : duration.write(ms)),
  words: { unit: "duration" },
};

type ExpiresFull = Exclude<ExpiresConfig, { kind: "epoch" | "max" | "off" }>;

const expires: Form<ExpiresConfig | null> = orShort<ExpiresConfig | null, "epoch" | "max" | "off" | "unset">(
  tagged<ExpiresFull>("kind", {
    "after-access": record<{ ms: number }>({ ms: part("after", signedDuration, "From now.") }),
    "after-modified": record<{ ms: number }>({
      ms: part("after-modified", signedDuration, "From the last change of the file."),
    }),
    daily: record<{ ms: number }>({ ms: part("daily", signedDuration, "Time of the day.") }),
    text: record<{ value: string; modified: boolean }>({
      value: part("text", text, "Text that gives one of these."),
      modified: part("modified", flag, "From the last change of the file.", false),
    }),
  }) as unknown as Form<ExpiresConfig | null>,
  words("epoch", "max", "off", "unset"),
  "epoch, max, off, unset or a mapping",
  {
    widen: (kind) => (kind === "unset" ? null : { kind }),
    narrow: (value) =>
      value === null
        ? "unset"
        : value.kind === "epoch" || value.kind === "max" || value.kind === "off"
          ? value.kind
          : undefined,
  },
);

const boundless: Form<number> = mapped(
  orOff(count()),
  (value) => value ?? -1,
  (value) => (value === -1 ? null : value),
);

const visitorExpires = orShort<VisitorIdConfig["expires"], "max" | "off">(
  duration as Form<VisitorIdConfig["expires"]>,
  words("max", "off"),
  "max, off or a duration",
  {
    widen: (word) => (word === "off" ? null : word),
    narrow: (value) => (value === null ? "off" : value === "max" ? value : undefined),
  },
);

const visitorId = record<VisitorIdConfig>({
  mode: part(
    "mode",
    words("on", "v1", "log"),
    "How: `v1` counts as older programs did, `log` only reads what comes.",
    "on",
  ),
  name: part("name", plain, "Name of the cookie.", "uid"),
  service: part("service", orOff(count()), "Number that tells servers apart; off takes their address.", null),
  domain: part("domain", plain, "Domain of the cookie.", ""),
  path: part("path", plain, "Path of the cookie.", "/"),
  expires: part("expires", visitorExpires, "How long it holds; off ends it with the session.", null),
  flags: part("flags", list(plain, "a flag"), "Flags such as `secure`, `httponly`, `samesite=lax`.", []),
  p3p: part("p3p", plain, "What P3P says.", ""),
  mark: part("mark", plain, "Character that cookies under the rules of today have.", ""),
});

/** Responses to clients. */
export const response = record<ResponseRules>({
  addHeaders: part("headers", list(addedField, "a mapping with name and value"), "Fields that are added.", []),
  addTrailers: part(
    "trailers",
    list(addedField, "a mapping with name and value"),
    "Fields that are added behind the body.",
    [],
  ),
  expires: part("expires", expires, "What Expires and Cache-Control say.", null),
  absoluteRedirect: part("absolute-redirect", flag, "Whether redirects have scheme and host.", true),
  portInRedirect: part("port-in-redirect", flag, "Whether they have the port.", true),
  serverNameInRedirect: part(
    "server-name-in-redirect",
    flag,
    "Whether they have the server's first name instead of the request's Host.",
    false,
  ),
  serverTokens: part("server-tokens", words("on", "off", "build"), "Whether Server has a version.", "on"),
  etag: part("etag", flag, "ETag of files.", true),
  ifModifiedSince: part(
    "if-modified-since",
    words("off", "exact", "before"),
    "How If-Modified-Since is compared.",
    "exact",
  ),
  chunked: part("chunked", flag, "Whether chunks are used where the length is not known.", true),
  rangesMax: part("ranges", boundless, "Ranges of a request; off sets no limit.", -1),
  limitRate: part("rate", text, "Bytes per second; 0 sets no limit.", "0"),
  limitRateAfter: part("rate-after", text, "Bytes that are sent before it holds.", "0"),
  refreshForMsie: part(
    "refresh-for-msie",
    flag,
    "Whether old browsers get a page with a refresh instead of a redirect.",
    false,
  ),
  visitorId: part("visitor-id", orOff(visitorId), "Cookie that numbers visitors.", null) as never,
});
