// Grammars for what Shiki has none of, or none that fits: HAProxy's and Caddy's configuration, and HTTP messages as the
// entries show them (a request and a response in one block). TextMate grammars, as small as reading asks for.
import type { LanguageRegistration } from "shiki/core";

const COMMENT = { match: "(?<=^|\\s)#.*$", name: "comment.line" };
const QUOTED = { match: '"(?:[^"\\\\]|\\\\.)*"', name: "string.quoted" };
const NUMBER = {
  match: "(?<![\\w.:/-])\\d+(?:\\.\\d+)?(?:us|ms|s|m|h|d|k|m|g|KiB|MiB|B)?(?![\\w.:/-])",
  name: "constant.numeric",
};

const grammar = (name: string, patterns: readonly object[]): LanguageRegistration =>
  ({ name, scopeName: `source.${name}`, patterns, repository: {} }) as unknown as LanguageRegistration;

export const GRAMMARS: readonly LanguageRegistration[] = [
  grammar("haproxy", [
    COMMENT,
    QUOTED,
    {
      match: "^(global|defaults|frontend|backend|listen|resolvers|peers|program|cache|http-errors)\\b(.*)$",
      captures: { 1: { name: "keyword.control" }, 2: { name: "entity.name.section" } },
    },
    {
      match: "^\\s+(no\\s+)?([a-z][\\w-]*)",
      captures: { 1: { name: "keyword.control" }, 2: { name: "support.function" } },
    },
    { match: "%\\[[^\\]]*\\]", name: "variable.other" },
    { match: "\\{[^}]*\\}", name: "string.quoted" },
    NUMBER,
  ]),
  grammar("caddyfile", [
    COMMENT,
    QUOTED,
    { match: "\\{\\$?[\\w.:-]+\\}", name: "variable.other" },
    { match: "^(\\S.*?)(?=\\s*\\{\\s*$)", name: "entity.name.section" },
    { match: "@[\\w-]+", name: "variable.other" },
    { match: "^\\s+([a-z][\\w-]*)", captures: { 1: { name: "support.function" } } },
    NUMBER,
  ]),
  grammar("http", [
    {
      match: "^([A-Z]{3,12}) (\\S+) (HTTP/[\\d.]+)\\s*$",
      captures: { 1: { name: "keyword.control" }, 2: { name: "string.quoted" }, 3: { name: "comment.line" } },
    },
    {
      match: "^(HTTP/[\\d.]+) (\\d{3})(.*)$",
      captures: { 1: { name: "comment.line" }, 2: { name: "constant.numeric" }, 3: { name: "keyword.control" } },
    },
    { match: "^([A-Za-z][\\w-]*)(:)(?= |$)", captures: { 1: { name: "support.function" } } },
    { match: "^#.*$", name: "comment.line" },
  ]),
];
