import { expect, test } from "vitest";
import { suggest } from "./suggest.ts";

test("a slip of one key is nearer than the beginning of a word, which is nearer than nothing", () => {
  expect(suggest("proxy_pas", ["proxy", "proxy_pass"])).toBe("proxy_pass");
  expect(suggest("proxy_passes_all", ["proxy", "listen"])).toBe("proxy");
  expect(suggest("idleBody", ["idle-body", "head"])).toBe("idle-body");
  expect(suggest("zebra", ["listen", "server"])).toBeUndefined();
});
