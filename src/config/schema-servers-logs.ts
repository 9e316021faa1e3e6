// Logs of virtual servers: where lines go, and what is in them.
import { errorOf, formatAddress, isProblem, parseAddress } from "./address.ts";
import type { Address } from "./config.ts";
import {
  count,
  duration,
  type Form,
  file,
  flag,
  mapped,
  nameOf,
  orNothing,
  orShort,
  plain,
  size,
  text,
  textForm,
  words,
} from "./forms.ts";
import { part, record } from "./forms-record.ts";
import type { AccessLogConfig, ErrorLevel, ErrorLogConfig, LogFormatConfig, SyslogConfig } from "./servers.ts";
import { literalText, textParts } from "./text.ts";

export const errorLevel: Form<ErrorLevel> = words("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg");

const address: Form<Address> = textForm(
  "an address",
  (written) => {
    const result = parseAddress(written);
    return isProblem(result) ? errorOf(result.message, result.hint) : result;
  },
  formatAddress,
);

const syslog = record<Omit<SyslogConfig, "kind">>({
  server: part("syslog", address, "Address of the syslog server."),
  facility: part("facility", plain, "Facility of the lines.", "local7"),
  severity: part("severity", plain, "Severity of the lines of an access log.", "info"),
  tag: part("tag", plain, "Tag of the lines.", "nginx"),
  noHostname: part("no-hostname", flag, "Leaves the name of the machine out.", false),
});

type Target = AccessLogConfig["to"];

const fileTarget: Form<Target> = {
  ...textForm<Target>(
    '"stdout", "stderr" or a file',
    (written) => {
      if (written === "stdout" || written === "stderr") return { kind: written };
      const parts = textParts(written);
      if (parts.some(({ kind }) => kind === "variable")) return { kind: "text", path: written };
      return { kind: "file", path: parts.map((each) => (each.kind === "literal" ? each.text : "")).join("") };
    },
    (target) => {
      if (target.kind === "file") return literalText(target.path);
      return target.kind === "text" ? target.path : target.kind;
    },
    { unit: "stdout, stderr or file" },
  ),
  visit: (raw, path, see) => {
    if (raw === "stdout" || raw === "stderr") return;
    file.visit?.(raw, path, see);
    text.visit?.(raw, path, see);
  },
};

const target: Form<Target> = orShort<Target, Target>(
  mapped<Omit<SyslogConfig, "kind">, Target>(
    syslog,
    (rest) => ({ kind: "syslog", ...rest }),
    (value) => {
      const { kind: _, ...rest } = value as SyslogConfig;
      return rest;
    },
  ),
  fileTarget,
  "stdout, stderr, a file, or a mapping with syslog",
  {
    widen: (value) => value,
    narrow: (value) => (value.kind === "syslog" ? undefined : value),
  },
);

const accessLogFull = record<AccessLogConfig>({
  to: part("to", target, "Where the lines go."),
  format: part("format", nameOf("format"), "Name of one of `formats`; `combined` is always there.", "combined"),
  condition: part("if", orNothing(text), "A line is written where this is neither empty nor 0.", null),
  bufferBytes: part("buffer", size, "Lines are written when as much is there.", 0),
  flushMs: part("flush", duration, "How long they wait for that; 0s sets no limit.", 0),
  gzipLevel: part("gzip", count(0, 9), "Level of compression; 0 leaves it out.", 0),
});

/** A log of requests; short form: where it goes. */
export const accessLog: Form<AccessLogConfig> = orShort(accessLogFull, fileTarget, "a file, stdout or a mapping", {
  widen: (to): AccessLogConfig => ({ ...accessLogFull.standard, to }),
  narrow: ({ to, ...rest }) => {
    const isPlain = Object.keys(accessLogFull.write({ to, ...rest }) as object).length === 1;
    return isPlain && to.kind !== "syslog" ? to : undefined;
  },
});

const errorLogFull = record<ErrorLogConfig>({
  to: part("to", target as unknown as Form<ErrorLogConfig["to"]>, "Where the lines go."),
  level: part("level", errorLevel, "What is told.", "error"),
});

/** A log of errors; short form: where it goes. */
export const errorLog: Form<ErrorLogConfig> = orShort(
  errorLogFull,
  fileTarget as unknown as Form<ErrorLogConfig["to"]>,
  "a file, stderr or a mapping",
  {
    widen: (to): ErrorLogConfig => ({ to, level: "error" }),
    narrow: ({ to, level }) => (level === "error" && to.kind !== "syslog" ? to : undefined),
  },
);

export const logFormat = record<LogFormatConfig>({
  name: part("name", plain, "Name of the format."),
  escape: part("escape", words("default", "json", "none"), "How values are escaped.", "default"),
  text: part("text", text, "A line."),
});
