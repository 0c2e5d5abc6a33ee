/**
 * A connection of a member's own process to its own storage server: the same lines and replies as everywhere, through a
 * Unix socket in the member's state folder. Who may open that socket may read the network key as well, so TLS would prove
 * nothing more, and for a small file it costs more than the command. Commands only: bytes go through files.
 */
import { connect, type Socket } from 'node:net';
import { FTPError } from 'basic-ftp';
import type { Endpoint } from '../config/settings-api.ts';
import { type Connection, SILENCE_MS } from './connection.ts';
import { MAX_REPLY_CHARACTERS, peerError } from './peer-errors.ts';
import type { TlsCredentials } from './trust.ts';

export interface SocketOptions {
  readonly path: string;
  /** For messages. */
  readonly endpoint: Endpoint;
  readonly credentials: TlsCredentials;
  readonly silenceMs?: number;
}

/** Nobody listens there, and nothing was sent: the TLS port may be asked instead. */
export class NoSocket extends Error {
  override readonly name = 'NoSocket';
}

export class SocketConnection implements Connection {
  readonly #options: SocketOptions;
  readonly #socket: Socket;
  #partial = '';
  #asked: { readonly settled: PromiseWithResolvers<string>; readonly onMark?: () => void } | null = null;
  #failure: Error | null = null;
  uses = 0;
  silent = false;

  private constructor(socket: Socket, options: SocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#read(chunk));
    socket.on('error', (error) => this.#die(error));
    socket.on('end', () => this.#die(new Error('the storage server ended the connection')));
    socket.on('close', () => this.#die(new Error('the connection was closed')));
    socket.on('timeout', () => {
      this.silent = true;
      this.#die(new Error('the storage server is silent'));
    });
  }

  /** @throws NoSocket */
  static async open(options: SocketOptions): Promise<SocketConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ path: options.path });
    socket.once('connect', resolve).once('error', reject);
    try {
      await promise;
    } catch (error) {
      socket.destroy();
      throw new NoSocket(`${options.path}: nobody listens there`, { cause: error });
    }
    socket.off('error', reject);
    return new SocketConnection(socket, options);
  }

  get closed(): boolean {
    return this.#failure !== null;
  }

  async ask(line: string, onMark?: () => void, silenceMs?: number): Promise<string> {
    this.uses += 1;
    if (this.#failure !== null) throw this.#known(this.#failure);
    if (this.#asked !== null || /[\r\n\0]/.test(line)) throw new RangeError('one line at a time');
    const settled = Promise.withResolvers<string>();
    this.#asked = { settled, ...(onMark && { onMark }) };
    this.#socket.setTimeout(silenceMs ?? this.#options.silenceMs ?? SILENCE_MS);
    this.#socket.write(`${line}\r\n`);
    try {
      return await settled.promise;
    } catch (error) {
      const known = this.#known(error);
      if (known.name !== 'Refusal') this.close();
      throw known;
    } finally {
      this.#asked = null;
      this.#socket.setTimeout(0);
    }
  }

  #known(error: unknown): Error {
    const { endpoint, credentials } = this.#options;
    return peerError(error, endpoint, credentials);
  }

  #read(chunk: string): void {
    const lines = (this.#partial + chunk).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (this.#partial.length > MAX_REPLY_CHARACTERS) {
      this.#die(new Error(`a reply of more than ${MAX_REPLY_CHARACTERS} characters`));
    }
  }

  #take(message: string): void {
    const code = /^[1-5]\d\d /.test(message) ? Number(message.slice(0, 3)) : 0;
    // Unasked it says only that it goes.
    if (code === 0 || this.#asked === null) {
      this.#die(new Error(`this is no reply of a storage server: ${JSON.stringify(message.slice(0, 80))}`));
    } else if (code >= 400) this.#asked.settled.reject(new FTPError({ code, message }));
    else if (code >= 200) this.#asked.settled.resolve(message.slice(4));
    else if (code === 150) this.#asked.onMark?.();
  }

  #die(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#socket.destroy();
    this.#asked?.settled.reject(error);
  }

  close(): void {
    this.#die(new Error('this client was closed'));
  }
}
