// The commands of SSI: their parameters, and where conditions allow them.
import type { SsiParam } from "./ssi-parser.ts";

const PARAMS_MAX = 16;

/** By name; a missing one is undefined. */
export type ParamsOf = Readonly<Record<string, string | undefined>>;

export interface SsiCommand {
  readonly name: string;
  /** What of a condition has to stand before it; null = it needs none, and is passed over where nothing is shown. */
  readonly after: readonly string[] | null;
  /** Checks the parameters. */
  read(params: readonly SsiParam[]): { readonly params: ParamsOf } | { readonly problem: string };
}

const COMMANDS = new Map<string, SsiCommand>(
  [
    command("include", null, ["virtual", "file", "wait", "set", "stub"]),
    command("echo", null, ["var", "default", "encoding"], ["var"]),
    command("config", null, ["errmsg", "timefmt"]),
    command("set", null, ["var", "value"], ["var", "value"]),
    command("if", null, ["expr"], ["expr"]),
    command("elif", ["if"], ["expr"], ["expr"]),
    command("else", ["if"], []),
    command("endif", ["if", "else"], []),
    command("block", null, ["name"], ["name"]),
    command("endblock", null, []),
  ].map((entry) => [entry.name, entry]),
);

/** A command by its name. */
export function commandOf(name: string): SsiCommand | undefined {
  return COMMANDS.get(name);
}

function command(
  name: string,
  after: readonly string[] | null,
  known: readonly string[],
  mandatory: readonly string[] = [],
): SsiCommand {
  const read = (params: readonly SsiParam[]): ReturnType<SsiCommand["read"]> => {
    if (params.length > PARAMS_MAX) return { problem: `too many SSI command parameters: "${name}"` };
    const values: Record<string, string> = {};
    for (const { name: param, value } of params) {
      if (!known.includes(param)) return { problem: `invalid parameter name: "${param}" in "${name}" SSI command` };
      if (param in values) return { problem: `duplicate "${param}" parameter in "${name}" SSI command` };
      values[param] = value;
    }
    const missing = mandatory.find((param) => !(param in values));
    if (missing) return { problem: `mandatory "${missing}" parameter is absent in "${name}" SSI command` };
    return { params: values };
  };
  return { name, after, read };
}
