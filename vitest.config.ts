import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import type { Reporter } from "vitest/node";

/** Ends the output with one line that a person or a script can read. */
const summary: Reporter = {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
    }
    const broken = modules.filter((module) => module.state() === "failed" && module.errors().length > 0).length;
    const left = counts.skipped + counts.pending;
    const trouble = broken + errors.length;
    process.stdout.write(
      `tests: ${counts.passed} passed, ${counts.failed} failed, ${left} left out` +
        `${trouble === 0 ? "" : `, ${trouble} errors outside tests`}\n`,
    );
  },
};

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    restoreMocks: true,
    unstubEnvs: true,
    // Programs that tests start keep what they keep away from the user's own.
    env: { XDG_STATE_HOME: join(tmpdir(), `goodgate-tests-${process.getuid?.() ?? 0}`) },
    reporters: ["default", summary],
  },
});
