// Gateways beside those of the other files: Apache httpd and Varnish, where they are installed.
import type { FaultCase } from "../case.ts";
import type { Chain, Place } from "../chain.ts";
import { type Edge, isRoot, listens, start } from "../programs.ts";
import { ask, slow, status } from "../shapes.ts";

const MODULES = "/usr/lib/apache2/modules";
const LOADED = ["mpm_event", "authz_core", "proxy", "proxy_http"];

/** Apache httpd before one application. */
async function apache(chain: Chain, to: Place, lines = ""): Promise<Edge> {
  const port = await chain.freePort();
  const folder = chain.path("apache");
  const config = chain.file(
    "apache/httpd.conf",
    `ServerName shop.test
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/httpd.pid
${isRoot ? "User nobody\nGroup nogroup\n" : ""}Listen 127.0.0.1:${port}
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
ErrorLog ${folder}/error.log
<VirtualHost 127.0.0.1:${port}>
  ServerName shop.test
  ${lines}
  ProxyPass / http://${to.address}/
</VirtualHost>
`,
  );
  const child = start(chain, "apache2", ["-f", config, "-DFOREGROUND"], folder, "apache/stderr");
  await listens(child, port, () => "apache2 did not start");
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}`, config, logs: [`${folder}/error.log`], child };
}

/** Varnish before one application. */
async function varnish(chain: Chain, to: Place): Promise<Place> {
  const port = await chain.freePort();
  const vcl = `vcl 4.1;\nbackend default { .host = "${to.host}"; .port = "${to.port}"; .first_byte_timeout = 1s; }\n`;
  const file = chain.file("varnish/default.vcl", vcl);
  const args = ["-F", "-n", chain.path("varnish/work"), "-a", `127.0.0.1:${port}`, "-f", file, "-s", "default,8m"];
  const child = start(chain, "varnishd", [...args, "-T", "none"], chain.path("varnish"), "varnish/stderr");
  await listens(child, port, () => "varnishd did not start");
  return { host: "127.0.0.1", port, address: `127.0.0.1:${port}` };
}

export const OTHERS: readonly FaultCase[] = [
  {
    name: "apache/dead-app",
    chain: "Apache httpd > nothing",
    fault: "the application's process is gone; httpd.conf given",
    needs: ["apache2"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await apache(chain, dead), { config: true, at: [dead.address] });
    },
  },
  {
    name: "apache/dead-app-log",
    chain: "Apache httpd > nothing",
    fault: "the application's process is gone; only the error log given (AH00957, AH01114)",
    needs: ["apache2"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await apache(chain, dead), { log: true, at: [] });
    },
  },
  {
    name: "apache/slow-app",
    chain: "Apache httpd > Node",
    fault: "the application needs 1.6 s, ProxyTimeout is 1; httpd.conf and error log given",
    needs: ["apache2"],
    expect: { class: "response-timeout", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(slow(1_600));
      return ask(chain, await apache(chain, app, "ProxyTimeout 1"), { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "apache/500",
    chain: "Apache httpd > Node",
    fault: "the application answers 500; httpd.conf given",
    needs: ["apache2"],
    expect: { class: "upstream-error-passthrough", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(status(500));
      return ask(chain, await apache(chain, app), { config: true, at: [app.address] });
    },
  },
  {
    name: "varnish/dead-app-url-only",
    chain: "Varnish > nothing",
    fault: "the application's process is gone; only the URL given (503 Backend fetch failed)",
    needs: ["varnishd"],
    expect: { class: "status-only-502", also: ["connect-refused", "unknown", "no-healthy-upstream"], atMost: "likely" },
    build: async (chain) => ask(chain, await varnish(chain, await chain.nowhere()), { at: [], more: ["--no-local"] }),
  },
  {
    name: "varnish/slow-app-origin",
    chain: "Varnish > Node",
    fault: "the application needs 1.6 s, first_byte_timeout is 1s; the origin given",
    needs: ["varnishd"],
    expect: { class: "response-timeout", also: ["status-only-502", "unknown"], atMost: "likely" },
    build: async (chain) => {
      const app = await chain.app(slow(1_600));
      return ask(chain, await varnish(chain, app), { origins: [app.address], at: [] });
    },
  },
];
