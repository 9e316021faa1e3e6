// Shown where the console wants a token: it is sent once, and kept by the browser as a cookie that scripts cannot read.
import { useState } from "preact/hooks";
import { api, loggedOut } from "./api.ts";
import { session } from "./session.ts";
import { Button } from "./ui/button.tsx";
import { Field } from "./ui/field.tsx";

export function Login() {
  const [token, setToken] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const enter = async (): Promise<void> => {
    setBusy(true);
    setError("");
    try {
      await api.login(token.trim());
      session.set(null);
      loggedOut.set(false);
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main id="main" class="login">
      <h1>Goodgate</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <Field
          label="Token of this console"
          hint="GOODGATE_CONSOLE_TOKEN of the gateway, or GOODGATE_CONSOLE_READ_TOKEN to look only."
          {...(error ? { error } : {})}
        >
          <input
            type="password"
            autoComplete="current-password"
            required
            value={token}
            onInput={(event: InputEvent) => setToken((event.currentTarget as HTMLInputElement).value)}
          />
        </Field>
        <Button kind="primary" type="submit" busy={busy}>
          Enter
        </Button>
      </form>
    </main>
  );
}
