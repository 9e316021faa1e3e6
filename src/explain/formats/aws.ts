// Access logs of Amazon's load balancers (application, network, classic) and of CloudFront. Times are in seconds, -1
// where the thing did not happen: the load balancer never sent the request, or the target never answered.
import type { Facts } from "../explanation.ts";
import {
  addCode,
  addDuration,
  type Format,
  type Reading,
  reading,
  setFact,
  setRequest,
  setStatus,
  statusOf,
} from "./format.ts";
import { type Token, tokensOf } from "./tokens.ts";

const ALB = /^(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z app\//;
const NLB = /^tls \d\.\d \d{4}-\d\d-\d\dT[\d:.]+ net\//;
/** time elb client:port backend:port three times, two statuses, two sizes, the request in quotes. */
const CLB =
  /^(?:\d{4}-\d\d-\d\dT[\d:.]+Z )?[\w.-]{1,255} \S{1,60}:\d{1,5} (?:-|\S{1,60}:\d{1,5}) (?:-1|[\d.]+) (?:-1|[\d.]+) (?:-1|[\d.]+) (?:-|\d{3}) (?:-|\d{1,3}) \d+ \d+ "/;

const TIMES = ["request_processing_time", "target_processing_time", "response_processing_time"];

/** Lines of an application, network or classic load balancer. */
export const awsLoadBalancer: Format = { name: "aws-alb-access", recognise };

function recognise(line: string, known: Facts): Reading | null {
  if (ALB.test(line)) return application(tokensOf(line, 0));
  if (NLB.test(line)) return network(tokensOf(line, 0));
  if (CLB.test(line)) return classic(tokensOf(line, 0), known);
  return null;
}

function application(tokens: readonly Token[]): Reading {
  const into = reading("aws-alb-access", "aws-alb");
  const { facts } = into;
  const [, time, elb, client, target, , , , status, targetStatus, , sent, request] = tokens;
  setFact(facts, "time", time?.text);
  setFact(facts, "server", elb?.text);
  setFact(facts, "client", client?.text);
  setFact(facts, "upstream", target?.text);
  for (const [index, name] of TIMES.entries()) addDuration(facts, name, tokens[5 + index]?.text, 1000);
  setOutcome(into, status, targetStatus);
  if (sent) setFact(facts, "bytes", Number(sent.text));
  if (request) setRequest(facts, request.text.replace(/(https?:\/\/[^/:]+):(?:80|443)(?=\/)/, "$1"));
  setFact(facts, "upstreamName", /targetgroup\/([^/]+)/.exec(tokens[16]?.text ?? "")?.[1]);
  setFact(facts, "requestId", tokens[17]?.text.replace(/^Root=/, ""));
  const host = tokens[18]?.text;
  if (host !== undefined && host !== "" && host !== "-") facts.host = host;
  const reason = tokens[24];
  if (reason && reason.text !== "-") addCode(into, "alb-error", reason.text, reason.start, reason.end);
  const benign = facts.status !== undefined && facts.status < 400 && (reason === undefined || reason.text === "-");
  into.benign = benign;
  return into;
}

function classic(all: readonly Token[], known: Facts): Reading {
  const timed = /^\d{4}-\d\d-/.test(all[0]!.text);
  const tokens = timed ? all.slice(1) : all;
  const into = reading("aws-clb-access", "aws-clb");
  const { facts } = into;
  setFact(facts, "time", timed ? all[0]!.text : known.time);
  setFact(facts, "server", tokens[0]!.text);
  setFact(facts, "client", tokens[1]!.text);
  setFact(facts, "upstream", tokens[2]!.text);
  for (const [index, name] of TIMES.entries()) {
    addDuration(facts, name.replace("target", "backend"), tokens[3 + index]?.text, 1000);
  }
  setOutcome(into, tokens[6], tokens[7]);
  if (tokens[10]) setRequest(facts, tokens[10].text.replace(/(https?:\/\/[^/:]+):(?:80|443)(?=\/)/, "$1"));
  into.benign = facts.status !== undefined && facts.status < 400;
  return into;
}

/** The load balancer's status, and the target's: the same number = the target said it itself. */
function setOutcome(into: Reading, status: Token | undefined, target: Token | undefined): void {
  setStatus(into, status?.text, status?.start ?? 0);
  setFact(into.facts, "upstreamStatus", statusOf(target?.text));
}

/** type version time elb listener client:port target:port connect handshake rx tx alert … */
function network(tokens: readonly Token[]): Reading {
  const into = reading("aws-nlb-access", "aws-nlb");
  const { facts } = into;
  setFact(facts, "time", tokens[2]?.text);
  setFact(facts, "server", tokens[3]?.text);
  setFact(facts, "client", tokens[5]?.text);
  setFact(facts, "upstream", tokens[6]?.text);
  addDuration(facts, "connection_time", tokens[7]?.text, 1);
  addDuration(facts, "tls_handshake_time", tokens[8]?.text, 1);
  const alert = tokens[11];
  if (alert && alert.text !== "-") {
    addCode(into, "tls-alert", alert.text, alert.start, alert.end);
    facts.side = "client";
  }
  setFact(facts, "host", tokens[16]?.text);
  into.benign = alert?.text === "-";
  return into;
}

const CLOUDFRONT =
  /^\d{4}-\d\d-\d\d[\t ]+\d\d:\d\d:\d\d[\t ]+[A-Z]{3}\d{1,3}(?:-[A-Z]{1,3}\d{1,3})?[\t ]+(?:\d+|-)[\t ]/;

/** CloudFront's standard log: values are URL-encoded, so blanks separate as well as tabs. */
export const cloudfront: Format = {
  name: "cloudfront-access",
  recognise(line) {
    if (!CLOUDFRONT.test(line)) return null;
    const tokens = tokensOf(line, 0);
    const into = reading("cloudfront-access", "cloudfront");
    const { facts } = into;
    const at = (index: number): string | undefined => tokens[index]?.text;
    setFact(facts, "time", `${at(0)} ${at(1)}`);
    setFact(facts, "client", at(4));
    setFact(facts, "method", at(5));
    setFact(facts, "path", at(7));
    setStatus(into, at(8), tokens[8]?.start ?? 0);
    setFact(facts, "requestId", at(14));
    setFact(facts, "host", at(15));
    addDuration(facts, "time_taken", at(18), 1000);
    const detailed = tokens[28] ?? tokens[13];
    if (detailed && /^[A-Z][A-Za-z]{4,60}$/.test(detailed.text))
      addCode(into, "cloudfront-result", detailed.text, detailed.start, detailed.end);
    addDuration(facts, "time_to_first_byte", at(27), 1000);
    into.benign =
      facts.status !== undefined &&
      facts.status > 0 &&
      facts.status < 400 &&
      !/error|abort/i.test(detailed?.text ?? "");
    return into;
  },
};
