// All calls of the API, in the order of the document; of two paths that fit, the first counts.
import { ACCESS } from "./access.ts";
import { INCIDENTS } from "./incidents.ts";
import type { Operation } from "./operation.ts";
import { STATE } from "./state.ts";
import { TOOLS } from "./tools.ts";
import { TRAFFIC } from "./traffic.ts";
import { UPSTREAMS } from "./upstreams.ts";

export const OPERATIONS: readonly Operation[] = [...STATE, ...INCIDENTS, ...TRAFFIC, ...UPSTREAMS, ...TOOLS, ...ACCESS];
