// The code of the reference's entries, with what each fence says about how to run it (knowledge/README.md).

export interface Example {
  /** "cause/connect-refused.md:57" */
  readonly name: string;
  readonly language: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly code: string;
}

/** Indentation, marks, the words behind them; the code; the same marks again. */
const FENCE = /^([ \t]*)(`{3,}|~{3,})([^\n]*)\n([\s\S]*?)^[ \t]*\2[ \t]*$/gm;

/** Every fence of a Markdown file. */
export function examplesIn(file: string, text: string): Example[] {
  return [...text.matchAll(FENCE)].map((found) => {
    const [, indentation, , info, code] = found as unknown as [string, string, string, string, string];
    const line = text.slice(0, found.index).split("\n").length;
    const [, language = "", rest = ""] = /^\s*(\S*)(.*)$/.exec(info)!;
    // Inside a list the code is indented as the fence is.
    return {
      name: `${file}:${line}`,
      language,
      settings: settingsIn(rest),
      code: code.replace(new RegExp(`^${indentation}`, "gm"), ""),
    };
  });
}

/** Words that set nothing are settings without a value, so that nothing is passed over. */
function settingsIn(text: string): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [, key, quoted, plain] of text.matchAll(/([^\s=]+)(?:=(?:"([^"]*)"|(\S*)))?/g))
    settings[key!] = quoted ?? plain ?? "";
  return settings;
}
