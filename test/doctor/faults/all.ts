// All cases, by layer from the outside in.
import type { FaultCase, HealthyCase, RiskCase } from "../case.ts";
import { ADVERSARY, HEALTHY_ADVERSARY } from "./adversary.ts";
import { APP } from "./app.ts";
import { BODY } from "./body.ts";
import { CDN } from "./cdn.ts";
import { CONNECT } from "./connect.ts";
import { DNS } from "./dns.ts";
import { DRESSED } from "./dressed.ts";
import { ELSEWHERE } from "./elsewhere.ts";
import { GATEWAY } from "./gateway.ts";
import { HEALTHY } from "./healthy.ts";
import { HEALTHY_CONTENT } from "./healthy-content.ts";
import { MIXED } from "./mixed.ts";
import { OFFLINE } from "./offline.ts";
import { OTHERS } from "./others.ts";
import { POOL } from "./pool.ts";
import { RESPONSE } from "./response.ts";
import { RISKS } from "./risks.ts";
import { SOCKET } from "./socket.ts";
import { TLS_EDGE } from "./tls-edge.ts";
import { TLS_ORIGIN } from "./tls-origin.ts";

export const FAULT_CASES: readonly FaultCase[] = [
  ...DNS,
  ...CONNECT,
  ...SOCKET,
  ...TLS_EDGE,
  ...TLS_ORIGIN,
  ...RESPONSE,
  ...BODY,
  ...POOL,
  ...GATEWAY,
  ...APP,
  ...DRESSED,
  ...MIXED,
  ...CDN,
  ...OTHERS,
  ...OFFLINE,
  ...ADVERSARY,
];
export const HEALTHY_CASES: readonly HealthyCase[] = [
  ...HEALTHY,
  ...HEALTHY_CONTENT,
  ...ELSEWHERE,
  ...HEALTHY_ADVERSARY,
];
export const RISK_CASES: readonly RiskCase[] = RISKS;
