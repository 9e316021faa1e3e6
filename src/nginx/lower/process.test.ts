import { describe, expect, test } from "vitest";
import { loadNginx } from "../load.ts";
import { lowerNginx } from "./lower.ts";
import { type ProcessSettings, syslogOf } from "./process.ts";

const OPTIONS = { prefix: "/p/", confDir: "/c/", errorLog: "/p/first.log", accessLog: "/p/access.log", pid: "/p/pid" };

function settingsOf(text: string, commandLine = ""): ProcessSettings {
  const configuration = loadNginx(
    "/c/nginx.conf",
    { read: () => `${text}\nevents {}\n`, list: () => null },
    commandLine,
  );
  if ("errno" in configuration) throw new Error(configuration.text);
  return lowerNginx(configuration, OPTIONS).process;
}

describe("the process", () => {
  test("nginx's defaults", () => {
    expect(settingsOf("")).toEqual({
      user: null,
      workerProcesses: 1,
      pid: "/p/pid",
      errorLogs: [{ to: { kind: "file", path: "/p/first.log" }, level: "error" }],
      daemon: true,
      masterProcess: true,
      shutdownTimeoutMs: 0,
      env: [],
      workingDirectory: null,
    });
  });

  test("what is said; the group is called like the user", () => {
    const text =
      "user www; worker_processes auto; pid run/pid; daemon off; master_process off; worker_shutdown_timeout 10s;" +
      " env A; env B=1; error_log logs/e; error_log stderr warn; error_log syslog:server=unix:/dev/log debug_http;";
    expect(settingsOf(text)).toEqual({
      user: { name: "www", group: "www" },
      workerProcesses: "auto",
      pid: "/p/run/pid",
      errorLogs: [
        { to: { kind: "file", path: "/p/logs/e" }, level: "error" },
        { to: { kind: "stderr" }, level: "warn" },
        {
          to: {
            kind: "syslog",
            server: { kind: "unix", path: "/dev/log" },
            facility: "local7",
            severity: "info",
            tag: "nginx",
            noHostname: false,
          },
          level: "debug",
        },
      ],
      daemon: false,
      masterProcess: false,
      shutdownTimeoutMs: 10_000,
      env: ["A", "B=1"],
      workingDirectory: null,
    });
  });

  test("the command line adds to it", () => {
    expect(settingsOf("user www adm;", "daemon off; pid /other;")).toMatchObject({
      user: { name: "www", group: "adm" },
      pid: "/other",
      daemon: false,
    });
  });
});

describe("syslog", () => {
  test.each<[string, object | string]>([
    ["server=127.0.0.1", { server: { kind: "tcp", host: "127.0.0.1", port: 514 }, tag: "nginx" }],
    [
      "severity=alert,server=[::1]:10,facility=user",
      { server: { host: "::1", port: 10 }, severity: "alert", facility: "user" },
    ],
    ["server=log.internal:1,tag=a_1,nohostname", { server: { host: "log.internal" }, tag: "a_1", noHostname: true }],
    ["tag=a", "no syslog server specified"],
    ["server=a:1,server=b:1", 'duplicate syslog "server"'],
    ["server=a:1,facility=local8", 'unknown syslog facility "local8"'],
    ["server=a:1,severity=loud", 'unknown syslog severity "loud"'],
    ["server=a:1,tag=a-b", 'syslog "tag" only allows alphanumeric characters and underscore'],
    [`server=a:1,tag=${"x".repeat(33)}`, "syslog tag length exceeds 32"],
    ["server=a:1,wish=1", 'unknown syslog parameter "wish=1"'],
  ])("%s", (parameters, meant) => {
    const read = syslogOf(`syslog:${parameters}`);
    if (typeof meant === "string") expect(read).toBe(meant);
    else expect(read).toMatchObject(meant);
  });
});
