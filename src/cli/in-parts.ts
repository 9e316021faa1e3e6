// Loads the program in parts. Node opens all files of an import at once, and there are some hundred of them: a process
// that may have few open (ulimit -n 128, some containers) could not start. What is loaded already is not opened again,
// so each part opens only what is new in it.

type Part = () => Promise<unknown>;

/** What reads an nginx.conf. */
const NGINX: readonly Part[] = [() => import("../nginx/check.ts"), () => import("../nginx/lower/lower.ts")];

const SERVING: readonly Part[] = [
  () => import("../net/dial.ts"),
  () => import("../upstream/group.ts"),
  () => import("../observe/observer.ts"),
  () => import("../variables/table.ts"),
  () => import("../content/serve-file.ts"),
  () => import("../filter/ssi.ts"),
  () => import("../access/basic-auth.ts"),
  () => import("../cache/caches.ts"),
  () => import("../routing/server-names.ts"),
  () => import("../proxy/gateway.ts"),
];

/** What a process needs that reads an nginx.conf. */
export async function loadNginxInParts(): Promise<void> {
  for (const load of NGINX) await load();
}

/** What a process needs that serves. */
export async function loadInParts(): Promise<void> {
  for (const load of SERVING) await load();
}
