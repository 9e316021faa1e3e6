// Code becomes spans with one-letter classes, which the style sheet colours for both schemes: no inline style (the
// pages' Content-Security-Policy forbids them), and little to transfer. Shiki's theme is only a way to get scopes out:
// each of its colours stands for a class.
import type { HighlighterCore, LanguageInput, ThemedToken, ThemeRegistration } from "shiki/core";
import { createHighlighterCore } from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";
import { escapeHtml } from "../../std/html.ts";
import { GRAMMARS } from "./grammars.ts";

/** Class → scopes. What has no class is plain. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  c: ["comment", "punctuation.definition.comment"],
  s: ["string", "constant.character", "constant.other.symbol"],
  k: ["keyword", "storage", "keyword.control", "keyword.directive"],
  n: ["constant.numeric", "constant.language", "keyword.other.unit"],
  f: [
    "entity.name.function",
    "support.function",
    "entity.name.tag",
    "support.type.property-name",
    "entity.name.command",
  ],
  t: ["entity.name.section", "entity.name.type", "support.class", "entity.name.context"],
  v: ["variable.other.normal", "variable.parameter.option", "string variable", "variable.other"],
};
const PLAIN = "#000000";
const classNames = Object.keys(CLASSES);
const colourOf = (index: number): string => `#0000${(index + 1).toString(16).padStart(2, "0")}`;
const classByColour = new Map(classNames.map((name, index) => [colourOf(index), name]));

const THEME: ThemeRegistration = {
  name: "classes",
  type: "light",
  fg: PLAIN,
  bg: "#ffffff",
  settings: [
    { settings: { foreground: PLAIN, background: "#ffffff" } },
    ...classNames.map((name, index) => ({ scope: [...CLASSES[name]!], settings: { foreground: colourOf(index) } })),
    { scope: ["keyword.operator", "punctuation.terminator.nginx"], settings: { foreground: PLAIN } },
  ],
};

/** Word of a fence → its grammar, and what the reader sees. Others are shown as they are. */
const LANGUAGES: Readonly<Record<string, { readonly grammar: string | null; readonly label: string }>> = {
  nginx: { grammar: "nginx", label: "nginx" },
  haproxy: { grammar: "haproxy", label: "HAProxy" },
  caddyfile: { grammar: "caddyfile", label: "Caddyfile" },
  goodgate: { grammar: "yaml", label: "goodgate.yaml" },
  js: { grammar: "javascript", label: "JavaScript" },
  ts: { grammar: "javascript", label: "TypeScript" },
  sh: { grammar: "shellscript", label: "Shell" },
  yaml: { grammar: "yaml", label: "YAML" },
  json: { grammar: "json", label: "JSON" },
  http: { grammar: "http", label: "HTTP" },
  python: { grammar: "python", label: "Python" },
  php: { grammar: "php", label: "PHP" },
  java: { grammar: "java", label: "Java" },
  go: { grammar: "go", label: "Go" },
  apache: { grammar: "apache", label: "Apache" },
  ini: { grammar: "ini", label: "ini" },
  toml: { grammar: "toml", label: "TOML" },
  dockerfile: { grammar: "docker", label: "Dockerfile" },
  log: { grammar: null, label: "Log" },
  text: { grammar: null, label: "Text" },
};

export interface Highlighter {
  /** Markup for within <code>. */
  readonly highlight: (code: string, language: string) => string;
}

/** What a reader calls the language of a fence. */
export function languageLabel(language: string): string {
  return LANGUAGES[language]?.label ?? (language === "" ? "Text" : language);
}

/** Loads a language's grammar; only those that occur are asked for, because PHP alone takes a tenth of a second. */
function grammarOf(name: string): LanguageInput {
  return GRAMMARS.find((own) => own.name === name) ?? (import(`shiki/langs/${name}.mjs`) as unknown as LanguageInput);
}

/** A highlighter for the languages of the given fences. */
export async function createHighlighter(languages: Iterable<string>): Promise<Highlighter> {
  const names = new Set([...languages].flatMap((language) => LANGUAGES[language]?.grammar ?? []));
  const core = await createHighlighterCore({
    themes: [THEME],
    langs: [...names].map(grammarOf),
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
  const known = new Map<string, string>();
  return {
    highlight: (code, language) => {
      const name = LANGUAGES[language]?.grammar;
      if (!name) return escapeHtml(code);
      const key = `${name}\0${code}`;
      const markup = known.get(key) ?? markupOf(core, code, name);
      known.set(key, markup);
      return markup;
    },
  };
}

function markupOf(core: HighlighterCore, code: string, name: string): string {
  return core
    .codeToTokensBase(code, { lang: name, theme: "classes" })
    .map((line) => runsOf(line).map(spanOf).join(""))
    .join("\n");
}

interface Run {
  readonly name: string;
  text: string;
}

/** Neighbours of one class become one; blanks take the class before them. */
function runsOf(tokens: readonly ThemedToken[]): Run[] {
  const runs: Run[] = [];
  for (const { content, color } of tokens) {
    const name = classByColour.get(color?.toLowerCase() ?? "") ?? "";
    const last = runs.at(-1);
    if (last && (last.name === name || content.trim() === "")) last.text += content;
    else runs.push({ name, text: content });
  }
  return runs;
}

const spanOf = ({ name, text }: Run): string =>
  name === "" ? escapeHtml(text) : `<span class="${name}">${escapeHtml(text)}</span>`;
