// Nothing secret of a container comes into the evidence.
import { expect, test } from "vitest";
import { filesInMemory } from "./files.ts";
import { readConfigs } from "./read-configs.ts";

const compose = `services:
  app:
    image: shop
    command: uvicorn main:app --host 127.0.0.1 --port 8000 --token s3cret-a
    environment:
      PORT: 8000
      DATABASE_URL: postgres://shop:s3cret-b@db/shop
      DB_HOST: "user:s3cret@db/x"
    labels:
      traefik.http.middlewares.auth.basicauth.users: "a:s3cret-c"
`;
const pod = `apiVersion: v1
kind: Pod
metadata: { name: a }
spec:
  containers:
    - name: a
      image: shop
      command: [gunicorn, --bind, "127.0.0.1:80", --env, "KEY=s3cret-d"]
      env: [{ name: PASSWORD, value: s3cret-e }]
`;

test.each([
  ["compose.yaml", compose],
  ["pod.yaml", pod],
])("%s", async (name, text) => {
  const configs = await readConfigs([name], filesInMemory({ [name]: text }));
  expect(configs[0]?.platform?.apps).toHaveLength(1);
  expect(JSON.stringify(configs)).not.toContain("s3cret");
});
