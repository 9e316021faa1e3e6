import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { checkSecretLink, checkSecureLink } from "./secure-link.ts";

const made = createHash("md5").update("secret/path").digest("base64url");

test.each([
  [made, "1", undefined],
  [`${made}==`, "1", undefined],
  [`${made},2000`, "1", "2000"],
  [`${made},1999`, "0", "1999"],
  [`${made},`, undefined, undefined],
  [`${made},0`, undefined, undefined],
  [`${made},-5`, undefined, undefined],
  [`${made},12x`, undefined, undefined],
  [made.slice(1), undefined, undefined],
  ["", undefined, undefined],
  [made.replace(/^./, (first) => (first === "A" ? "B" : "A")), undefined, undefined],
  [`${made.slice(0, -2)}!!`, undefined, undefined],
])("the link %s", (value, link, expires) => {
  expect(checkSecureLink(value, "secret/path", 2_000_500)).toEqual({ link, expires });
});

test("a hash in the path shows the link behind it", () => {
  const hash = createHash("md5").update("test.html?x=1secret").digest("hex");
  expect(checkSecretLink(`/p/${hash}/test.html?x=1`, "secret")).toBe("test.html?x=1");
  expect(checkSecretLink(`/p/${hash.toUpperCase()}/test.html?x=1`, "secret")).toBe("test.html?x=1");
  for (const target of [`/p/${hash}/test.html`, `/p/${hash}/`, `/p/${hash}`, "/p/inv/test.html", "/", ""]) {
    expect([target, checkSecretLink(target, "secret")]).toEqual([target, undefined]);
  }
});
