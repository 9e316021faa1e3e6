// What the files of a platform say beside hops: containers with their ports, networks and mounts, Kubernetes' objects,
// what an application's source says of itself. join.ts compares them across files and objects. Plain data, as all
// evidence; nothing here concludes.
import type { Place } from "../evidence.ts";
import type { SoftwareId } from "../software.ts";

/** What platform files hold, as far as comparisons need it. */
export interface Platform {
  /** Other files, which were not read, add to it: what is missing here may be there. */
  readonly partial?: boolean;
  readonly containers: readonly Container[];
  readonly kube: KubeObjects | null;
  /** How applications listen, from sources and command lines. */
  readonly apps: readonly AppListen[];
}

/** A port with where it is written; number null = it is not plain. */
export interface PortSaid {
  readonly number: number | null;
  /** The port of the host that leads to it; null = none. */
  readonly published: number | null;
  readonly name: string | null;
  readonly protocol: string;
  readonly at: Place;
}

/** A service of compose, or one container of a pod template. */
export interface Container {
  readonly platform: "compose" | "kubernetes";
  /** The service of compose, or the container's name. */
  readonly name: string;
  /** Kubernetes: "Deployment shop"; compose: the service. */
  readonly owner: string;
  readonly namespace: string | null;
  readonly image: string | null;
  readonly software: SoftwareId | null;
  readonly at: Place;
  /** Where it is built from, as a path; null = it is only pulled. */
  readonly build: string | null;
  /** Names that others of its networks reach it by. */
  readonly names: readonly string[];
  /** Compose: networks by their names. Empty in Kubernetes. */
  readonly networks: readonly { readonly name: string; readonly external: boolean; readonly at: Place }[];
  /** Compose's network_mode, or "host" for hostNetwork; null = neither. */
  readonly networkMode: string | null;
  /** Ports inside: expose, the right side of ports, containerPort. */
  readonly ports: readonly PortSaid[];
  readonly environment: Readonly<Record<string, { readonly text: string | null; readonly at: Place }>>;
  /** More of it comes from elsewhere: env_file, envFrom. */
  readonly environmentPartial: boolean;
  /** Files and folders of the host that are mounted; source null = not from the host. */
  readonly mounts: readonly { readonly source: string | null; readonly target: string }[];
  /** Words of entrypoint and command together; null = the image's own. */
  readonly command: { readonly words: readonly string[]; readonly at: Place } | null;
  /** Hosts that are given in the file itself: extra_hosts, links. */
  readonly extraHosts: readonly string[];
}

/** Something that listens, as its source or its command line has it. */
export interface AppListen {
  readonly software: SoftwareId;
  /** null = every address. */
  readonly host: string | null;
  /** null = not plain. */
  readonly port: number | null;
  /** Whether an environment variable replaces the port that stands there, and which. */
  readonly portVariable: string | null;
  readonly hostVariable: string | null;
  /** It is the program's default rather than what is written. */
  readonly hostByDefault: boolean;
  readonly text: string;
  readonly at: Place;
}

export interface KubeObjects {
  readonly services: readonly KubeService[];
  readonly workloads: readonly KubeWorkload[];
  readonly ingresses: readonly KubeIngress[];
  readonly endpoints: readonly KubeEndpoints[];
  readonly pods: readonly KubePod[];
  readonly events: readonly KubeEvent[];
}

export interface KubeService {
  readonly name: string;
  readonly namespace: string;
  readonly at: Place;
  readonly type: string;
  /** null = it has none: its endpoints are made by hand. */
  readonly selector: Readonly<Record<string, string>> | null;
  readonly selectorAt: Place;
  readonly ports: readonly {
    readonly name: string | null;
    readonly port: number | null;
    /** A number, or the name of a container's port. */
    readonly targetPort: string;
    readonly protocol: string;
    readonly at: Place;
  }[];
}

export interface KubeWorkload {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly at: Place;
  readonly labels: Readonly<Record<string, string>>;
  readonly replicas: number | null;
  readonly replicasAt: Place;
  readonly containers: readonly Container[];
  readonly probes: readonly KubeProbe[];
  readonly preStop: Place | null;
  readonly graceSeconds: number | null;
}

export interface KubeProbe {
  readonly kind: "readiness" | "liveness" | "startup";
  readonly container: string;
  readonly port: string | null;
  readonly path: string | null;
  readonly scheme: string;
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
  readonly failureThreshold: number;
  readonly initialDelaySeconds: number;
  readonly at: Place;
}

export interface KubeIngress {
  readonly name: string;
  readonly namespace: string;
  readonly at: Place;
  readonly backends: readonly {
    readonly service: string;
    /** Number or name. */
    readonly port: string;
    readonly host: string | null;
    readonly path: string;
    readonly exact: boolean;
    readonly at: Place;
  }[];
}

export interface KubeEndpoints {
  readonly service: string;
  readonly namespace: string;
  readonly ready: number;
  readonly notReady: number;
  readonly at: Place;
}

/** One container of a pod as kubectl saw it. */
export interface KubePod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  readonly ready: boolean;
  readonly containers: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly restarts: number;
    /** CrashLoopBackOff, ImagePullBackOff; null = it does not wait. */
    readonly waiting: string | null;
    /** How it ended last: OOMKilled, Error. */
    readonly ended: { readonly reason: string; readonly exitCode: number | null; readonly atMs: number | null } | null;
  }[];
  readonly at: Place;
}

export interface KubeEvent {
  readonly namespace: string;
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly lastAtMs: number | null;
  readonly at: Place;
}
