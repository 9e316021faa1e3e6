// Kubernetes' manifests, and what kubectl prints as JSON or YAML: workloads are hops with their containers' ports,
// Ingresses are hops of the controller that their class names. How objects fit together is join.ts's, which sees the
// objects of all files.

import type { TimerId } from "../../timeouts/model.ts";
import { readYaml } from "../documents.ts";
import { timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredHop, ConfiguredTimer, Finding, Listen } from "../model.ts";
import { commandSays } from "../node/commands.ts";
import type { AppListen, KubeObjects, KubeWorkload } from "../platform.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { withoutSecrets } from "../secrets.ts";
import { at, type Tree, textOf } from "../tree.ts";
import { ingressFindings, ingressHop } from "./ingress.ts";
import { endpointsOf, ingressOf, kindOf, objectsOf, serviceOf, workloadOf } from "./objects.ts";
import { eventOf, podOf, stateFindings } from "./state.ts";

/** Reads manifests, or kubectl's output. */
export function readKubernetes({ file, text }: ReadInput): ConfigEvidence {
  const { documents, problems } = readYaml(text, file);
  const template = /\{\{[-\s]*(?:\.|include|if|range|with|toYaml|define)/.test(text);
  const next = "check it with kubectl apply --dry-run=client";
  const first = documents[0]?.at ?? { file, line: 1, column: 1 };
  // What its values make of it is not in the file.
  if (template)
    return evidence(file, "kubernetes", {
      problems: [
        problem(
          file,
          first,
          `${file}: it is a Helm template, whose values stand elsewhere`,
          "give what helm template prints",
        ),
      ],
    });
  const trees = objectsOf(documents);
  const of = (...kinds: readonly string[]) => trees.filter((tree) => kinds.includes(kindOf(tree)));
  const pods = of("Pod").flatMap((tree) => podOf(tree) ?? []);
  // A pod that runs is an observation; what it is made from is its workload's.
  const workloads = trees
    .filter((tree) => kindOf(tree) !== "Pod" || podOf(tree) === null || isBare(tree))
    .flatMap((tree) => {
      const workload = workloadOf(tree);
      return workload ? [{ workload, tree }] : [];
    });
  const kube: KubeObjects = {
    services: of("Service").map(serviceOf),
    workloads: workloads.map(({ workload }) => ({
      ...workload,
      containers: workload.containers.map(withoutSecrets),
    })),
    ingresses: of("Ingress").map(ingressOf),
    endpoints: of("Endpoints", "EndpointSlice").flatMap((tree) => endpointsOf(tree) ?? []),
    pods,
    events: of("Event").map(eventOf),
  };
  const apps: AppListen[] = [];
  const hops = [
    ...workloads
      .filter(({ workload }) => !workload.kind.endsWith("Job"))
      .map(({ workload, tree }) => workloadHop(workload, tree, apps)),
    ...of("Ingress").flatMap((tree) => ingressHop(tree) ?? []),
  ];
  const findings: Finding[] = [
    ...of("Ingress").flatMap(ingressFindings),
    ...stateFindings(pods, kube.endpoints, kube.events),
  ];
  return evidence(file, "kubernetes", {
    hops: unique(hops),
    findings,
    problems: problems.slice(0, 3).map(({ at: place, text: said }) => problem(file, place, said, next)),
    platform: { containers: kube.workloads.flatMap(({ containers }) => containers), kube, apps },
  });
}

function isBare(tree: Tree): boolean {
  return at(tree, "metadata", "ownerReferences") === undefined && at(tree, "status", "phase") === undefined;
}

function unique(hops: readonly ConfiguredHop[]): readonly ConfiguredHop[] {
  const counts = new Map<string, number>();
  return hops.map((hop) => {
    const count = (counts.get(hop.name) ?? 0) + 1;
    counts.set(hop.name, count);
    return count === 1 ? hop : { ...hop, name: `${hop.name} (${count})` };
  });
}

function workloadHop(workload: KubeWorkload, tree: Tree, apps: AppListen[]): ConfiguredHop {
  const held: ConfiguredTimer[] = [];
  const [main] = workload.containers;
  const ports = workload.containers.flatMap((each) => each.ports).filter(({ protocol }) => protocol === "TCP");
  let software = main?.software ?? null;
  const unknown: TimerId[] = [];
  const said: Listen[] = [];
  for (const { command, environment } of workload.containers) {
    const says = command ? commandSays(command.words, environment, command.at) : null;
    if (!says) continue;
    software ??= says.software;
    held.push(...says.timers);
    unknown.push(...(says.timersUnknown ?? []));
    if (!says.listen) continue;
    apps.push(says.listen);
    const { host, port, at: place } = says.listen;
    if (port !== null && !ports.some(({ number }) => number === port))
      said.push({ host: host ?? "*", port, socket: null, tls: false, names: [], at: place });
  }
  return {
    software: software ?? "app",
    name: `${workload.kind} ${workload.name}`,
    at: workload.at,
    listens: [
      ...ports.map(({ number, at: place }) => ({
        host: "*",
        port: number,
        socket: null,
        tls: false,
        names: [],
        at: place,
      })),
      ...said,
    ],
    routes: [],
    pools: [],
    timers: [...held, ...stopTimers(workload, tree)],
    ...(unknown.length > 0 ? { timersUnknown: unknown } : {}),
    logs: [],
  };
}

/** preStop that only sleeps, and the grace period, which holds both. */
function stopTimers(workload: KubeWorkload, tree: Tree): ConfiguredTimer[] {
  const template = at(tree, "spec", "template", "spec") ?? at(tree, "spec");
  const grace = at(template, "terminationGracePeriodSeconds");
  const hook = at(template, "containers")
    ?.items.map((each) => at(each, "lifecycle", "preStop"))
    .find((each) => each !== undefined);
  const sleep =
    textOf(at(hook, "sleep", "seconds")) ??
    /\bsleep["',\s]+(\d+)/.exec((at(hook, "exec", "command")?.items ?? []).map(({ text }) => text).join(" "))?.[1];
  return [
    ...timers(
      "drain",
      "terminationGracePeriodSeconds",
      workload.graceSeconds === null ? undefined : workload.graceSeconds * 1000,
      textOf(grace) ?? "",
      grace?.at,
    ),
    ...timers("pre-stop", "preStop", sleep === undefined ? undefined : Number(sleep) * 1000, sleep ?? "", hook?.at),
  ];
}
