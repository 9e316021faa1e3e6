// What the engine needs of a database, whichever it is.
import type { Transaction } from "kysely";
import type { Bytes } from "../std/units.ts";
import type { StoreTarget } from "./model.ts";
import type { Problem } from "./problem.ts";
import type { Db, Tables } from "./schema.ts";

export interface Database {
  readonly kind: StoreTarget["kind"];
  /** Where it is, without secrets. */
  readonly where: string;
  readonly db: Db;
  /** What it takes on its disk: for people. */
  bytes(): Promise<Bytes>;
  /** What of it is in use: deleting makes it smaller at once. */
  used(): Promise<Bytes>;
  /** Whether there is so little room that it is to be written in small parts. */
  tight(): Promise<boolean>;
  /** Keeps other gateways from deleting at the same time, until the transaction ends; false = another one does. */
  mayDelete(tx: Transaction<Tables>): Promise<boolean>;
  /** Gives some room back to the disk; true = there is more to give. */
  compact(): Promise<boolean>;
  read(error: unknown): Problem;
  close(): Promise<void>;
}
