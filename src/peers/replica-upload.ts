/** Bytes on their way into a peer's staging: STOR, at the pace of the socket. */
import type { ConnectionPool } from './connection-pool.ts';
import { type DataConnection, openDataConnection, reset } from './data-connection.ts';
import type { PeerConnection } from './peer-connection.ts';
import { ReplicaUnreachable, type ReplicaUpload } from './replica-client-api.ts';

/**
 * Resolves when the peer has said 150 and the data connection is up. The connection is the upload's until its end.
 * @throws Refusal, ReplicaUnreachable, ReplicaUntrusted
 */
export async function startUpload(
  pool: ConnectionPool<PeerConnection>,
  path: string,
  offset: number,
  begun?: () => void,
): Promise<ReplicaUpload> {
  return await pool.lend('transfer', async (connection) => {
    begun?.();
    if (offset > 0) await connection.ask(`REST ${offset}`);
    const data = await openDataConnection(connection);
    const upload = new SocketUpload(pool, connection, data, path);
    await upload.opened;
    return upload;
  });
}

class SocketUpload implements ReplicaUpload {
  readonly failed: Promise<never>;
  readonly opened: Promise<void>;
  readonly #pool: ConnectionPool<PeerConnection>;
  readonly #connection: PeerConnection;
  readonly #data: DataConnection;
  /** The 226, or what went wrong first. */
  readonly #stored: Promise<void>;
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  #state: 'sending' | 'ending' | 'over' = 'sending';
  #reject: (error: Error) => void = () => undefined;

  constructor(
    pool: ConnectionPool<PeerConnection>,
    connection: PeerConnection,
    data: DataConnection,
    path: string,
  ) {
    this.#pool = pool;
    this.#connection = connection;
    this.#data = data;
    const { tls } = data;
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    this.failed.catch(() => undefined); // nobody need listen
    const mark = Promise.withResolvers<void>();
    const secure = new Promise<void>((resolve) => tls.once('secureConnect', resolve));
    this.#stored = connection.ask(`STOR ${path}`, mark.resolve).then(
      () => {
        // Before we ended: the peer takes half of it for the whole.
        if (this.#state === 'sending') throw this.#fail(new Error('it ended the upload by itself'));
      },
      (error: unknown) => {
        throw this.#fail(error);
      },
    );
    this.#stored.catch(() => undefined);
    const broken = (cause?: Error) => {
      if (this.#state === 'sending') this.#brokeOff(cause);
    };
    tls.on('drain', () => {
      for (const { resolve } of this.#waiting) resolve();
      this.#waiting.clear();
    });
    tls.once('error', broken);
    tls.once('close', () => broken());
    // Nothing comes this way; but only a socket that is read notices its end.
    tls.resume();
    this.opened = Promise.race([Promise.all([mark.promise, secure]), this.failed]).then(() => undefined);
  }

  write(chunk: Uint8Array, done?: () => void): boolean {
    if (this.#state !== 'sending') {
      done?.();
      return false;
    }
    // Also called when the connection is cut.
    return this.#data.tls.write(chunk, done);
  }

  async drained(): Promise<void> {
    const { tls } = this.#data;
    if (this.#state !== 'sending') await this.failed;
    if (!tls.writableNeedDrain) return;
    // No race with `failed`: a promise that stays pending keeps every race it was ever in.
    const drained = Promise.withResolvers<void>();
    this.#waiting.add(drained);
    await drained.promise;
  }

  get queuedBytes(): number {
    return this.#data.tls.writableLength;
  }

  async end(): Promise<void> {
    if (this.#state !== 'sending') await this.failed;
    this.#state = 'ending';
    this.#data.tls.end();
    await this.#stored;
    this.#state = 'over';
    this.#data.raw.destroy();
    this.#pool.give(this.#connection);
  }

  abort(reason: string): void {
    if (this.#state === 'over') return;
    this.#fail(new ReplicaUnreachable(`the upload was given up: ${reason}`));
  }

  /** The data connection broke. The peer may be about to say why, and that is worth more than "reset". */
  #brokeOff(cause: Error | undefined): void {
    const timer = setTimeout(() => {
      this.#fail(cause ?? new Error('the data connection was closed'));
    }, 1000);
    this.#stored.catch(() => clearTimeout(timer));
  }

  /** Everything is over: what came stays in the peer's staging. Returns the error that the caller sees. */
  #fail(error: unknown): Error {
    const known = this.#connection.fail(error);
    this.#state = 'over';
    reset(this.#data);
    // A refusal may leave the control connection usable, but a half transfer does not: it is not worth the doubt.
    this.#connection.close();
    this.#pool.give(this.#connection);
    this.#reject(known);
    for (const { reject } of this.#waiting) reject(known);
    this.#waiting.clear();
    return known;
  }
}
