/**
 * The connections to one peer. Invariants:
 * - one task has one connection; a connection that failed is never used again;
 * - commands and transfers have limits of their own, so that a long upload never delays a delete;
 * - a few idle ones are kept warm, but never so long that the server closes them first.
 */
import { type ConnectOptions, PeerConnection } from './peer-connection.ts';
import { ReplicaUnreachable } from './replica-client-api.ts';

export type Purpose = 'command' | 'transfer';

interface Waiting {
  readonly purpose: Purpose;
  readonly turn: PromiseWithResolvers<void>;
}

/** Each session of a proxy that is uploading holds one. */
const MAX_TRANSFERS = 48;
/** More short commands at once wait: a handshake costs more than most of them. */
const MAX_COMMANDS = 8;
const KEPT_WARM = 4;
/** The server closes after 300 s. */
const WARM_MS = 60_000;
const LAST_WARM_MS = 240_000;

export class ConnectionPool {
  readonly #options: ConnectOptions;
  /** The one used last is at the end, and is used next. */
  readonly #idle: { readonly connection: PeerConnection; readonly expiry: NodeJS.Timeout }[] = [];
  readonly #busy = new Map<PeerConnection | object, Purpose>();
  readonly #apart = new Set<PeerConnection>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  /** Runs the task on a connection. @throws what the task throws; ReplicaUnreachable, ReplicaUntrusted. */
  async use<T>(purpose: Purpose, task: (connection: PeerConnection) => Promise<T>): Promise<T> {
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
  async lend<T>(purpose: Purpose, task: (connection: PeerConnection) => Promise<T>): Promise<T> {
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

  async #take(purpose: Purpose, fresh: boolean): Promise<PeerConnection> {
    while (!this.#hasRoom(purpose)) {
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
    this.#busy.set(place, purpose);
    try {
      const connection = await this.#connect();
      this.#busy.set(connection, purpose);
      return connection;
    } finally {
      this.#busy.delete(place);
      this.#wake();
    }
  }

  /** Outside of all limits, for what holds a connection for long; to be left with `leave`. */
  async open(): Promise<PeerConnection> {
    const connection = await this.#connect();
    this.#apart.add(connection);
    return connection;
  }

  leave(connection: PeerConnection): void {
    this.#apart.delete(connection);
    connection.close();
  }

  async #connect(): Promise<PeerConnection> {
    const connection = await PeerConnection.open(this.#options);
    if (!this.#closed) return connection;
    connection.close();
    throw new ReplicaUnreachable('this client was closed');
  }

  give(connection: PeerConnection): void {
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
    for (const each of this.#busy.keys()) if (each instanceof PeerConnection) each.close();
    this.#wake();
  }

  #hasRoom(purpose: Purpose): boolean {
    if (this.#closed) return true;
    const busy = [...this.#busy.values()].filter((each) => each === purpose).length;
    return busy < (purpose === 'transfer' ? MAX_TRANSFERS : MAX_COMMANDS);
  }

  #takeWarm(): PeerConnection | undefined {
    for (let warm = this.#idle.pop(); warm !== undefined; warm = this.#idle.pop()) {
      clearTimeout(warm.expiry);
      if (!warm.connection.closed) return warm.connection;
    }
    return undefined;
  }

  #keepWarm(connection: PeerConnection): void {
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
    const index = this.#waiting.findIndex(({ purpose }) => this.#hasRoom(purpose));
    if (index < 0) return;
    const [next] = this.#waiting.splice(index, 1);
    next?.turn.resolve();
    if (this.#closed) this.#wake();
  }
}
