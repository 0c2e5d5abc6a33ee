/**
 * One control connection to a storage server: basic-ftp over implicit mutual TLS, one task at a time, dead after the
 * first error. What basic-ftp does that we cannot use, and what is done instead:
 *
 * - it takes a line that is split over two TLS records for a whole reply: lines are joined first, and anything that is
 *   no reply of our protocol kills the connection;
 * - it refuses replies over 64 KiB: the limit is ours, because a member's knowledge can be longer;
 * - its data sockets cannot be reset: data connections are opened by data-connection.ts.
 */
import type { TLSSocket } from 'node:tls';
import { Client, FTPContext, FTPError, type FTPResponse } from 'basic-ftp';
import type { Endpoint } from '../config/settings-api.ts';
import { type Connection, SILENCE_MS } from './connection.ts';
import { MAX_REPLY_CHARACTERS, peerError } from './peer-errors.ts';
import { type TlsCredentials, tlsForClient } from './trust.ts';

const CONNECT_MS = 3_000;

export interface ConnectOptions {
  readonly endpoint: Endpoint;
  readonly credentials: TlsCredentials;
  /** Any other member that answers there is refused. */
  readonly expectMember?: string;
  /** Longest silence of a server that has something to answer; default 10 s. */
  readonly silenceMs?: number;
  /** Of the own storage server: its Unix socket, for commands; when nobody listens there, the endpoint is asked. */
  readonly socketPath?: string;
}

class LineContext extends FTPContext {
  protected override _onControlSocketData(chunk: string): void {
    const end = chunk.lastIndexOf('\n');
    if (end < 0) {
      this._partialResponse += chunk;
      this.#limit();
      return;
    }
    const lines = (this._partialResponse + chunk.slice(0, end)).split('\n');
    this._partialResponse = chunk.slice(end + 1);
    for (const line of lines) this.#take(line.endsWith('\r') ? line.slice(0, -1) : line);
    this.#limit();
  }

  #take(message: string): void {
    const code = /^[1-5]\d\d /.test(message) ? Number(message.slice(0, 3)) : null;
    if (code === null) {
      this.closeWithError(
        new Error(`this is no reply of a storage server: ${JSON.stringify(message.slice(0, 80))}`),
      );
      return;
    }
    const response: FTPResponse = { code, message };
    this._passToHandler(code >= 400 ? new FTPError(response) : response);
  }

  #limit(): void {
    if (this._partialResponse.length <= MAX_REPLY_CHARACTERS) return;
    this.closeWithError(new Error(`a reply of more than ${MAX_REPLY_CHARACTERS} characters`));
  }
}

class LineClient extends Client {
  override readonly ftp: FTPContext;

  constructor(silenceMs: number) {
    super(silenceMs);
    this.ftp = new LineContext(silenceMs);
  }
}

export class PeerConnection implements Connection {
  readonly endpoint: Endpoint;
  readonly #client: LineClient;
  readonly #credentials: TlsCredentials;
  uses = 0;
  silent = false;

  private constructor(client: LineClient, { endpoint, credentials }: ConnectOptions) {
    this.#client = client;
    this.endpoint = endpoint;
    this.#credentials = credentials;
  }

  /** @throws ReplicaUnreachable, ReplicaUntrusted */
  static async open(options: ConnectOptions): Promise<PeerConnection> {
    const { endpoint, credentials, expectMember } = options;
    const client = new LineClient(options.silenceMs ?? SILENCE_MS);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      client.close();
    }, CONNECT_MS);
    try {
      await client.connectImplicitTLS(endpoint.host, endpoint.port, tlsForClient(credentials, expectMember));
      client.ftp.socket.setNoDelay(true);
      await client.login(credentials.member, 'the certificate is the login');
      return new PeerConnection(client, options);
    } catch (error) {
      client.close();
      const cause = late ? new Error(`no answer within ${CONNECT_MS / 1000} s`, { cause: error }) : error;
      throw peerError(cause, endpoint, credentials);
    } finally {
      clearTimeout(timer);
    }
  }

  get closed(): boolean {
    return this.#client.closed;
  }

  get socket(): TLSSocket {
    return this.#client.ftp.socket as TLSSocket;
  }

  get context(): FTPContext {
    return this.#client.ftp;
  }

  async ask(line: string, onMark?: () => void, silenceMs?: number): Promise<string> {
    this.uses += 1;
    try {
      const answered = withoutStack(() =>
        this.#client.ftp.handle(line, (response, task) => {
          if (response instanceof Error) task.reject(response);
          else if (response.code >= 200) task.resolve(response);
          else if (response.code === 150) onMark?.();
        }),
      );
      if (silenceMs !== undefined) this.socket.setTimeout(silenceMs);
      const { message }: FTPResponse = await answered;
      return message.slice(4);
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** What to throw for an error met while using this connection; closes it unless the error is a refusal. */
  fail(error: unknown): Error {
    if (error instanceof Error && error.message.startsWith('Timeout')) this.silent = true;
    const known = peerError(error, this.endpoint, this.#credentials);
    if (known.name !== 'Refusal') this.close();
    return known;
  }

  close(): void {
    this.#client.close();
  }
}

/** basic-ftp writes down for every command where it was called from, which takes longer than sending it. */
function withoutStack<T>(action: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
