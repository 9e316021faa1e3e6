import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeCertificates } from "../lab/certificates.ts";
import { loadConfig } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "goodgate-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const { good, client, ca } = makeCertificates();
for (const [name, text] of Object.entries({
  "good.pem": good.cert,
  "good.key": good.key,
  "client.pem": client.cert,
  "client.key": client.key,
  "ca.pem": ca,
})) {
  writeFileSync(join(folder, name), text);
}

function messages(listenTls: string, upstreamTls = "false"): string[] {
  const text = `listen: { address: ":8443", tls: ${listenTls} }\nupstreams: { app: { endpoints: ["a.test:1"], tls: ${upstreamTls} } }`;
  return loadConfig(text, join(folder, "goodgate.yaml"), {}).problems.map(
    ({ message, position }) => `${position?.line}:${position?.column} ${message.replaceAll(`${folder}/`, "")}`,
  );
}

test("certificates with their keys", () => {
  expect(messages("{ cert: good.pem, key: good.key }", "{ ca: ca.pem, cert: client.pem, key: client.key }")).toEqual(
    [],
  );
  expect(
    messages("{ certificates: [{ cert: good.pem, key: good.key }, { cert: client.pem, key: client.key }] }"),
  ).toEqual([]);
});

test.each([
  ["{ cert: good.pem, key: client.key }", "1:42 the key client.key does not belong to the certificate good.pem"],
  ["{ cert: good.key, key: good.key }", "1:42 good.key has no certificate"],
  ["{ cert: good.pem, key: good.pem }", "1:57 good.pem has no private key"],
  ["{ cert: good.pem }", '1:34 "key" is missing'],
  ["{ certificates: [{ cert: good.pem, key: none.key }] }", "1:74 cannot read none.key: it does not exist"],
])("%s is a problem", (tls, message) => expect(messages(tls)).toContain(message));
