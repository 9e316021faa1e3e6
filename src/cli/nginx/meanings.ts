// Every directive of a configuration with what it means where it stands, in the order in which nginx comes to it:
// the command line first, the directives of an included file in the place of its `include`.
import type { Context, DirectiveSpec } from "../../nginx/directives/spec.ts";
import { contextWithin, DIRECTIVES, specIn } from "../../nginx/directives/table.ts";
import type { Inclusion, NginxConfiguration } from "../../nginx/load.ts";
import type { Directive } from "../../nginx/tree.ts";

export interface Placed {
  readonly directive: Directive;
  /** undefined = unknown, or not known there. */
  readonly spec: DirectiveSpec | undefined;
  /** undefined = in a block that nobody knows, or among the lines of a map. */
  readonly context: Context | undefined;
  /** The block around it; null = the file. */
  readonly block: Directive | null;
}

/** All directives; those of a file that is included several times come as often. */
export function* directivesOf({ commandLine, main }: NginxConfiguration): Generator<Placed> {
  if (commandLine) yield* within(commandLine.file.directives, commandLine, "main", null);
  yield* within(main.file.directives, main, "main", null);
}

function* within(
  directives: readonly Directive[],
  inclusion: Inclusion,
  context: Context | undefined,
  block: Directive | null,
): Generator<Placed> {
  for (const directive of directives) {
    const { name } = directive;
    yield { directive, spec: context && specIn(DIRECTIVES, name, context), context, block };
    for (const inner of inclusion.included.get(directive) ?? [])
      yield* within(inner.file.directives, inner, context, block);
    if (directive.block)
      yield* within(directive.block.directives, inclusion, context && contextWithin(name, context), directive);
  }
}
