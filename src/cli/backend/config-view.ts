// The configuration as the console shows it: what runs, where each value comes from, what check says, and how the file
// differs now from what was taken on. The text is kept when it is loaded; files that it includes are not compared.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createTwoFilesPatch } from "diff";
import type { Problem } from "../../config/config.ts";
import { type ValueInForce, valuesOf, valuesOfFile, withoutSecrets } from "../../config/values.ts";
import type { ConfigFinding, ConfigValue, ConfigView } from "../../console/model.ts";
import { shown, toByteText } from "../../nginx/byte-text.ts";
import { parseNginx } from "../../nginx/parse.ts";
import { lineAt, makeSource } from "../../nginx/source.ts";
import type { Directive } from "../../nginx/tree.ts";
import type { Ms } from "../../std/units.ts";
import type { Loaded } from "../load.ts";
import { type Language, languageOf } from "../target.ts";

const TEXT_MAX = 1024 * 1024;
const FINDINGS_MAX = 500;

/** What was said on the command line, above the file. */
export interface CommandLine {
  /** Values by their path in a goodgate.yaml: "listen", "console", "workers", "upstreams.app". */
  readonly values: Readonly<Record<string, unknown>>;
}

/** The configuration of a running gateway. */
export class RunningConfig {
  readonly #file: string | null;
  readonly #commandLine: CommandLine;
  readonly #load: () => Promise<Loaded>;
  readonly #told: Language | null;
  #language: Language = "yaml";
  #text: string | null = null;
  #problems: readonly Problem[] = [];
  #loadedAt: Ms = 0;

  /** `text` = what a file would say, where there is none; `told` = the language that --as names. */
  constructor(
    file: string | null,
    commandLine: CommandLine,
    load: () => Promise<Loaded>,
    text: string | null = null,
    told: Language | null = null,
  ) {
    this.#told = told;
    this.#file = file;
    this.#text = text;
    this.#commandLine = commandLine;
    this.#load = load;
  }

  /** It has just been taken on. */
  taken(problems: readonly Problem[], at: Ms): void {
    if (this.#file !== null) this.#text = readText(this.#file);
    this.#language = this.#told ?? (this.#text === null ? "yaml" : languageOf(this.#text));
    this.#problems = problems;
    this.#loadedAt = at;
  }

  get language(): Language {
    return this.#language;
  }

  get file(): string | null {
    return this.#file;
  }

  /** Where a value of the file comes from, in words. */
  originOf(path: string): string {
    const value = this.#values().find((each) => each.path === path);
    if (!value) return this.#language === "nginx" ? "configuration" : "default";
    if (value.from !== "file") return value.from;
    return `${this.#file === null ? "configuration" : basename(this.#file)}:${value.line ?? 1}`;
  }

  async view(): Promise<ConfigView> {
    const text = this.#text;
    const now = this.#file === null ? text : readText(this.#file);
    const differs = now !== text;
    return {
      file: this.#file,
      language: this.#language,
      text: text === null ? null : withoutSecrets(text),
      loadedAt: this.#loadedAt,
      values: this.#values(),
      findings: findingsOf(this.#problems),
      diff: differs ? diffOf(this.#file!, text ?? "", now ?? "") : "",
      pending: differs ? await this.#pending() : null,
    };
  }

  #values(): ConfigValue[] {
    if (this.#language === "nginx") return this.#file === null ? [] : directivesOf(this.#text ?? "");
    const { values } = this.#commandLine;
    if (this.#text === null) return valuesOf(values).map(fromCommandLine);
    const own = valuesOfFile(this.#text, this.#file ?? "", process.env);
    const told = valuesOf(values).filter(({ from }) => from === "file");
    const toldPaths = new Set(told.map(({ path }) => path));
    return [...told.map(fromCommandLine), ...own.filter(({ path }) => !toldPaths.has(path))];
  }

  async #pending(): Promise<ConfigView["pending"]> {
    const { config, problems } = await this.#load();
    return { ok: config !== undefined, findings: findingsOf(problems) };
  }
}

const fromCommandLine = (value: ValueInForce): ConfigValue => ({
  ...value,
  from: value.from === "file" ? "command line" : "default",
});

function readText(file: string): string | null {
  try {
    const text = readFileSync(file, "utf8");
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}\n… (the rest is not shown)\n` : text;
  } catch {
    // Gone or unreadable since it was taken on: the difference says so.
    return null;
  }
}

function diffOf(file: string, before: string, after: string): string {
  const patch = createTwoFilesPatch(file, file, withoutSecrets(before), withoutSecrets(after), "runs", "on disk", {
    context: 3,
    timeout: 500,
  });
  return patch ?? "--- the two are too different to be compared line by line\n";
}

function findingsOf(problems: readonly Problem[]): ConfigFinding[] {
  return problems.slice(0, FINDINGS_MAX).map(({ severity, message, hint, position, cause }) => ({
    severity,
    message,
    hint: hint ?? "",
    line: position?.line ?? null,
    cause: cause ?? null,
  }));
}

/** The directives of an nginx.conf with the blocks around them; included files are named by their own directive. */
function directivesOf(text: string): ConfigValue[] {
  const source = makeSource("", toByteText(withoutSecrets(text)));
  const found: ConfigValue[] = [];
  const visit = (directives: readonly Directive[], around: readonly string[]): void => {
    for (const directive of directives) {
      const words = directive.args.map(({ raw }) => shown(raw)).join(" ");
      if (directive.block) visit(directive.block.directives, [...around, `${directive.name} ${words}`.trim()]);
      else {
        const path = [...around, directive.name].join(" › ");
        found.push({ path, value: words, from: "file", line: lineAt(source, directive.span.start) });
      }
    }
  };
  visit(parseNginx(source).directives, []);
  return found;
}
