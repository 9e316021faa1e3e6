// A store that another process writes, or that nobody writes any more, read from outside: for `goodgate incidents`
// without a gateway. Nothing is made, moved or changed; what is wrong is said in words.
import { join } from "node:path";
import type { Database } from "./database.ts";
import { type Answer, type Arguments, answer, type Question } from "./engine.ts";
import type { Store } from "./model.ts";
import { readProblem } from "./problem.ts";
import { SCHEMA_VERSION, schemaVersion } from "./schema.ts";
import { FILE, openFileToRead } from "./sqlite.ts";

/** The questions of a store. A question that names no gateway means all. */
export type StoreReader = Pick<Store, Question | "close">;

/** Opens the store of a folder to read. Rejects, with words for people, where there is none or it cannot be read. */
export async function openStoreReadOnly(folder: string): Promise<StoreReader> {
  const file = join(folder, FILE);
  let database: Database;
  try {
    database = await openFileToRead(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw new Error(`there is no store in ${folder} (${FILE} is not there): give --data the folder of the gateway`);
    }
    throw new Error(`${file} cannot be read: ${readProblem(error, false).words}`);
  }
  try {
    const version = await schemaVersion(database.db);
    if (version !== SCHEMA_VERSION) {
      const whose = version > SCHEMA_VERSION ? "a newer" : "an older";
      throw new Error(`it was written by ${whose} Goodgate (schema ${version}, this one reads ${SCHEMA_VERSION})`);
    }
  } catch (error) {
    await database.close();
    const words =
      error instanceof Error && error.message.startsWith("it was ") ? error.message : readProblem(error, false).words;
    throw new Error(`${file} cannot be read: ${words}`);
  }
  const ask = async <Q extends Question>(question: Q, args: Arguments<Q>): Promise<Answer<Q>> => {
    try {
      return (await answer(database.db, null, Date.now, question, args)) as Answer<Q>;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("before: ")) throw error;
      throw new Error(`${file} cannot be read: ${readProblem(error, false).words}`);
    }
  };
  return {
    incidents: (...args) => ask("incidents", args),
    incident: (...args) => ask("incident", args),
    failures: (...args) => ask("failures", args),
    failure: (...args) => ask("failure", args),
    marks: (...args) => ask("marks", args),
    points: (...args) => ask("points", args),
    paths: (...args) => ask("paths", args),
    audit: (...args) => ask("audit", args),
    gateways: (...args) => ask("gateways", args),
    close: () => database.close(),
  };
}
