// Kubernetes' objects as plain data: Service, workloads with their pod templates, Ingress, Endpoints, EndpointSlice,
// from manifests and from what kubectl prints (Lists, pods, events).
import type { Place } from "../../evidence.ts";
import { softwareOfImage } from "../images.ts";
import type {
  Container,
  KubeEndpoints,
  KubeIngress,
  KubeProbe,
  KubeService,
  KubeWorkload,
  PortSaid,
} from "../platform.ts";
import { at, flagOf, itemsOf, numberOf, pairsOf, type Tree, textOf } from "../tree.ts";

const OBJECTS_MAX = 20_000;

/** The objects of documents; a List is its items. */
export function objectsOf(documents: readonly Tree[]): readonly Tree[] {
  return documents
    .flatMap((tree) => (/List$/.test(textOf(at(tree, "kind")) ?? "") ? listItems(tree) : [tree]))
    .filter((tree) => at(tree, "kind") !== undefined)
    .slice(0, OBJECTS_MAX);
}

/** Items of a PodList have no kind of their own. */
function listItems(tree: Tree): readonly Tree[] {
  const kind = at(tree, "kind");
  const own = (kind?.text ?? "").replace(/List$/, "");
  return itemsOf(at(tree, "items")).map((item) => {
    if (at(item, "kind") || own === "" || !kind) return item;
    return { ...item, pairs: [{ key: "kind", value: { ...kind, text: own } }, ...item.pairs] };
  });
}

export const kindOf = (tree: Tree): string => textOf(at(tree, "kind")) ?? "";
export const nameOf = (tree: Tree): string => textOf(at(tree, "metadata", "name")) ?? "";
/** "" = it is not said: whoever applies the file says it. */
export const namespaceOf = (tree: Tree): string => textOf(at(tree, "metadata", "namespace")) ?? "";
/** Whether two objects may be in one namespace. */
export const mayMeet = (a: string, b: string): boolean => a === "" || b === "" || a === b;
/** The option that names it, behind a space. */
export const optionFor = (namespace: string): string => (namespace === "" ? "" : ` -n ${namespace}`);
/** Where an object's name stands. */
export const placeOf = (tree: Tree): Place => at(tree, "metadata", "name")?.at ?? tree.at;

/** A map of texts. */
export function wordsAt(tree: Tree | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairsOf(tree).flatMap(({ key, value }) => (textOf(value) === undefined ? [] : [[key, value.text]])),
  );
}

/** A Service. */
export function serviceOf(tree: Tree): KubeService {
  const spec = at(tree, "spec");
  const selector = at(spec, "selector");
  return {
    name: nameOf(tree),
    namespace: namespaceOf(tree),
    at: placeOf(tree),
    type: textOf(at(spec, "type")) ?? "ClusterIP",
    selector: selector && pairsOf(selector).length > 0 ? wordsAt(selector) : null,
    selectorAt: selector?.at ?? placeOf(tree),
    ports: itemsOf(at(spec, "ports")).map((port) => {
      const target = at(port, "targetPort");
      const number = at(port, "port");
      return {
        name: textOf(at(port, "name")) ?? null,
        port: numberOf(number) ?? null,
        targetPort: textOf(target) ?? textOf(number) ?? "",
        protocol: textOf(at(port, "protocol")) ?? "TCP",
        at: target?.at ?? number?.at ?? port.at,
      };
    }),
  };
}

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Rollout: ["spec", "template"],
  Job: ["spec", "template"],
  Pod: [],
};

/** A workload; null = it is another kind of object. */
export function workloadOf(tree: Tree): KubeWorkload | null {
  const kind = kindOf(tree);
  const path = TEMPLATES[kind];
  if (!path) return null;
  const template = path.length === 0 ? tree : at(tree, ...path);
  const spec = at(template, "spec");
  const owner = `${kind} ${nameOf(tree)}`;
  const hostNetwork = flagOf(at(spec, "hostNetwork")) === true;
  const containers = itemsOf(at(spec, "containers"));
  const replicas = at(tree, "spec", "replicas");
  const preStop = containers.map((each) => at(each, "lifecycle", "preStop")).find((each) => each !== undefined);
  return {
    kind,
    name: nameOf(tree),
    namespace: namespaceOf(tree),
    at: placeOf(tree),
    labels: wordsAt(at(template, "metadata", "labels")),
    replicas: numberOf(replicas) ?? null,
    replicasAt: replicas?.at ?? placeOf(tree),
    containers: containers.map((each) => containerOf(each, owner, namespaceOf(tree), hostNetwork)),
    probes: containers.flatMap(probesOf),
    preStop: preStop?.at ?? null,
    graceSeconds: numberOf(at(spec, "terminationGracePeriodSeconds")) ?? null,
  };
}

function containerOf(tree: Tree, owner: string, namespace: string, hostNetwork: boolean): Container {
  const image = textOf(at(tree, "image")) ?? null;
  const [entry, args] = [at(tree, "command"), at(tree, "args")];
  const words = [...itemsOf(entry), ...itemsOf(args)].map(({ text }) => text.replace(/\$\((\w+)\)/g, "$${$1}"));
  const place = entry?.at ?? args?.at;
  return {
    platform: "kubernetes",
    name: textOf(at(tree, "name")) ?? "",
    owner,
    namespace,
    image,
    software: image === null ? null : softwareOfImage(image),
    at: at(tree, "name")?.at ?? tree.at,
    build: null,
    names: [],
    networks: [],
    networkMode: hostNetwork ? "host" : null,
    ports: itemsOf(at(tree, "ports")).map((port): PortSaid => {
      const number = at(port, "containerPort");
      return {
        number: numberOf(number) ?? null,
        published: numberOf(at(port, "hostPort")) ?? null,
        name: textOf(at(port, "name")) ?? null,
        protocol: textOf(at(port, "protocol")) ?? "TCP",
        at: number?.at ?? port.at,
      };
    }),
    environment: Object.fromEntries(
      itemsOf(at(tree, "env")).map((each) => [
        textOf(at(each, "name")) ?? "",
        { text: textOf(at(each, "value")) ?? null, at: each.at },
      ]),
    ),
    environmentPartial: at(tree, "envFrom") !== undefined,
    mounts: itemsOf(at(tree, "volumeMounts")).map((mount) => ({
      source: null,
      target: textOf(at(mount, "mountPath")) ?? "",
    })),
    command: words.length === 0 || !place ? null : { words, at: place },
    extraHosts: [],
  };
}

const PROBES = { readinessProbe: "readiness", livenessProbe: "liveness", startupProbe: "startup" } as const;

function probesOf(container: Tree): readonly KubeProbe[] {
  return Object.entries(PROBES).flatMap(([setting, kind]): readonly KubeProbe[] => {
    const probe = at(container, setting);
    if (!probe) return [];
    const get = at(probe, "httpGet");
    const port = at(get, "port") ?? at(probe, "tcpSocket", "port") ?? at(probe, "grpc", "port");
    return [
      {
        kind,
        container: textOf(at(container, "name")) ?? "",
        port: textOf(port) ?? null,
        path: get ? (textOf(at(get, "path")) ?? "/") : null,
        scheme: textOf(at(get, "scheme")) ?? "HTTP",
        timeoutSeconds: numberOf(at(probe, "timeoutSeconds")) ?? 1,
        periodSeconds: numberOf(at(probe, "periodSeconds")) ?? 10,
        failureThreshold: numberOf(at(probe, "failureThreshold")) ?? 3,
        initialDelaySeconds: numberOf(at(probe, "initialDelaySeconds")) ?? 0,
        at: port?.at ?? probe.at,
      },
    ];
  });
}

/** An Ingress, of networking.k8s.io/v1 and of the versions before. */
export function ingressOf(tree: Tree): KubeIngress {
  const spec = at(tree, "spec");
  const one = (backend: Tree | undefined, host: string | null, path: string, exact: boolean) => {
    const service = at(backend, "service", "name") ?? at(backend, "serviceName");
    const port =
      at(backend, "service", "port", "number") ?? at(backend, "service", "port", "name") ?? at(backend, "servicePort");
    const name = textOf(service);
    return name === undefined || !service
      ? []
      : [{ service: name, port: textOf(port) ?? "", host, path, exact, at: (port ?? service).at }];
  };
  const rules = itemsOf(at(spec, "rules")).flatMap((rule) => {
    const host = textOf(at(rule, "host")) ?? null;
    return itemsOf(at(rule, "http", "paths")).flatMap((path) =>
      one(at(path, "backend"), host, textOf(at(path, "path")) ?? "/", textOf(at(path, "pathType")) === "Exact"),
    );
  });
  const rest = one(at(spec, "defaultBackend") ?? at(spec, "backend"), null, "/", false);
  return { name: nameOf(tree), namespace: namespaceOf(tree), at: placeOf(tree), backends: [...rules, ...rest] };
}

/** Endpoints, or an EndpointSlice; null = an object that only says who leads. */
export function endpointsOf(tree: Tree): KubeEndpoints | null {
  if (at(tree, "metadata", "annotations", "control-plane.alpha.kubernetes.io/leader")) return null;
  const base = { namespace: namespaceOf(tree), at: placeOf(tree) };
  if (kindOf(tree) === "EndpointSlice") {
    const endpoints = itemsOf(at(tree, "endpoints"));
    const ready = endpoints.filter((each) => flagOf(at(each, "conditions", "ready")) !== false).length;
    const service = textOf(at(tree, "metadata", "labels", "kubernetes.io/service-name")) ?? nameOf(tree);
    return { ...base, service, ready, notReady: endpoints.length - ready };
  }
  const subsets = itemsOf(at(tree, "subsets"));
  const count = (name: string) => subsets.reduce((sum, each) => sum + itemsOf(at(each, name)).length, 0);
  return { ...base, service: nameOf(tree), ready: count("addresses"), notReady: count("notReadyAddresses") };
}
