/** Lines to a peer and streams from it, with everything that can go wrong as an error that callers know. */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Endpoint } from '../config/settings-api.ts';
import type { Connection } from './connection.ts';
import { ConnectionPool, type Purpose } from './connection-pool.ts';
import { type ConnectOptions, PeerConnection } from './peer-connection.ts';
import { peerError } from './peer-errors.ts';
import { MAX_LINE_BYTES } from './protocol.ts';
import type { ReplicaUpload } from './replica-client-api.ts';
import { startDownload } from './replica-download.ts';
import { startUpload } from './replica-upload.ts';
import { NoSocket, SocketConnection } from './socket-connection.ts';
import { encodeJson, readLines, WireError } from './wire.ts';

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly silenceMs?: number | undefined;
  /** Default: command. For what waits at the server, and must not keep short commands waiting. */
  readonly purpose?: Purpose;
}

export class PeerLink {
  readonly endpoint: Endpoint;
  readonly #options: ConnectOptions;
  readonly #pool: ConnectionPool<PeerConnection>;
  /** For short commands to the own storage server. */
  readonly #near: ConnectionPool<SocketConnection> | null;

  constructor(options: ConnectOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#pool = new ConnectionPool(() => PeerConnection.open(options));
    const { socketPath: path } = options;
    this.#near =
      path === undefined ? null : new ConnectionPool(() => SocketConnection.open({ ...options, path }));
  }

  /** `SITE <verb>` on any connection. The text of the reply goes through `parse`, which throws WireError for garbage. */
  async site<T>(verb: string, request: object, parse: (text: string) => T, how: AskOptions = {}): Promise<T> {
    return await this.command(siteLine(verb, request), parse, how);
  }

  async command<T>(line: string, parse: (text: string) => T, how: AskOptions = {}): Promise<T> {
    const { purpose = 'command' } = how;
    const task = (connection: Connection): Promise<T> => this.ask(connection, line, parse, how);
    if (this.#near !== null && purpose === 'command') {
      try {
        return await this.#near.use(purpose, task);
      } catch (error) {
        if (!(error instanceof NoSocket)) throw error;
      }
    }
    return await this.#pool.use(purpose, task);
  }

  /** A connection for one purpose, to be left with `leave`. */
  async open(): Promise<PeerConnection> {
    return await this.#pool.open();
  }

  leave(connection: PeerConnection): void {
    this.#pool.leave(connection);
  }

  /** An aborted signal closes the connection and rejects with its reason. */
  async ask<T>(
    connection: Connection,
    line: string,
    parse: (text: string) => T,
    { signal, silenceMs }: AskOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const onAbort = () => connection.close();
    signal?.addEventListener('abort', onAbort);
    try {
      return parse(await connection.ask(line, undefined, silenceMs));
    } catch (error) {
      signal?.throwIfAborted();
      // Garbage kills the connection: nothing that follows on it can be trusted to belong to what is asked.
      if (error instanceof WireError) connection.close();
      throw this.garbage(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async upload(id: string, offset: number, begun?: () => void): Promise<ReplicaUpload> {
    return await startUpload(this.#pool, `/staging/${id}`, offset, begun);
  }

  /** `over` ends it, also when it comes too late. */
  async download(path: string, offset = 0, over?: AbortSignal): Promise<Readable> {
    const stream = await startDownload(this.#pool, path, offset);
    if (over === undefined) return stream;
    const end = () => void stream.destroy();
    over.addEventListener('abort', end);
    stream.once('close', () => over.removeEventListener('abort', end));
    if (over.aborted) end();
    return stream;
  }

  /** Each line of an NDJSON stream. Leaving early closes its connection. */
  async *lines<T>(
    stream: Readable,
    parse: (line: string) => T,
    lines: AsyncIterable<string> = readLines(stream),
  ): AsyncGenerator<T, void> {
    try {
      for await (const line of lines) yield parse(line);
    } catch (error) {
      throw this.garbage(error);
    } finally {
      stream.destroy();
    }
  }

  /** All lines of a file that the peer has prepared. */
  async all<T>(path: string, parse: (line: string) => T): Promise<T[]> {
    const all: T[] = [];
    for await (const item of this.lines(await this.download(path), parse)) all.push(item);
    return all;
  }

  /** Bytes into the peer's staging; returns their id. */
  async stage(bytes: Buffer, id = `up-${randomBytes(12).toString('hex')}`): Promise<string> {
    const upload = await this.upload(id, 0);
    try {
      upload.write(bytes);
      await upload.end();
    } catch (error) {
      upload.abort('it could not be sent');
      throw error;
    }
    return id;
  }

  /** What is left over, the peer drops after a day anyway. */
  async drop(ids: readonly string[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => this.command(`DELE /staging/${id}`, () => undefined)));
  }

  /** A WireError as ReplicaUnreachable that names the peer; other errors by peer-errors.ts. */
  garbage(error: unknown): Error {
    const { credentials } = this.#options;
    if (!(error instanceof WireError)) return peerError(error, this.endpoint, credentials);
    const cause = new Error(`it answered garbage: ${error.message}`, { cause: error });
    return peerError(cause, this.endpoint, credentials);
  }

  close(): void {
    this.#near?.close();
    this.#pool.close();
  }
}

/** @throws RangeError: what may be long must be staged (request-size.ts). */
export function siteLine(verb: string, request: object): string {
  const line = `SITE ${verb} ${encodeJson(request)}`;
  if (line.length > MAX_LINE_BYTES) throw new RangeError(`a ${verb} of ${line.length} bytes`);
  return line;
}
