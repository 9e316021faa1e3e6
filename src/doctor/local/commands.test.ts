// Programs of the machine as they may be: missing, refused, slow, without end. Small scripts stand for them.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { runCommand } from "./commands.ts";
import { readKernelLog } from "./kernel-log.ts";
import { lookHere } from "./look-here.ts";
import { readUnits, wantedPort } from "./units.ts";

const folders: string[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const NOW = Date.parse("2026-11-21T20:00:00Z");
const BOOT = NOW - 1_000_000;

/** Only these programs are found; each is a shell script. */
async function programs(scripts: Record<string, string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "doctor-bin-"));
  folders.push(folder);
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  vi.stubEnv("PATH", folder);
}

test("a program that is missing, refused, slow, without end", async () => {
  await programs({
    no: "echo 'not permitted' >&2; exit 1",
    slow: "exec /bin/sleep 20",
    much: "exec /usr/bin/yes endless",
  });
  expect(await runCommand("nothing", [], 1_000)).toEqual({
    ok: false,
    missing: true,
    reason: "nothing is not installed",
  });
  expect(await runCommand("no", [], 1_000)).toEqual({ ok: false, missing: false, reason: "not permitted" });
  expect(await runCommand("slow", [], 150)).toMatchObject({ ok: false, reason: "slow gave no answer within 150 ms" });
  const much = await runCommand("much", [], 10_000);
  expect(much.ok).toBe(true);
});

test("the journal stands in where dmesg is refused", async () => {
  const line = `${NOW / 1000}.5 web1 kernel: Out of memory: Killed process 812 (node)`;
  await programs({
    dmesg: "echo 'dmesg: read kernel buffer failed: Operation not permitted' >&2; exit 1",
    journalctl: `echo '${line}'`,
  });
  const { events, notTested } = await readKernelLog(BOOT, NOW + 1_000, 2_000);
  expect(events).toMatchObject([{ pid: 812, source: "journal", atMs: NOW + 500 }]);
  expect(notTested).toEqual([]);
});

test("systemd: the units of processes, and those not running that name the port", async () => {
  await programs({
    systemctl: `case "$1" in
list-units) echo 'shop.service loaded failed failed The shop'; echo 'mail.service loaded failed failed Mail'; echo 'gone.service not-found inactive dead gone';;
show) printf 'Id=nginx.service\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\nResult=success\\nNRestarts=0\\n\\n'
printf 'Id=shop.service\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\nResult=exit-code\\nNRestarts=5\\nExecMainCode=1\\nExecMainStatus=3\\nEnvironment=PORT=3000\\n\\n'
printf 'Id=mail.service\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\nResult=exit-code\\nNRestarts=0\\n';;
esac`,
  });
  const named = new Map([["nginx.service", "nginx (pid 7) is in it"]]);
  const { units } = await readUnits(named, [wantedPort(3000)], BOOT, 2_000);
  expect(units.map(({ unit, result, exit, reason }) => [unit, result, exit, reason])).toEqual([
    ["nginx.service", "success", null, "nginx (pid 7) is in it"],
    ["shop.service", "exit-code", "exit status 3", "it is not running, and its settings name port 3000"],
  ]);
});

test("without systemd nothing is claimed, and it is said only where a unit was to be asked about", async () => {
  await programs({ systemctl: "echo 'System has not been booted with systemd' >&2; exit 1" });
  expect(await readUnits(new Map(), [wantedPort(3000)], BOOT, 2_000)).toEqual({ units: [], notTested: [] });
  const { notTested } = await readUnits(new Map([["a.service", "x"]]), [], BOOT, 2_000);
  expect(notTested[0]?.reason).toBe("System has not been booted with systemd");
});

test("without any of the programs the rest is told, and what they would add is named", async () => {
  await programs({});
  const asked = { gateways: [], listens: [], urlAddresses: [], pidFiles: [], forced: false };
  const { spots, notTested } = await lookHere(
    { ...asked, spots: [{ kind: "tcp", host: "127.0.0.1", port: 1 }] },
    5_000,
  );
  expect(spots[0]).toMatchObject({ here: true, served: false });
  expect(notTested.find(({ check }) => check === "accept-queue")?.reason).toContain("ss is not installed");
});

test("programs that hang do not take the rest with them", async () => {
  const hang = "exec /bin/sleep 20";
  await programs({ ss: hang, dmesg: hang, journalctl: hang, systemctl: hang });
  const asked = { gateways: [], listens: [], urlAddresses: [], pidFiles: [], forced: false };
  const { spots, notTested } = await lookHere(
    { ...asked, spots: [{ kind: "tcp", host: "127.0.0.1", port: 1 }] },
    5_000,
  );
  expect(spots).toHaveLength(1);
  expect(notTested.map(({ check }) => check)).toContain("accept-queue");
});
