// httpd.conf, apache2.conf, or a file of virtual hosts, with what they include.
import type { ConfigEvidence } from "../model.ts";
import { evidence, type ReadInput } from "../reader.ts";
import { apacheFindings } from "./findings.ts";
import { apacheHop } from "./hop.ts";
import { parseApache } from "./parse.ts";

/** Reads it. */
export function readApache(input: ReadInput): ConfigEvidence {
  const tree = parseApache(input);
  const hop = apacheHop(tree);
  const findings = apacheFindings(tree).map((each) => ({ ...each, hop: hop?.name ?? null }));
  const { files, problems } = tree;
  return evidence(input.file, "apache", { files, hops: hop ? [hop] : [], findings, problems });
}
