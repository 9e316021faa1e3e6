// What the rules of a virtual server for request heads mean as bounds of the parser. nginx reads a head into one small
// buffer, then into large ones: a line has to fit into one of them, the head into all.
import type { HeadRules } from "../../config/servers.ts";
import type { HeadLimits } from "../../wire/head.ts";

/** The bounds. */
export function headLimitsOf(rules: HeadRules): HeadLimits {
  const { bufferBytes, largeBuffers, fieldsMax, ignoreInvalid, underscores } = rules;
  const lineBytes = Math.max(bufferBytes, largeBuffers.bytes);
  return {
    lineBytes,
    fieldBytes: lineBytes,
    headBytes: bufferBytes + largeBuffers.count * largeBuffers.bytes,
    fields: fieldsMax,
    names: ignoreInvalid ? (underscores ? "underscores" : "plain") : "any",
  };
}
