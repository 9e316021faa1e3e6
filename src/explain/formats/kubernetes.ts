// What kubectl prints: events (of describe and of get events), rows of get pods, and the fields of describe and of YAML.
// Codes are reasons and exit codes; the message of an event, and the message below a state, speak.
import type { Facts } from "../explanation.ts";
import { addCode, type Format, reading, setFact } from "./format.ts";

const EVENT = /(?:^|\s)(Normal|Warning)[ \t]{1,40}([A-Z][A-Za-z]{2,40})[ \t]{1,60}/;
const EVENTS_HEAD = /^\s{0,20}(?:NAMESPACE\s+)?(?:LAST SEEN\s+TYPE\s+REASON|Type\s+Reason\s+Age)\b/;
/** Of normal events, those that tell of a failure all the same. */
const NOT_FINE = /^(?:BackOff|Failed|Unhealthy|NodeNotReady|Evicted|Preempted)/;
/** Columns before the message: age, source or object. */
const COLUMNS =
  /(?:(?:\d+[smhd]){1,3}(?: \(x\d+ over (?:\d+[smhd]){1,3}\))?|<unknown>|[a-z]+\/[\w.:-]+|(?:kubelet|default-scheduler|[a-z-]+-controller|[a-z]+-scheduler)(?:, [\w.-]+)?|\d{1,6}|spec\.containers\{[^}\s]{1,63}\})[ \t]{1,60}/y;

/** Lines of events. */
export const k8sEvent: Format = {
  name: "k8s-event",
  recognise(line) {
    if (EVENTS_HEAD.test(line)) return { ...reading("k8s-event", "kubernetes"), benign: true };
    if (!line.includes("Warning") && !line.includes("Normal")) return null;
    const head = EVENT.exec(line.slice(0, 300));
    if (!head || (head.index > 0 && !/^(?:\S+[ \t]{1,40}){0,3}$/.test(line.slice(0, head.index + 1)))) return null;
    const into = reading("k8s-event", "kubernetes");
    const reason = head[2]!;
    const end = head.index + head[0].length;
    const at = line.lastIndexOf(reason, end);
    into.facts.level = head[1] === "Warning" ? "warn" : "info";
    addCode(into, "k8s-reason", reason, at, at + reason.length);
    into.messages = [[messageStart(line, end), line.length]];
    into.benign = head[1] === "Normal" && !NOT_FINE.test(reason);
    return into;
  },
};

function messageStart(line: string, from: number): number {
  let at = from;
  for (let column = 0; column < 4; column++) {
    COLUMNS.lastIndex = at;
    if (!COLUMNS.test(line)) break;
    at = COLUMNS.lastIndex;
  }
  return at;
}

const POD =
  /(?:([a-z][\w-]{0,62})[ \t]{1,40})?([a-z0-9][\w.-]{1,252})[ \t]{1,60}(\d{1,3})\/(\d{1,3})[ \t]{1,40}([A-Z][A-Za-z0-9:/-]{2,50})[ \t]{1,40}(\d{1,7})(?: \([^)\n]{1,20}\))?[ \t]{1,40}(?:\d+[smhdy]){1,3}/y;
const PODS_HEAD = /^(?:NAMESPACE\s+)?NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE/;

/** Rows of kubectl get pods. */
export const k8sPods: Format = {
  name: "k8s-pods",
  recognise(line) {
    if (PODS_HEAD.test(line)) return { ...reading("k8s-pods", "kubernetes"), benign: true };
    POD.lastIndex = 0;
    const row = POD.exec(line);
    if (!row) return null;
    const [, , name, ready, wanted, status] = row;
    const into = reading("k8s-pods", "kubernetes");
    setFact(into.facts, "upstreamName", name);
    const reason = status!.slice(status!.lastIndexOf(":") + 1);
    const at = line.indexOf(status!, line.indexOf("/")) + status!.length - reason.length;
    const running = reason === "Running" || reason === "Completed";
    if (!running && /^[A-Z]/.test(reason)) addCode(into, "k8s-reason", reason, at, at + reason.length);
    into.benign = reason === "Completed" || (reason === "Running" && ready === wanted);
    return into;
  },
};

const FIELD =
  /^\s{0,40}-? ?"?(State|Last State|Reason|Exit ?Code|Signal|Message|Restart ?Count|Ready|Endpoints|Status|Started|Finished|Container ID|Type)"? ?: {0,30}(.*)$/i;

/** Fields of describe and of YAML, where the text has those of a container's state (see isDescribe). */
export const k8sDescribe: Format = {
  name: "k8s-describe",
  recognise(line) {
    const field = FIELD.exec(line);
    if (!field) return null;
    const into = reading("k8s-describe", "kubernetes");
    const value = field[2]!
      .trim()
      .replace(/,$/, "")
      .replace(/^"(.*)"$/, "$1");
    const at = value === "" ? line.length : line.indexOf(value, line.indexOf(":"));
    const name = field[1]!.toLowerCase().replace(" ", "");
    if (name === "reason" && /^[A-Z][A-Za-z]+$/.test(value)) addCode(into, "k8s-reason", value, at, at + value.length);
    else if (name === "exitcode" && /^\d{1,3}$/.test(value)) {
      if (value !== "0") addCode(into, "exit-code", value, at, at + value.length);
    } else if (name === "message" || name === "endpoints") into.messages = [[name === "message" ? at : 0, line.length]];
    else if (name === "status" && /^(?:Failed|Pending|Unknown|Evicted)$/.test(value))
      addCode(into, "k8s-reason", value, at, at + value.length);
    else into.benign = true;
    if (name === "reason" && value === "Completed") into.benign = true;
    return into;
  },
};

/** The text has fields of a container's state, or of a service without endpoints. */
export function isDescribe(text: string): boolean {
  return (
    /^\s{0,40}(?:Last )?State: {1,30}(?:Waiting|Running|Terminated)\b/m.test(text) ||
    /\bExit Code: {1,30}\d/.test(text) ||
    /"?\bexitCode"?: {0,4}\d/.test(text) ||
    /^\s{0,40}Endpoints: {1,30}\S/m.test(text)
  );
}

const KUBELET =
  /(?:Readiness|Liveness|Startup) probe (?:failed|errored)|\bCrashLoopBackOff\b|\bImagePullBackOff\b|\bErrImagePull\b|\bOOMKilled\b|[Bb]ack-off (?:restarting failed|pulling image)|^Error from server|\bkubelet\b|no endpoints available for service|\bStartContainer\b|MountVolume\.SetUp/;

/** A sentence of Kubernetes without its columns. */
export function isKubernetes(line: string, known: Facts): boolean {
  return known.software === "kubernetes" || KUBELET.test(line);
}
