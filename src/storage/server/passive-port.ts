/**
 * The data port of one control connection (RFC 2428, EPSV). Invariants:
 * - at most one listener; closed by the next EPSV, by the first connection that is who it should be, when the control
 *   connection ends and after 30 s. ftp-srv leaves one behind for each EPSV until about a hundred exhaust the range;
 * - a connection from another address, without our certificate or of another member is dropped, and the port goes on
 *   waiting: what a stranger does never ends a session;
 * - whoever waits is woken by the event (ftp-srv polls every 50 ms).
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PortRange } from '../../config/settings-api.ts';
import { normaliseAddress } from '../../ftp/address.ts';
import type { DataConnection } from '../../peers/data-connection.ts';
import { systemCodeOf } from '../../system/exit-status.ts';
import type { Logger } from '../../system/logger-api.ts';
import type { DataHandshakes } from './data-handshakes.ts';
import { DataConnectionFailed } from './server-answer.ts';

export interface PassivePortOptions {
  readonly range: PortRange;
  readonly handshakes: DataHandshakes;
  /** The control connection's own end, and the peer's. */
  readonly localAddress: string;
  readonly peerAddress: string;
  readonly member: string;
  readonly logger: Logger;
}

const LISTEN_MS = 30_000;
const MAX_HANDSHAKES = 4;
const MAX_TRIES = 64;

export class PassivePort {
  readonly #options: PassivePortOptions;
  #listener: Server | null = null;
  #expiry: NodeJS.Timeout | undefined;
  #arrival: PromiseWithResolvers<DataConnection> | null = null;
  #arrived: DataConnection | null = null;

  constructor(options: PassivePortOptions) {
    this.#options = options;
  }

  /** Opens a new listener and returns its port; the one before and its connection are gone. */
  async open(): Promise<number> {
    this.close('another EPSV followed');
    const arrival = Promise.withResolvers<DataConnection>();
    arrival.promise.catch(() => undefined); // nobody may be waiting
    this.#arrival = arrival;
    const listener = createServer({ noDelay: true }, (raw) => void this.#take(raw, arrival));
    // Set before the first await, so that an end of the control connection meanwhile finds it.
    this.#listener = listener;
    this.#expiry = setTimeout(() => this.close('nobody came for 30 s'), LISTEN_MS);
    const port = await this.#listen(listener);
    listener.on('error', (error) => this.close(error.message));
    if (this.#listener !== listener) {
      listener.close();
      throw new DataConnectionFailed(425, 'The control connection has ended.');
    }
    return port;
  }

  /** The data connection of the last EPSV, handed over: the caller closes it. @throws DataConnectionFailed 425 */
  async claim(timeoutMs: number): Promise<DataConnection> {
    const arrival = this.#arrival;
    if (arrival === null) throw new DataConnectionFailed(425, 'Send EPSV first.');
    const timer = setTimeout(() => this.close('no data connection came'), timeoutMs);
    try {
      const connection = await arrival.promise;
      if (this.#arrived === connection) this.#arrived = null;
      if (this.#arrival === arrival) this.#arrival = null;
      return connection;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Listener and unclaimed connection. */
  close(why: string): void {
    clearTimeout(this.#expiry);
    this.#listener?.close();
    this.#listener = null;
    this.#arrived?.raw.destroy();
    this.#arrived = null;
    this.#arrival?.reject(new DataConnectionFailed(425, `No data connection: ${why}.`));
    this.#arrival = null;
  }

  async #take(raw: Socket, arrival: PromiseWithResolvers<DataConnection>): Promise<void> {
    const { handshakes, peerAddress, member, logger } = this.#options;
    raw.on('error', (error) => logger.debug('a data connection broke', { error }));
    const from = normaliseAddress(raw.remoteAddress);
    if (from !== peerAddress || this.#arrival !== arrival || this.#arrived !== null) {
      logger.debug('a data connection of somebody else was dropped', { from });
      raw.destroy();
      return;
    }
    let tls: TLSSocket;
    try {
      tls = await handshakes.accept(raw);
    } catch (error) {
      logger.debug('a data connection failed its handshake', { from, error });
      raw.destroy();
      return;
    }
    tls.on('error', (error) => logger.debug('a data connection broke', { error }));
    const name = tls.getPeerCertificate().subject?.CN;
    if (name !== member || this.#arrival !== arrival || this.#arrived !== null) {
      logger.warn('a data connection of another member was dropped', { from, member: name });
      raw.destroy();
      return;
    }
    clearTimeout(this.#expiry);
    this.#listener?.close();
    this.#listener = null;
    this.#arrived = { tls, raw };
    arrival.resolve(this.#arrived);
  }

  /** Random ports of the range, so that the next one cannot be guessed; then the rest of it in order. */
  async #listen(listener: Server): Promise<number> {
    const { range, localAddress } = this.#options;
    const count = range.to - range.from + 1;
    const first = Math.floor(Math.random() * count);
    listener.maxConnections = MAX_HANDSHAKES;
    for (let tried = 0; tried < Math.min(count, MAX_TRIES); tried += 1) {
      const port = range.from + ((first + tried) % count);
      try {
        await new Promise<void>((resolve, reject) => {
          listener.once('error', reject);
          listener.listen({ host: localAddress, port, exclusive: true }, () => {
            listener.off('error', reject);
            resolve();
          });
        });
        const address = listener.address();
        return typeof address === 'object' && address !== null ? address.port : port;
      } catch (error) {
        listener.removeAllListeners('error');
        if (systemCodeOf(error) !== 'EADDRINUSE') throw error;
      }
    }
    this.close('no free port');
    throw new DataConnectionFailed(425, `No free port in ${range.from}-${range.to}.`);
  }
}
