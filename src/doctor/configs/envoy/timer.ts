// A timer as Envoy writes it: protobuf's durations, 0 is off.
import { protoTime } from "../durations.ts";
import { offAtZero, timers } from "../finding.ts";
import type { ConfiguredTimer } from "../model.ts";
import { treeSpan } from "../spans.ts";
import { type Tree, textOf } from "../tree.ts";

/** A timer of Envoy's: 0 is off. */
export function timer(id: ConfiguredTimer["id"], setting: string, tree: Tree | undefined): ConfiguredTimer[] {
  return timers(id, setting, offAtZero(treeSpan(tree, protoTime)), textOf(tree) ?? "", tree?.at);
}
