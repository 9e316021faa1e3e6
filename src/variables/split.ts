// split_clients: MurmurHash2 of a text decides on a value. Shares are hundredths of a percent; the bounds are computed
// in whole numbers as nginx does it, so that the same client gets the same value from both.
import type { VariableConfig } from "../config/servers.ts";
import type { CompiledText, Variable } from "./subject.ts";

type SplitConfig = Extract<VariableConfig, { readonly kind: "split" }>;

/** The variable of a split; its result is not kept. */
export function splitVariable(config: SplitConfig, text: (text: string) => CompiledText): Variable {
  const source = text(config.source);
  const bounds = boundsOf(config.parts.map(({ share }) => share));
  const values = config.parts.map(({ value }) => text(value));
  return (subject) => {
    const hash = murmurHash2(source.render(subject));
    const index = bounds.findIndex((bound) => hash < bound);
    return index < 0 ? "" : values[index]!.render(subject);
  };
}

const HUNDREDTHS = 10_000;

/** The hashes below which each part begins to hold; a part that makes the sum whole takes all the rest. */
function boundsOf(shares: readonly (number | null)[]): readonly number[] {
  let sum = 0;
  let bound = 0;
  return shares.map((share) => {
    const hundredths = share === null ? 0 : Math.round(share * HUNDREDTHS);
    sum = hundredths === 0 ? HUNDREDTHS : sum + hundredths;
    if (sum >= HUNDREDTHS) return Infinity;
    bound += Math.floor((hundredths * 0xffffffff) / HUNDREDTHS);
    return bound;
  });
}

const M = 0x5bd1e995;

/** MurmurHash2 of byte text with the seed 0. */
function murmurHash2(text: string): number {
  let hash = text.length | 0;
  let at = 0;
  for (; text.length - at >= 4; at += 4) {
    let block =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24);
    block = Math.imul(block, M);
    block = Math.imul(block ^ (block >>> 24), M);
    hash = Math.imul(hash, M) ^ block;
  }
  const left = text.length - at;
  if (left >= 3) hash ^= text.charCodeAt(at + 2) << 16;
  if (left >= 2) hash ^= text.charCodeAt(at + 1) << 8;
  if (left >= 1) hash = Math.imul(hash ^ text.charCodeAt(at), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return (hash ^ (hash >>> 15)) >>> 0;
}
