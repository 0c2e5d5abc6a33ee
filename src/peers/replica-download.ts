/** RETR from a peer as a stream that ends only when the peer has confirmed the end with 226. */
import { Readable } from 'node:stream';
import type { ConnectionPool } from './connection-pool.ts';
import { type DataConnection, openDataConnection, reset } from './data-connection.ts';
import type { PeerConnection } from './peer-connection.ts';

/** So long without a byte while we are ready to take one. */
const STALL_MS = 20_000;
const AHEAD_BYTES = 512 * 1024;

/**
 * Resolves when the peer has said 150. The stream is destroyed with ReplicaUnreachable when the transfer breaks. Leaving
 * it early (destroy) closes the connection.
 * @throws Refusal, ReplicaUnreachable, ReplicaUntrusted
 */
export async function startDownload(pool: ConnectionPool, path: string, offset: number): Promise<Readable> {
  return await pool.lend('transfer', async (connection) => {
    if (offset > 0) await connection.ask(`REST ${offset}`);
    const data = await openDataConnection(connection);
    const mark = Promise.withResolvers<void>();
    const done = connection.ask(`RETR ${path}`, mark.resolve).then(() => undefined);
    try {
      await Promise.race([mark.promise, done]);
    } catch (error) {
      reset(data); // a refusal: the control connection lives on
      throw error;
    }
    return new DownloadStream(pool, connection, data, done);
  });
}

class DownloadStream extends Readable {
  readonly #pool: ConnectionPool;
  readonly #connection: PeerConnection;
  readonly #data: DataConnection;
  #confirmed = false;

  constructor(pool: ConnectionPool, connection: PeerConnection, data: DataConnection, done: Promise<void>) {
    super({ highWaterMark: AHEAD_BYTES });
    this.#pool = pool;
    this.#connection = connection;
    this.#data = data;
    const { tls } = data;
    tls.pause();
    tls.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) tls.pause();
    });
    let ended = false;
    tls.once('end', () => {
      ended = true;
      done.then(
        () => this.#finish(),
        () => undefined,
      );
    });
    const broken = (cause?: Error) => {
      if (!ended) this.#brokeOff(cause, done);
    };
    tls.once('error', broken);
    tls.once('close', () => broken());
    tls.setTimeout(STALL_MS, () => {
      if (!tls.isPaused()) this.destroy(connection.fail(new Error(`no byte for ${STALL_MS / 1000} s`)));
    });
    done.catch((error: Error) => this.destroy(error));
  }

  override _read(): void {
    this.#data.tls.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#confirmed) {
      // The peer may still be sending: this connection has no clear state any more.
      reset(this.#data);
      this.#connection.close();
      this.#pool.give(this.#connection);
    }
    callback(error);
  }

  #finish(): void {
    if (this.destroyed) return;
    this.#confirmed = true;
    this.#data.tls.setTimeout(0);
    this.#data.raw.destroy();
    this.#pool.give(this.#connection);
    this.push(null);
  }

  /** The peer may be about to say why. */
  #brokeOff(cause: Error | undefined, done: Promise<void>): void {
    if (this.destroyed) return;
    const giveUp = () =>
      this.destroy(
        this.#connection.fail(cause ?? new Error('the data connection was closed before the end')),
      );
    const timer = setTimeout(giveUp, 1000);
    done.then(
      () => {
        clearTimeout(timer);
        giveUp();
      },
      () => clearTimeout(timer),
    );
  }
}
