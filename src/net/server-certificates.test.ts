import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { afterEach, expect, test } from "vitest";
import type { ListenerTls, Problem } from "../config/config.ts";
import { type Certificate, makeSelfSigned } from "../lab/certificates.ts";
import { ServerCertificates } from "./server-certificates.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A self-signed certificate for these names; the first is also its common name. */
function issue(names: readonly string[], options: { sans?: boolean; expired?: boolean } = {}): Certificate {
  return makeSelfSigned(names[0]!, options.sans === false ? [] : names, { from: -2, to: options.expired ? -1 : 1 });
}

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), "goodgate-"));
  cleanups.push(() => rmSync(directory, { recursive: true }));
  return directory;
}

function store(pem: Certificate, directory = folder()): { cert: string; key: string } {
  const paths = { cert: join(directory, "tls.crt"), key: join(directory, "tls.key") };
  writeFileSync(paths.cert, pem.cert);
  writeFileSync(paths.key, pem.key);
  return paths;
}

const listenerTls = (...certificates: ListenerTls["certificates"]): ListenerTls => ({
  certificates,
  minVersion: "TLSv1.2",
});

function load(...paths: ListenerTls["certificates"]): ServerCertificates {
  const { certificates, problems } = ServerCertificates.load(listenerTls(...paths));
  expect(problems).toEqual([]);
  cleanups.push(() => certificates?.close());
  return certificates!;
}

async function serve(certificates: ServerCertificates): Promise<number> {
  const server = tls.createServer(certificates.serverOptions(), (socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("x");
  });
  server.on("tlsClientError", () => {});
  certificates.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Connects with this SNI ("" = none): the common name that is served, the session that is given. */
async function ask(port: number, servername: string, session?: Buffer) {
  const options = { host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] };
  const socket = tls.connect({ ...options, ...(servername ? { servername } : {}), ...(session ? { session } : {}) });
  let ticket: Buffer | undefined;
  socket.on("session", (given: Buffer) => {
    ticket = given;
  });
  await once(socket, "secureConnect");
  const name = socket.getPeerCertificate().subject?.CN;
  const { alpnProtocol } = socket;
  const reused = socket.isSessionReused();
  socket.resume();
  await once(socket, "close");
  return { name, alpnProtocol, reused, ticket };
}

test("the certificate is chosen by SNI: exact before wildcard, one label, else the first", async () => {
  const certificates = load(
    store(issue(["first.test"])),
    store(issue(["*.shop.test"])),
    store(issue(["exact.shop.test", "second.test"])),
    store(issue(["late.test", "second.test"])),
    store(issue(["common.test"], { sans: false })),
  );
  const port = await serve(certificates);
  const served = async (name: string) => (await ask(port, name)).name;
  expect(await served("")).toBe("first.test");
  expect(await served("unknown.test")).toBe("first.test");
  expect(await served("a.shop.test")).toBe("*.shop.test");
  expect(await served("a.b.shop.test")).toBe("first.test");
  expect(await served("shop.test")).toBe("first.test");
  expect(await served("EXACT.shop.test")).toBe("exact.shop.test");
  expect(await served("second.test")).toBe("exact.shop.test");
  expect(await served("late.test")).toBe("late.test");
  expect(await served("common.test")).toBe("common.test");
});

test("http/1.1 is agreed on, and sessions are resumed with and without SNI", async () => {
  const port = await serve(load(store(issue(["first.test"])), store(issue(["second.test"]))));
  for (const name of ["", "first.test", "second.test"]) {
    const full = await ask(port, name);
    expect(full.alpnProtocol).toBe("http/1.1");
    expect((await ask(port, name, full.ticket)).reused).toBe(true);
  }
});

test("a directory that is swapped as a symlink (Kubernetes) is noticed, for clients with and without SNI", async () => {
  const directory = folder();
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(directory, version));
    store(issue([`${version}.test`, "app.test"]), join(directory, version));
  }
  symlinkSync("v1", join(directory, "..data"));
  const paths = { cert: join(directory, "tls.crt"), key: join(directory, "tls.key") };
  symlinkSync("..data/tls.crt", paths.cert);
  symlinkSync("..data/tls.key", paths.key);
  const certificates = load(paths);
  const port = await serve(certificates);
  expect((await ask(port, "app.test")).name).toBe("v1.test");

  const reports: boolean[] = [];
  // The poll is too slow to help here: it is the watch that must notice.
  certificates.watch((_, reloaded) => reports.push(reloaded), { settleMs: 20, pollMs: 60_000 });
  symlinkSync("v2", join(directory, "..data_tmp"));
  renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  await expect.poll(() => reports, { timeout: 5_000 }).toEqual([true]);
  expect((await ask(port, "app.test")).name).toBe("v2.test");
  expect((await ask(port, "")).name).toBe("v2.test");
});

test("new files that cannot be used are reported and the old certificate stays; then it is mended", async () => {
  const paths = store(issue(["old.test"]));
  const certificates = load(paths);
  const port = await serve(certificates);
  const reports: { problems: readonly Problem[]; reloaded: boolean }[] = [];
  certificates.watch((problems, reloaded) => reports.push({ problems, reloaded }), { settleMs: 20, pollMs: 100 });
  const renewed = issue(["new.test"]);
  writeFileSync(paths.cert, renewed.cert);
  await expect.poll(() => reports.length, { timeout: 5_000 }).toBe(1);
  expect(reports[0]).toMatchObject({ reloaded: false });
  expect(reports[0]?.problems[0]?.message).toBe(
    `The key ${paths.key} does not belong to the certificate ${paths.cert}.`,
  );
  expect((await ask(port, "old.test")).name).toBe("old.test");
  writeFileSync(paths.key, renewed.key);
  await expect.poll(() => reports.length, { timeout: 5_000 }).toBe(2);
  expect((await ask(port, "new.test")).name).toBe("new.test");
});

test("what is wrong with the files is said for all of them at once", async () => {
  const good = issue(["good.test"]);
  const mixed = store({ cert: good.cert, key: issue(["other.test"]).key });
  const missing = { cert: join(folder(), "none.crt"), key: mixed.key };
  const { certificates, problems } = ServerCertificates.load(listenerTls(mixed, missing));
  expect(certificates).toBeNull();
  expect(problems.map((problem) => problem.message)).toEqual([
    `The key ${mixed.key} does not belong to the certificate ${mixed.cert}.`,
    `Cannot read the certificate ${missing.cert}: there is no such file.`,
  ]);
});

test("an expired certificate is served, with a warning", async () => {
  const paths = store(issue(["old.test"], { expired: true }));
  const { certificates, problems } = ServerCertificates.load(listenerTls(paths));
  expect(certificates).not.toBeNull();
  expect(problems).toMatchObject([{ severity: "warning" }]);
});
