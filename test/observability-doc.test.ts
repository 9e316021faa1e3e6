// The examples of docs/observability.md do what they say: the receiver's check of a signature, and the configuration.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { sign } from "../src/notify/signature.ts";

const docs = readFileSync(fileURLToPath(new URL("../docs/observability.md", import.meta.url)), "utf8");

function blocks(language: string): string[] {
  return [...docs.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text = ""]) => text);
}

test("a receiver that checks as the document says takes our signatures, and no others", async () => {
  const [source = ""] = blocks("js");
  const module = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    isFromGoodgate: (secret: string, body: string, signature: string) => boolean;
  };
  const body = '{"event":"incident.opened"}';
  const signature = sign("secret", body, Date.now());
  expect(module.isFromGoodgate("secret", body, signature)).toBe(true);
  expect(module.isFromGoodgate("other", body, signature)).toBe(false);
  expect(module.isFromGoodgate("secret", `${body}\n`, signature)).toBe(false);
  expect(module.isFromGoodgate("secret", body, sign("secret", body, Date.now() - 400_000))).toBe(false);
});

test("the configurations are ones that Goodgate takes", () => {
  const examples = blocks("yaml").filter((text) => /^(?:traces|webhooks):/.test(text));
  expect(examples).toHaveLength(2);
  const environment = { TRACES_KEY: "k", HOOK_SECRET: "s", SLACK_URL: "https://hooks.slack.com/services/T0/B0/x" };
  for (const text of examples) {
    const { config, problems } = loadConfig(
      `upstreams: { app: "127.0.0.1:9" }\nroutes: [{ path: /, proxy: app }]\n${text}`,
      "goodgate.yaml",
      environment,
    );
    expect(problems).toEqual([]);
    expect(config).not.toBeNull();
  }
});

test("the JSON examples can be read", () => {
  for (const text of blocks("json")) expect(() => JSON.parse(text)).not.toThrow();
});
