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
export async function startDownload(
  pool: ConnectionPool<PeerConnection>,
  path: string,
  offset: number,
): Promise<Readable> {
  return await pool.lend('transfer', async (connection) => {
    if (offset > 0) await connection.ask(`REST ${offset}`);
    const data = await openDataConnection(connection);
    // Listens before the RETR is sent: an empty file has ended before its 150 is heard.
    const stream = new DownloadStream(pool, connection, data);
    await stream.begin(path);
    return stream;
  });
}

class DownloadStream extends Readable {
  readonly #pool: ConnectionPool<PeerConnection>;
  readonly #connection: PeerConnection;
  readonly #data: DataConnection;
  #state: 'opening' | 'open' | 'over' = 'opening';
  /** How the data connection went: its FIN came, or it broke. */
  #dataEnd: 'none' | 'ended' | { readonly broken: Error } = 'none';
  /** The 226. */
  #done: Promise<void> = Promise.resolve();

  constructor(pool: ConnectionPool<PeerConnection>, connection: PeerConnection, data: DataConnection) {
    super({ highWaterMark: AHEAD_BYTES });
    this.#pool = pool;
    this.#connection = connection;
    this.#data = data;
    const { tls } = data;
    tls.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) tls.pause();
    });
    tls.once('end', () => this.#dataIs('ended'));
    tls.once('error', (error) => this.#dataIs({ broken: error }));
    tls.once('close', () => {
      this.#dataIs({ broken: new Error('the data connection was closed before the end') });
    });
    tls.setTimeout(STALL_MS, () => {
      if (!tls.isPaused()) this.destroy(connection.fail(new Error(`no byte for ${STALL_MS / 1000} s`)));
    });
  }

  /** Resolves with the 150. @throws Refusal: the control connection lives on. */
  async begin(path: string): Promise<void> {
    const mark = Promise.withResolvers<void>();
    this.#done = this.#connection.ask(`RETR ${path}`, mark.resolve).then(() => undefined);
    try {
      await Promise.race([mark.promise, this.#done]);
    } catch (error) {
      this.#state = 'over';
      reset(this.#data);
      this.destroy();
      throw error;
    }
    this.#state = 'open';
    this.#done.catch((error: Error) => this.destroy(error));
    this.#settle();
  }

  override _read(): void {
    this.#data.tls.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.#state !== 'over') {
      // The peer may still be sending: this connection has no clear state any more.
      this.#state = 'over';
      reset(this.#data);
      this.#connection.close();
      this.#pool.give(this.#connection);
    }
    callback(error);
  }

  #dataIs(end: 'ended' | { readonly broken: Error }): void {
    if (this.#dataEnd !== 'none') return;
    this.#dataEnd = end;
    this.#settle();
  }

  /** Both connections have their say: bytes count only when the data connection ended well and the 226 came. */
  #settle(): void {
    if (this.#state !== 'open' || this.#dataEnd === 'none') return;
    const end = this.#dataEnd;
    if (end === 'ended') {
      this.#done.then(
        () => this.#finish(),
        () => undefined,
      );
      return;
    }
    // The peer may be about to say why, and that is worth more than "reset".
    const giveUp = () => this.destroy(this.#connection.fail(end.broken));
    const timer = setTimeout(giveUp, 1000);
    this.#done.then(giveUp, () => undefined).finally(() => clearTimeout(timer));
  }

  #finish(): void {
    if (this.#state !== 'open') return;
    this.#state = 'over';
    this.#data.tls.setTimeout(0);
    this.#data.raw.destroy();
    this.#pool.give(this.#connection);
    this.push(null);
  }
}
