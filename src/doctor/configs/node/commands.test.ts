// Command lines of application servers: where they listen, their timers, and what is left unsaid.
import { expect, test } from "vitest";
import { wordsOfLine } from "./command-words.ts";
import { commandSays } from "./commands.ts";

const at = { file: "compose.yaml", line: 1, column: 1 };

function said(line: string, env: Record<string, string | null> = {}) {
  const given = Object.fromEntries(Object.entries(env).map(([name, text]) => [name, { text }]));
  const says = commandSays(wordsOfLine(line), given, at);
  const listen = says?.listen;
  return {
    software: says?.software ?? null,
    listen: listen
      ? `${listen.host ?? "*"}:${listen.port ?? `$${listen.portVariable}`}${listen.hostByDefault ? " default" : ""}`
      : null,
    timers: says?.timers.map(({ id, value }) => `${id} ${value}`).join(", ") ?? "",
    unknown: says?.timersUnknown?.join(", ") ?? "",
  };
}

test.each([
  [
    "gunicorn -b 0.0.0.0:8000 -t 120 --keep-alive 75 app:app",
    "gunicorn",
    "*:8000",
    "worker 120000, client-idle 75000",
    "",
  ],
  ["gunicorn --bind=127.0.0.1:8000 app:app", "gunicorn", "127.0.0.1:8000", "", ""],
  ["gunicorn --bind :$PORT app:app", "gunicorn", "*:$PORT", "", ""],
  ["gunicorn -b unix:/run/app.sock app:app", "gunicorn", null, "", ""],
  // Its bind may stand in the file.
  ["gunicorn -c conf.py app:app", "gunicorn", null, "", "worker, client-idle, drain"],
  ["gunicorn app:app", "gunicorn", null, "", ""],
  ["gunicorn --timeout 0 app:app", "gunicorn", null, "worker null", ""],
  ["uvicorn main:app", "uvicorn", "127.0.0.1:8000 default", "", ""],
  ["uvicorn main:app --host=:: --port 80 --timeout-keep-alive 75", "uvicorn", "*:80", "client-idle 75000", ""],
  ["uvicorn main:app --uds /run/app.sock", "uvicorn", null, "", ""],
  ["poetry run python -m uvicorn main:app --host 0.0.0.0", "uvicorn", "*:8000", "", ""],
  ["fastapi run main.py", "uvicorn", "*:8000 default", "", ""],
  ["flask run -h 0.0.0.0 -p 5001", "app", "*:5001", "", ""],
  ["flask run", "app", "127.0.0.1:5000 default", "", ""],
  ["python manage.py runserver 0:8000", "app", "*:8000", "", ""],
  ["python manage.py runserver", "app", "127.0.0.1:8000 default", "", ""],
  ["python3 manage.py migrate", null, null, "", ""],
  ["bundle exec puma -b tcp://127.0.0.1:9292", "puma", "127.0.0.1:9292", "", ""],
  ["puma -C config/puma.rb", "puma", null, "", ""],
  ["next start -p 4000 --keepAliveTimeout 70000", "nextjs", "*:4000 default", "client-idle 70000", ""],
  ["next start -H 127.0.0.1", "nextjs", "127.0.0.1:3000", "", ""],
  ["sh -c 'python manage.py migrate && exec gunicorn -b 0.0.0.0:80 app'", "gunicorn", "*:80", "", ""],
  ["NODE_ENV=production node server.js", "node", null, "", ""],
  ["php -S localhost:8080", "app", "localhost:8080", "", ""],
  ["./start.sh", null, null, "", ""],
])("%s", (line, software, listen, timers, unknown) => {
  expect(said(line)).toEqual({ software, listen, timers, unknown });
});

test("the environment counts where the command does not say", () => {
  expect(said("uvicorn main:app", { UVICORN_HOST: "0.0.0.0", UVICORN_PORT: "80" }).listen).toBe("*:80");
  expect(said("uvicorn main:app --host 127.0.0.1", { UVICORN_HOST: "0.0.0.0" }).listen).toBe("127.0.0.1:8000");
  // Set, to what only the machine knows.
  expect(said("uvicorn main:app", { UVICORN_HOST: null }).listen).toBeNull();
  expect(said("gunicorn app", { GUNICORN_CMD_ARGS: "--bind 0.0.0.0:80" }).listen).toBe("*:80");
});

test.each([
  ['a \'b c\' "d \\" e" f', ["a", "b c", 'd \\" e', "f"]],
  ["A='x y' run && b|c;", ["A='x y'", "run", "&&", "b", "|", "c", ";"]],
  ["echo don't go", ["echo", "dont", "go"]],
  [`${"a".repeat(50)}"`, ["a".repeat(50)]],
  ['"', []],
])("the words of %s", (line, words) => {
  expect(wordsOfLine(line)).toEqual(words);
});

test("a line of quotes that nothing closes is cut at once", () => {
  expect(wordsOfLine(`${"x".repeat(20_000)}'`)).toHaveLength(1);
});
