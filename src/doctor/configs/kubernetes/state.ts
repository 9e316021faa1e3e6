// What kubectl printed of a cluster at work: pods with how their containers stand and ended, endpoints, events. These
// are observations, so they are told as such: what a container waits for, its exit code, how often. One finding per
// owner and reason, however many pods there are.
import type { CauseId } from "../../../failure/causes.ts";
import { risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import type { KubeEndpoints, KubeEvent, KubePod } from "../platform.ts";
import { at, flagOf, itemsOf, numberOf, type Tree, textOf } from "../tree.ts";
import { nameOf, namespaceOf, optionFor, placeOf, wordsAt } from "./objects.ts";

/** A pod as kubectl saw it; null = a manifest, which has no status. */
export function podOf(tree: Tree): KubePod | null {
  const status = at(tree, "status");
  const phase = textOf(at(status, "phase"));
  if (phase === undefined) return null;
  const ready = itemsOf(at(status, "conditions")).some(
    (each) => textOf(at(each, "type")) === "Ready" && flagOf(at(each, "status")) === true,
  );
  return {
    name: nameOf(tree),
    namespace: namespaceOf(tree),
    labels: wordsAt(at(tree, "metadata", "labels")),
    phase: textOf(at(status, "reason")) ?? phase,
    ready,
    containers: [...itemsOf(at(status, "initContainerStatuses")), ...itemsOf(at(status, "containerStatuses"))].map(
      (each) => {
        const ended = at(each, "state", "terminated") ?? at(each, "lastState", "terminated");
        const time = Date.parse(textOf(at(ended, "finishedAt")) ?? "");
        return {
          name: textOf(at(each, "name")) ?? "",
          ready: flagOf(at(each, "ready")) === true,
          restarts: numberOf(at(each, "restartCount")) ?? 0,
          waiting: textOf(at(each, "state", "waiting", "reason")) ?? null,
          ended: ended
            ? {
                reason: textOf(at(ended, "reason")) ?? "Error",
                exitCode: numberOf(at(ended, "exitCode")) ?? null,
                atMs: Number.isNaN(time) ? null : time,
              }
            : null,
        };
      },
    ),
    at: placeOf(tree),
  };
}

/** An event, of either API. */
export function eventOf(tree: Tree): KubeEvent {
  const object = at(tree, "involvedObject") ?? at(tree, "regarding");
  const time =
    textOf(at(tree, "lastTimestamp")) ??
    textOf(at(tree, "series", "lastObservedTime")) ??
    textOf(at(tree, "eventTime")) ??
    "";
  const lastAtMs = Date.parse(time);
  return {
    namespace: textOf(at(object, "namespace")) ?? namespaceOf(tree),
    object: `${textOf(at(object, "kind")) ?? "object"} ${textOf(at(object, "name")) ?? ""}`,
    reason: textOf(at(tree, "reason")) ?? "",
    message: textOf(at(tree, "message")) ?? textOf(at(tree, "note")) ?? "",
    count: numberOf(at(tree, "count")) ?? numberOf(at(tree, "series", "count")) ?? 1,
    lastAtMs: Number.isNaN(lastAtMs) ? null : lastAtMs,
    at: placeOf(tree),
  };
}

interface Trouble {
  readonly id: string;
  readonly class: CauseId;
  readonly says: string;
  readonly fix: string;
}

/** What pods, endpoints and events show. */
export function stateFindings(
  pods: readonly KubePod[],
  endpoints: readonly KubeEndpoints[],
  events: readonly KubeEvent[],
): Finding[] {
  const groups = new Map<string, { pod: KubePod; trouble: Trouble; count: number }>();
  for (const pod of pods)
    for (const trouble of troublesOf(pod)) {
      const key = `${ownerOf(pod.name)} ${trouble.id}`;
      const group = groups.get(key);
      if (group) group.count += 1;
      else groups.set(key, { pod, trouble, count: 1 });
    }
  const ofPods = [...groups.values()].map(({ pod, trouble, count }) =>
    risk({
      id: trouble.id,
      class: trouble.class,
      text: `Pod ${pod.name}${count === 1 ? "" : ` and ${count - 1} more of its kind`}: ${trouble.says}`,
      fix: trouble.fix.replaceAll("POD", `${pod.name}${optionFor(pod.namespace)}`),
      at: pod.at,
    }),
  );
  return [...ofPods, ...endpointFindings(endpoints), ...eventFindings(events, pods)];
}

/** "web-7d9f8b6c5-x2x4z" is of "web". */
function ownerOf(pod: string): string {
  return pod.replace(/-[a-z0-9]{5}$/, "").replace(/-[0-9a-f]{6,10}$/, "");
}

function troublesOf({ containers, phase, ready }: KubePod): readonly Trouble[] {
  if (phase === "Succeeded") return [];
  const found: Trouble[] = [];
  for (const { name, waiting, ended, restarts } of containers) {
    const exit = ended
      ? `, last end: ${ended.reason}${ended.exitCode === null ? "" : ` (exit code ${ended.exitCode})`}`
      : "";
    const times = `${restarts} restart${restarts === 1 ? "" : "s"}`;
    if (ended?.reason === "OOMKilled")
      found.push({
        id: "k8s-oom-killed",
        class: "oom-killed",
        says: `container ${name} was killed for memory (OOMKilled, exit code ${ended.exitCode ?? 137}${ended.atMs === null ? "" : `, last at ${new Date(ended.atMs).toISOString()}`}), ${times}`,
        fix: `raise resources.limits.memory of ${name}, or find what grows: kubectl top pod POD --containers`,
      });
    else if (
      waiting === "CrashLoopBackOff" ||
      (waiting === null && ended && ended.exitCode !== 0 && restarts > 0 && !ready)
    )
      found.push({
        id: "k8s-crash-loop",
        class: "app-crashed",
        says: `container ${name} ${waiting === null ? "ends again and again" : `waits in ${waiting}`}, ${times}${exit}`,
        fix: `read its last words: kubectl logs POD -c ${name} --previous`,
      });
    if (
      waiting !== null &&
      /^(?:ImagePullBackOff|ErrImagePull|InvalidImageName|ErrImageNeverPull|CreateContainerConfigError|CreateContainerError|RunContainerError)$/.test(
        waiting,
      )
    )
      found.push({
        id: "k8s-cannot-start",
        class: "backend-absent",
        says: `container ${name} waits in ${waiting}: it has not started`,
        fix: "read why: kubectl describe pod POD",
      });
  }
  // It is about to start.
  if (containers.some(({ waiting }) => waiting === "ContainerCreating" || waiting === "PodInitializing")) return found;
  if (found.length === 0 && phase === "Pending" && containers.length === 0)
    found.push({
      id: "k8s-pending",
      class: "backend-absent",
      says: "it is Pending: no node runs it",
      fix: "read why: kubectl describe pod POD",
    });
  else if (found.length === 0 && phase === "Evicted")
    found.push({
      id: "k8s-evicted",
      class: "backend-absent",
      says: "it was evicted from its node",
      fix: "read why: kubectl describe pod POD",
    });
  else if (found.length === 0 && !ready && phase === "Running")
    found.push({
      id: "k8s-not-ready",
      class: "upstream-not-ready",
      says: "it runs and is not ready, so no Service sends to it",
      fix: "read what its readiness probe gets: kubectl describe pod POD",
    });
  return found;
}

function endpointFindings(endpoints: readonly KubeEndpoints[]): readonly Finding[] {
  const services = new Map<string, KubeEndpoints>();
  // A service may have several slices, one for each family.
  for (const each of endpoints) {
    const key = `${each.namespace}/${each.service}`;
    const before = services.get(key);
    services.set(
      key,
      before ? { ...before, ready: before.ready + each.ready, notReady: before.notReady + each.notReady } : each,
    );
  }
  return [...services.values()]
    .filter(({ ready }) => ready === 0)
    .map(({ service, namespace, notReady, at: place }) =>
      risk({
        id: "k8s-endpoints-empty",
        class: notReady > 0 ? "upstream-not-ready" : "backend-absent",
        text:
          notReady > 0
            ? `Service ${service} has no ready endpoint: ${notReady} not ready`
            : `Service ${service} has no endpoints: no pod matches its selector, or none runs`,
        fix: `compare kubectl get service ${service}${optionFor(namespace)} -o wide with kubectl get pods${optionFor(namespace)} --show-labels`,
        at: place,
      }),
    );
}

function eventFindings(events: readonly KubeEvent[], pods: readonly KubePod[]): readonly Finding[] {
  const seen = new Set<string>();
  return events.flatMap((event): readonly Finding[] => {
    const probe =
      event.reason === "Unhealthy" ? (/^(Readiness|Liveness|Startup) probe/.exec(event.message)?.[1] ?? null) : null;
    if (probe === null) return [];
    const pod = event.object.replace(/^Pod /, "");
    const key = `${ownerOf(pod)} ${probe}`;
    // One that is ready now had its trouble when it started.
    if (
      seen.has(key) ||
      pods.some((each) => each.name === pod && each.ready && each.containers.every(({ restarts }) => restarts === 0))
    )
      return [];
    seen.add(key);
    return [
      risk({
        id: "k8s-probe-failing",
        class: "upstream-not-ready",
        text: `${event.object}: ${event.message.slice(0, 300)} (${event.count} times)${probe === "Liveness" ? "; a liveness probe that fails restarts the container" : ""}`,
        fix: "compare the probe's port, path and timeoutSeconds with what the application answers there",
        at: event.at,
      }),
    ];
  });
}
