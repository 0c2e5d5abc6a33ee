/**
 * The connections to one peer. Invariants:
 * - one task has one connection; a connection that failed is never used again;
 * - commands and transfers have limits of their own, so that a long upload never delays a delete;
 * - a few idle ones are kept warm, but never so long that the server closes them first.
 */
import type { Connection } from './connection.ts';
import { ReplicaUnreachable } from './replica-client-api.ts';

/**
 * arrival: waits for the end of a transfer, or for a disk that flushes one, and must neither take the place of a transfer
 * nor that of a short command.
 */
export type Purpose = 'command' | 'transfer' | 'arrival';

interface Waiting {
  readonly purpose: Purpose;
  readonly turn: PromiseWithResolvers<void>;
}

/** Each session of a proxy that is uploading holds one. */
const MAX_TRANSFERS = 48;
/** More short commands at once wait: a handshake costs more than most of them. */
const MAX_COMMANDS = 8;
const MOST: { readonly [purpose in Purpose]: number } = {
  command: MAX_COMMANDS,
  transfer: MAX_TRANSFERS,
  arrival: MAX_TRANSFERS,
};
/** As many as may be used at once: with fewer, sessions that take turns would make and close one for every command. */
const KEPT_WARM = MAX_COMMANDS;
/**
 * Of one purpose, being made at a time: each has 3 s for its handshake, and fifty at once would share the processor of a
 * board so that none is done by then.
 */
const MOST_COMING = 8;
/** The server closes after 300 s. */
const WARM_MS = 60_000;
const LAST_WARM_MS = 240_000;

export class ConnectionPool<C extends Connection> {
  readonly #open: () => Promise<C>;
  /** The one used last is at the end, and is used next. */
  readonly #idle: { readonly connection: C; readonly expiry: NodeJS.Timeout }[] = [];
  readonly #busy = new Map<C, Purpose>();
  /** Places of those that are being connected. */
  readonly #coming = new Map<object, Purpose>();
  readonly #apart = new Set<C>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  /** `open` makes a new one. */
  constructor(open: () => Promise<C>) {
    this.#open = open;
  }

  /** Runs the task on a connection. @throws what the task throws; ReplicaUnreachable, ReplicaUntrusted. */
  async use<T>(purpose: Purpose, task: (connection: C) => Promise<T>): Promise<T> {
    return await this.lend(purpose, async (connection) => {
      const result = await task(connection);
      this.give(connection);
      return result;
    });
  }

  /**
   * The same for a task that goes on using the connection after it has resolved: then somebody has to `give` it back.
   * Tried once more, on a new connection, when an idle connection turns out to have died with the server's last stop:
   * every request of the protocol may be repeated.
   */
  async lend<T>(purpose: Purpose, task: (connection: C) => Promise<T>): Promise<T> {
    const connection = await this.#take(purpose, false);
    const reused = connection.uses > 0;
    try {
      return await task(connection);
    } catch (error) {
      this.give(connection);
      const died = error instanceof ReplicaUnreachable && reused && connection.closed && !connection.silent;
      if (!died || this.#closed) throw error;
    }
    const fresh = await this.#take(purpose, true);
    try {
      return await task(fresh);
    } catch (error) {
      this.give(fresh);
      throw error;
    }
  }

  async #take(purpose: Purpose, fresh: boolean): Promise<C> {
    while (!this.#mayGoOn(purpose)) {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push({ purpose, turn });
      await turn.promise;
    }
    if (this.#closed) throw new ReplicaUnreachable('this client was closed');
    const warm = fresh ? undefined : this.#takeWarm();
    if (warm !== undefined) {
      this.#busy.set(warm, purpose);
      return warm;
    }
    const place = {};
    this.#coming.set(place, purpose);
    try {
      const connection = await this.#connect();
      this.#busy.set(connection, purpose);
      return connection;
    } finally {
      this.#coming.delete(place);
      this.#wake();
    }
  }

  /** Outside of all limits, for what holds a connection for long; to be left with `leave`. */
  async open(): Promise<C> {
    const connection = await this.#connect();
    this.#apart.add(connection);
    return connection;
  }

  leave(connection: C): void {
    this.#apart.delete(connection);
    connection.close();
  }

  async #connect(): Promise<C> {
    const connection = await this.#open();
    if (!this.#closed) return connection;
    connection.close();
    throw new ReplicaUnreachable('this client was closed');
  }

  give(connection: C): void {
    if (!this.#busy.delete(connection)) return;
    if (this.#closed) connection.close();
    else if (!connection.closed) this.#keepWarm(connection);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    for (const { connection, expiry } of this.#idle.splice(0)) {
      clearTimeout(expiry);
      connection.close();
    }
    for (const connection of this.#apart) connection.close();
    for (const connection of this.#busy.keys()) connection.close();
    this.#wake();
  }

  #mayGoOn(purpose: Purpose): boolean {
    if (this.#closed) return true;
    let [busy, coming] = [0, 0];
    for (const each of this.#busy.values()) if (each === purpose) busy += 1;
    for (const each of this.#coming.values()) if (each === purpose) coming += 1;
    return busy + coming < MOST[purpose] && (this.#idle.length > 0 || coming < MOST_COMING);
  }

  #takeWarm(): C | undefined {
    for (let warm = this.#idle.pop(); warm !== undefined; warm = this.#idle.pop()) {
      clearTimeout(warm.expiry);
      if (!warm.connection.closed) return warm.connection;
    }
    return undefined;
  }

  #keepWarm(connection: C): void {
    if (this.#idle.length >= KEPT_WARM) {
      connection.close();
      return;
    }
    const expire = () => {
      this.#idle.splice(this.#idle.indexOf(entry), 1);
      connection.close();
    };
    const expiry = setTimeout(expire, this.#idle.length === 0 ? LAST_WARM_MS : WARM_MS).unref();
    const entry = { connection, expiry };
    this.#idle.push(entry);
  }

  /** Everybody whose turn it may be looks again; who finds no room waits on, in the same order. */
  #wake(): void {
    const index = this.#waiting.findIndex(({ purpose }) => this.#mayGoOn(purpose));
    if (index < 0) return;
    const [next] = this.#waiting.splice(index, 1);
    next?.turn.resolve();
    if (this.#closed) this.#wake();
  }
}
