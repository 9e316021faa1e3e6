import fc from "fast-check";
import { expect, test } from "vitest";
import { PLACEHOLDERS } from "../config/template.ts";
import { compileTemplate, type PlaceholderContext, type Template } from "./placeholders.ts";

const context: PlaceholderContext = {
  clientIp: () => "192.0.2.7",
  clientPort: () => 5123,
  requestId: () => "r1",
  method: () => "GET",
  scheme: () => "https",
  host: () => "shop.test",
  requestPath: () => "/api/items",
  query: () => "a=1",
  target: () => "/api/items?a=1",
  header: (name) => `<${name}>`,
  cookie: (name) => `[${name}]`,
  route: () => "/api/*",
  upstream: () => "app",
  endpoint: () => "10.0.0.1:3000",
  path: () => "/items",
  capture: (index) => `#${index}`,
  status: () => 404,
  cause: () => "connect-refused",
  name: () => "edge",
};

function render(text: string, more: Partial<PlaceholderContext> = {}): string {
  const template = compileTemplate(text);
  if ("message" in template) throw new Error(template.message);
  return template.render({ ...context, ...more });
}

test.each([
  ["plain", "plain"],
  ["", ""],
  ["{client.ip}:{client.port}", "192.0.2.7:5123"],
  ["{request.scheme}://{request.host}{request.target}", "https://shop.test/api/items?a=1"],
  ["{request.header.X-Tenant}{request.cookie.Sid}", "<x-tenant>[Sid]"],
  ["/v2{path}?{request.query}", "/v2/items?a=1"],
  ["{path.1}-{path.12}", "#1-#12"],
  ["{status} {cause} {name}", "404 connect-refused edge"],
  ["{{client.ip}", "{client.ip}"],
  ['{"ok":true,"at":"{request.path}"}', '{"ok":true,"at":"/api/items"}'],
  ["p { margin: 0 }", "p { margin: 0 }"],
])("%j renders %j", (text, expected) => expect(render(text)).toBe(expected));

test.each([
  ["{client.pi}", 'did you mean "{client.ip}"?'],
  ["{requestid}", 'did you mean "{request.id}"?'],
  ["{path.0}", "{path.1}"],
  ["{nonsense}", "known"],
])("%s is unknown: %s", (text, hint) => {
  const problem = compileTemplate(text) as { message: string; hint: string };
  expect(problem.message).toBe(`unknown placeholder "${text}"`);
  expect(problem.hint).toContain(hint);
});

test("what is not allowed is unknown", () => {
  expect(compileTemplate("{status}", ["path"])).toHaveProperty("message");
  expect(compileTemplate("{path}{path.2}", ["path"])).not.toHaveProperty("message");
  expect(compileTemplate("{request.header.a}", ["request.header"])).not.toHaveProperty("message");
});

test("every name has a value", () => {
  for (const name of Object.keys(PLACEHOLDERS)) expect(render(`{${name}}`)).not.toBe("");
});

test("no value can begin another line", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "\r", "\n", "\0", ":") }), (value) => {
      const rendered = render("x{request.header.a}{request.path}", { header: () => value, requestPath: () => value });
      expect(rendered).toBe(`x${value}${value}`.replace(/[\r\n\0]/g, ""));
    }),
    { numRuns: 200 },
  );
});

test("only what is named is asked for", () => {
  const asked: string[] = [];
  const spy = new Proxy(context, {
    get(target, key: keyof PlaceholderContext) {
      asked.push(key);
      return target[key];
    },
  });
  (compileTemplate("{client.ip}{request.header.a}") as Template).render(spy);
  expect(asked).toEqual(["clientIp", "header"]);
});
