// Lines of access logs.
import type { AccessLogConfig } from "../../config/servers.ts";
import type { PlanContext } from "./plan.ts";
import type { ServerRequest } from "./request.ts";

export interface LogPlan {
  readonly config: AccessLogConfig;
}

export function compileLogs(logs: readonly AccessLogConfig[], _context: PlanContext): readonly LogPlan[] {
  return logs.map((config) => ({ config }));
}

export function writeLogs(_request: ServerRequest): void {}
