// Kysely over libsql (better-sqlite3's interface), for a thread that has the database to itself. Three things differ
// from Kysely's own SqliteDialect: statements are prepared once and kept, a transaction begins as a writer (one that
// becomes a writer halfway fails at once when another process writes), and values are checked before they are bound:
// libsql aborts the whole process on a boolean.
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type Libsql from "libsql";

type Statement = Libsql.Statement<unknown[]>;

const STATEMENTS_MAX = 200;

/** Kysely's dialect for a database that is open. */
export function libsqlDialect(database: Libsql.Database): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new LibsqlDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class LibsqlDriver implements Driver {
  readonly #connection: LibsqlConnection;
  /** The connection is one; who wants it waits for whoever has it. */
  #free: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;

  constructor(database: Libsql.Database) {
    this.#connection = new LibsqlConnection(database);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#free;
    let release: () => void = () => undefined;
    this.#free = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#release();
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A full disk may have ended the transaction already.
    if (this.#connection.inTransaction) await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async destroy(): Promise<void> {
    this.#connection.close();
  }
}

class LibsqlConnection implements DatabaseConnection {
  readonly #database: Libsql.Database;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Libsql.Database) {
    this.#database = database;
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const values = parameters.map(bindable);
    const statement = this.#prepare(sql);
    try {
      if (statement.reader) return { rows: statement.all(values) as R[] };
      const { changes } = statement.run(values);
      return { rows: [], numAffectedRows: BigInt(changes) };
    } catch (error) {
      // libsql does not reset a statement that has failed: it would give the same error for ever (a full disk).
      this.#statements.delete(sql);
      throw error;
    }
  }

  // biome-ignore lint/correctness/useYield: nothing here reads row by row
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("rows are read in pages");
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql) as Statement;
    // A statement that reads the schema or a setting is not worth keeping.
    if (this.#statements.size < STATEMENTS_MAX) this.#statements.set(sql, statement);
    return statement;
  }
}

function bindable(value: unknown): string | number | null {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new TypeError(`a value of the type ${typeof value} cannot be stored`);
}
