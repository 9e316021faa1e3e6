// Findings that need two files, or two objects of one file: what a proxy is told of an application against what the
// application and its platform say. Only what is certain from the files is said; where a file that would decide was
// not given, nothing is. Keep-alive and timeout order are the timers' part, not this one's.
import { joinApplications } from "./compose/applications.ts";
import { joinProxies } from "./compose/proxies.ts";
import { joinKubernetes } from "./kubernetes/relations.ts";
import type { ConfigEvidence, Finding } from "./model.ts";
import type { KubeObjects } from "./platform.ts";

/** Compares configurations with each other. */
export function joinConfigs(configs: readonly ConfigEvidence[]): Finding[] {
  const apps = configs.flatMap(({ platform }) => platform?.apps ?? []);
  const found = [...joinKubernetes(kubeOf(configs), apps), ...joinProxies(configs), ...joinApplications(configs)];
  const seen = new Set<string>();
  return found.filter(({ id, at, text }) => {
    const key = `${id} ${at?.file}:${at?.line}:${at?.column} ${text}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** The objects of all files as one cluster. */
function kubeOf(configs: readonly ConfigEvidence[]): KubeObjects {
  const all = configs.flatMap(({ platform }) => platform?.kube ?? []);
  return {
    services: all.flatMap(({ services }) => services),
    workloads: all.flatMap(({ workloads }) => workloads),
    ingresses: all.flatMap(({ ingresses }) => ingresses),
    endpoints: all.flatMap(({ endpoints }) => endpoints),
    pods: all.flatMap(({ pods }) => pods),
    events: all.flatMap(({ events }) => events),
  };
}
