// How Kubernetes' objects fit together: Ingress → Service → pods → ports → probes, and how pods stop. A Service that
// no Ingress given names, or a workload that no Service given selects, may be right by itself; a name that leads
// nowhere is told only where such an orphan of nearly that name stands beside it: other files may hold what is missing.
import { suggest } from "../../../config/suggest.ts";
import { isLoopback, note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import type { AppListen, Container, KubeObjects, KubeProbe, KubeService, KubeWorkload } from "../platform.ts";
import { mayMeet, optionFor } from "./objects.ts";

/** What does not fit. */
export function joinKubernetes(kube: KubeObjects, apps: readonly AppListen[]): Finding[] {
  return [
    ...kube.ingresses.flatMap((ingress) =>
      ingress.backends.flatMap((backend) => backendFindings(ingress, backend, kube)),
    ),
    ...kube.services.flatMap((service) => serviceFindings(service, kube, apps)),
    ...kube.workloads.flatMap((workload) => workloadFindings(workload, kube, apps)),
  ];
}

type Ingress = KubeObjects["ingresses"][number];

function backendFindings(ingress: Ingress, backend: Ingress["backends"][number], kube: KubeObjects): Finding[] {
  const hop = `Ingress ${ingress.name}`;
  const here = kube.services.filter(({ namespace }) => mayMeet(namespace, ingress.namespace));
  const service = here.find(({ name }) => name === backend.service);
  if (!service) return missingService(ingress, backend, here, kube);
  const fits = service.ports.some(({ name, port }) => String(port) === backend.port || name === backend.port);
  if (fits || backend.port === "" || service.ports.length === 0) return [];
  const said = service.ports.map(({ name, port }) => (name === null ? `${port}` : `${port} (${name})`)).join(", ");
  return [
    risk({
      id: "k8s-ingress-port-missing",
      class: "backend-absent",
      text: `Ingress ${ingress.name} sends to port ${backend.port} of Service ${service.name}, which has ${said}: the controller finds no endpoints and answers 503`,
      fix: `write port ${service.ports[0]?.port}, a port of the Service (not of the container)`,
      at: backend.at,
      also: service.at,
      hop,
    }),
  ];
}

function missingService(
  ingress: Ingress,
  backend: Ingress["backends"][number],
  here: readonly KubeService[],
  kube: KubeObjects,
): Finding[] {
  const elsewhere = kube.services.find(
    ({ name, namespace }) => name === backend.service && !mayMeet(namespace, ingress.namespace),
  );
  const hop = `Ingress ${ingress.name}`;
  if (elsewhere)
    return [
      risk({
        id: "k8s-ingress-service-missing",
        class: "backend-absent",
        text: `Ingress ${ingress.name} is in namespace ${ingress.namespace}, Service ${backend.service} in ${elsewhere.namespace}: an Ingress reaches Services of its own namespace only`,
        fix: `put the Ingress into namespace ${elsewhere.namespace}`,
        at: backend.at,
        also: elsewhere.at,
        hop,
      }),
    ];
  const orphan = here.find(
    ({ name, namespace }) =>
      isNear(name, backend.service) &&
      !kube.ingresses.some(
        (each) => mayMeet(each.namespace, namespace) && each.backends.some(({ service }) => service === name),
      ),
  );
  if (!orphan) return [];
  return [
    risk({
      id: "k8s-ingress-service-missing",
      class: "backend-absent",
      text: `Ingress ${ingress.name} names the Service ${backend.service}, which is not among the objects given, while Service ${orphan.name} is there and no Ingress names it`,
      fix: `write ${orphan.name}, or give the file that has Service ${backend.service}`,
      at: backend.at,
      also: orphan.at,
      hop,
    }),
  ];
}

/** Whether one name may be meant where the other is written: nearly the same, or a part of it. */
function isNear(name: string, written: string): boolean {
  if (name === "" || written === "") return false;
  return name.includes(written) || written.includes(name) || suggest(written, [name]) !== undefined;
}

function selects(service: KubeService, workload: KubeWorkload): boolean {
  if (service.selector === null || !mayMeet(service.namespace, workload.namespace)) return false;
  let wanted = SELECTORS.get(service);
  if (!wanted) {
    wanted = Object.entries(service.selector);
    SELECTORS.set(service, wanted);
  }
  return wanted.every(([key, value]) => workload.labels[key] === value);
}

/** Asked for each pair of a Service and a workload. */
const SELECTORS = new WeakMap<KubeService, readonly (readonly [string, string])[]>();

function serviceFindings(service: KubeService, kube: KubeObjects, apps: readonly AppListen[]): Finding[] {
  if (service.selector === null || service.type === "ExternalName") return [];
  const mine = kube.workloads.filter((workload) => selects(service, workload) && workload.kind !== "Job");
  if (mine.length === 0) return selectorFindings(service, kube);
  return mine.flatMap((workload) => [
    ...service.ports.flatMap((port) => portFindings(service, port, workload, apps)),
    ...(workload.replicas === 0 ? [replicasFinding(service, workload)] : []),
  ]);
}

function replicasFinding(service: KubeService, workload: KubeWorkload): Finding {
  return risk({
    id: "k8s-replicas-zero",
    class: "backend-absent",
    text: `${workload.kind} ${workload.name} has replicas: 0, so Service ${service.name} has no endpoints: each request is a 503`,
    fix: `kubectl scale ${workload.kind.toLowerCase()}/${workload.name}${optionFor(workload.namespace)} --replicas=1, unless it is meant to be off`,
    at: workload.replicasAt,
    also: service.at,
    hop: `${workload.kind} ${workload.name}`,
  });
}

function selectorFindings(service: KubeService, kube: KubeObjects): Finding[] {
  const isFree = (workload: KubeWorkload) => !kube.services.some((each) => selects(each, workload));
  const near = kube.workloads.find((workload) => {
    const keys = Object.keys(service.selector ?? {});
    const sharesKey = keys.some((key) => isNear(workload.labels[key] ?? "", service.selector?.[key] ?? ""));
    return (
      mayMeet(workload.namespace, service.namespace) &&
      workload.kind !== "Job" &&
      isFree(workload) &&
      (sharesKey || workload.name === service.name)
    );
  });
  if (!near) return [];
  const words = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",") || "none";
  return [
    risk({
      id: "k8s-selector-nothing",
      class: "backend-absent",
      text: `Service ${service.name} selects ${words(service.selector ?? {})}, and no pod template given has that; ${near.kind} ${near.name} has ${words(near.labels)} and no Service given selects it: the Service has no endpoints`,
      fix: `write selector: ${words(near.labels).replaceAll("=", ": ")}`,
      at: service.selectorAt,
      also: near.at,
    }),
  ];
}

function commandApp(container: Container, apps: readonly AppListen[]): AppListen | undefined {
  const place = container.command?.at;
  return apps.find(
    ({ at }) => place !== undefined && at.file === place.file && at.line === place.line && at.column === place.column,
  );
}

function portFindings(
  service: KubeService,
  port: KubeService["ports"][number],
  workload: KubeWorkload,
  apps: readonly AppListen[],
): Finding[] {
  const { targetPort } = port;
  const ports = workload.containers.flatMap((container) => container.ports);
  const owner = `${workload.kind} ${workload.name}`;
  const base = { id: "k8s-port-mismatch", at: port.at, also: ports[0]?.at ?? workload.at, hop: owner } as const;
  const listed = ports.map(({ number, name }) => (name === null ? `${number}` : `${number} (${name})`)).join(", ");
  if (!/^\d+$/.test(targetPort)) {
    if (ports.some(({ name }) => name === targetPort)) return [];
    const free = ports[0];
    return [
      risk({
        ...base,
        class: "backend-absent",
        text: `Service ${service.name} has targetPort ${targetPort}, and no container of ${owner} has a port of that name${ports.length === 0 ? "" : ` (there is ${listed})`}: the Service has no endpoints on that port`,
        fix: free?.name
          ? `write targetPort: ${free.name}`
          : `give the container's port name: ${targetPort}, or write its number as targetPort`,
      }),
    ];
  }
  const only = workload.containers.length === 1 ? workload.containers[0] : undefined;
  const app = only ? commandApp(only, apps) : undefined;
  if (app && app.port !== null && app.portVariable === null && app.port !== Number(targetPort))
    return [
      risk({
        ...base,
        also: app.at,
        class: "connect-refused",
        text: `Service ${service.name} sends to port ${targetPort}, and the command of ${owner} listens on ${app.port}: each request is refused`,
        fix: `write targetPort: ${app.port}`,
      }),
    ];
  const numbers = ports.flatMap(({ number }) => number ?? []);
  if (app?.port === Number(targetPort) || numbers.length === 0 || numbers.includes(Number(targetPort))) return [];
  return [
    risk({
      ...base,
      class: "connect-refused",
      text: `Service ${service.name} sends to port ${targetPort}, and the containers of ${owner} declare ${listed}: where nothing listens on ${targetPort}, each request is refused`,
      fix: `write targetPort: ${numbers[0]}, or declare containerPort: ${targetPort} where the application listens there`,
    }),
  ];
}

function workloadFindings(workload: KubeWorkload, kube: KubeObjects, apps: readonly AppListen[]): Finding[] {
  const services = kube.services.filter((service) => selects(service, workload));
  return [
    ...workload.probes.flatMap((probe) => probeFindings(workload, probe, apps)),
    ...loopbackFindings(workload, services, apps),
    ...stopFindings(workload, services, kube),
  ];
}

function probeFindings(workload: KubeWorkload, probe: KubeProbe, apps: readonly AppListen[]): Finding[] {
  const container = workload.containers.find(({ name }) => name === probe.container);
  if (!container || probe.port === null) return [];
  const owner = `${workload.kind} ${workload.name}`;
  const app = workload.containers.length === 1 ? commandApp(container, apps) : undefined;
  const numbers = workload.containers.flatMap(({ ports }) => ports.flatMap(({ number }) => number ?? []));
  const said = `the ${probe.kind} probe of ${owner} asks port ${probe.port}${probe.path === null ? "" : `, ${probe.path}`}`;
  const follows =
    probe.kind === "readiness"
      ? "the pod never becomes ready, and its Service has no endpoints (503)"
      : "the container is restarted again and again";
  const build = (text: string, fix: string, also = container.at): Finding[] => [
    risk({
      id: "k8s-probe-mismatch",
      class: probe.kind === "readiness" ? "upstream-not-ready" : "app-crashed",
      text,
      fix,
      at: probe.at,
      also,
      hop: owner,
    }),
  ];
  if (!/^\d+$/.test(probe.port)) {
    if (container.ports.some(({ name }) => name === probe.port)) return [];
    return build(
      `${said}, and container ${container.name} has no port of that name: ${follows}`,
      `give its port name: ${probe.port}, or write the number`,
    );
  }
  const port = Number(probe.port);
  if (app && app.port !== null && app.portVariable === null)
    return app.port === port
      ? []
      : build(`${said}, and its command listens on ${app.port}: ${follows}`, `write port: ${app.port}`, app.at);
  if (numbers.length === 0 || numbers.includes(port)) return [];
  return build(
    `${said}, and its containers declare ${numbers.join(", ")}: where nothing answers on ${port}, ${follows}`,
    `write port: ${numbers[0]}, or declare containerPort: ${port} where the application answers there`,
  );
}

function loopbackFindings(
  workload: KubeWorkload,
  services: readonly KubeService[],
  apps: readonly AppListen[],
): Finding[] {
  const [container] = workload.containers;
  // A neighbour in the pod reaches it there.
  if (workload.containers.length !== 1 || !container || container.networkMode !== null || services.length === 0)
    return [];
  const app = commandApp(container, apps);
  if (!app || app.host === null || !isLoopback(app.host)) return [];
  if (app.hostByDefault && container.environmentPartial) return [];
  return [
    risk({
      id: "app-bind-loopback",
      class: "connect-refused",
      text: `${workload.kind} ${workload.name} listens on ${app.host}:${app.port ?? app.portVariable ?? "its port"}${app.hostByDefault ? " (the default of its command)" : ""}: that is the pod's own loopback address, and Service ${services[0]?.name} and the probes are refused`,
      fix:
        app.software === "gunicorn"
          ? `write --bind 0.0.0.0:${app.port ?? 8000}`
          : "let it listen on 0.0.0.0: --host 0.0.0.0",
      at: app.at,
      also: services[0]?.at ?? null,
      hop: `${workload.kind} ${workload.name}`,
    }),
  ];
}

const STOPS_WITH_TRAFFIC = new Set(["Deployment", "StatefulSet", "DaemonSet", "Rollout"]);

function stopFindings(workload: KubeWorkload, services: readonly KubeService[], kube: KubeObjects): Finding[] {
  if (!STOPS_WITH_TRAFFIC.has(workload.kind) || workload.preStop || services.length === 0) return [];
  const exposed = services.find(
    (service) =>
      /^(?:LoadBalancer|NodePort)$/.test(service.type) ||
      kube.ingresses.some(
        ({ namespace, backends }) =>
          mayMeet(namespace, service.namespace) && backends.some((each) => each.service === service.name),
      ),
  );
  const owner = `${workload.kind} ${workload.name}`;
  return [
    // Most workloads have none: how long an application goes on accepting is not in the file.
    note({
      id: "k8s-prestop-missing",
      class: "upstream-not-ready",
      text: `${owner} has no preStop hook: at each rollout a pod is told to stop while proxies still send to it for some seconds; unless the application goes on accepting after SIGTERM, those requests are refused (502)`,
      fix: "add lifecycle: { preStop: { sleep: { seconds: 10 } } } to the container (exec sleep 10 before Kubernetes 1.30)",
      at: workload.at,
      also: exposed?.at ?? null,
      hop: owner,
    }),
  ];
}
