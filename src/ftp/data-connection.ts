/**
 * Data connections (RFC 959 section 3.2). Passive: a listener for one connection from one address, on a random port of
 * the range (a predictable one can be stolen, RFC 2577 section 3). A stranger is dropped and the listener stays.
 */
import { randomInt } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { normaliseAddress } from './address.ts';

/** 425. */
export class NoDataConnection extends Error {
  override readonly name = 'NoDataConnection';
}

/** The client has not said where it is to come from. */
export class NothingPrepared extends NoDataConnection {}

/** All ports of the range are taken at the moment. */
export class NoPortFree extends NoDataConnection {}

/** Bytes that may wait in a data socket, each way. */
export const SOCKET_BUFFER_BYTES = 512 * 1024;

export interface PassiveOptions {
  /** Where the client reached us; the listener is there and nowhere else. */
  readonly localAddress: string;
  readonly clientAddress: string;
  /** 0-0: any free port. */
  readonly ports: { readonly from: number; readonly to: number };
  /** How long to listen for the client, and how long its connection then waits for a command. */
  readonly lifetimeMs: number;
  /** Told of the first one only, so that strangers cannot fill a log. */
  readonly onStranger: (address: string) => void;
}

type PassiveState =
  | { readonly kind: 'listening' }
  | { readonly kind: 'connected'; readonly socket: Socket }
  | {
      readonly kind: 'waited-for';
      readonly take: (socket: Socket) => void;
      readonly fail: (error: Error) => void;
    }
  | { readonly kind: 'over' };

export class PassiveListener {
  readonly port: number;
  readonly #server: Server;
  readonly #timer: NodeJS.Timeout;
  #state: PassiveState = { kind: 'listening' };
  #strangers = 0;

  private constructor(server: Server, port: number, options: PassiveOptions) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket: Socket) => this.#arrived(socket, options));
    server.on('error', (error) => this.#end(new NoDataConnection('The listener failed.', { cause: error })));
    this.#timer = setTimeout(() => {
      if (this.#state.kind === 'listening' || this.#state.kind === 'connected') this.close();
    }, options.lifetimeMs);
  }

  /** @throws NoPortFree; NoDataConnection when it cannot listen at all. */
  static async open(options: PassiveOptions): Promise<PassiveListener> {
    const { from, to } = options.ports;
    const count = to - from + 1;
    const first = randomInt(count);
    for (let step = 0; step < count; step += 1) {
      const server = createServer({
        allowHalfOpen: true,
        pauseOnConnect: true,
        highWaterMark: SOCKET_BUFFER_BYTES,
      });
      const port = await listen(server, options.localAddress, from + ((first + step) % count));
      if (port !== null) return new PassiveListener(server, port, options);
    }
    throw new NoPortFree('No passive port is free; try again.');
  }

  #arrived(socket: Socket, options: PassiveOptions): void {
    const address = normaliseAddress(socket.remoteAddress);
    const state = this.#state;
    if (address !== options.clientAddress || state.kind === 'connected' || state.kind === 'over') {
      socket.on('error', () => undefined);
      socket.destroy();
      if (address === options.clientAddress) return;
      this.#strangers += 1;
      if (this.#strangers === 1) options.onStranger(address);
      return;
    }
    this.#server.close();
    // Until the transfer listens itself: a reset must not be an uncaught error.
    socket.on('error', () => undefined);
    if (state.kind === 'waited-for') {
      clearTimeout(this.#timer);
      this.#state = { kind: 'over' };
      state.take(socket);
    } else {
      // Who connects and never says what for keeps the socket no longer than the port.
      this.#timer.refresh();
      this.#state = { kind: 'connected', socket };
    }
  }

  /** The connection, which may have come long ago. Paused; half-open allowed. @throws NoDataConnection */
  accept(signal: AbortSignal, timeoutMs: number): Promise<Socket> {
    const state = this.#state;
    if (state.kind === 'connected') {
      clearTimeout(this.#timer);
      this.#state = { kind: 'over' };
      return Promise.resolve(state.socket);
    }
    if (state.kind !== 'listening')
      return Promise.reject(new NoDataConnection('Use PASV, EPSV or PORT first.'));
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', given);
      };
      const timer = setTimeout(() => this.#end(new NoDataConnection('No data connection came.')), timeoutMs);
      const given = () => this.#end(signal.reason as Error);
      this.#state = {
        kind: 'waited-for',
        take: (socket) => {
          finish();
          resolve(socket);
        },
        fail: (error) => {
          finish();
          reject(error);
        },
      };
      signal.addEventListener('abort', given);
      if (signal.aborted) given();
    });
  }

  /** Nobody has connected, and no transfer waits for that. */
  get isIdle(): boolean {
    return this.#state.kind === 'listening';
  }

  close(): void {
    this.#end(new NoDataConnection('The data connection was given up.'));
  }

  #end(error: Error): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    this.#stopListening();
    if (state.kind === 'connected') state.socket.destroy();
    if (state.kind === 'waited-for') state.fail(error);
  }

  #stopListening(): void {
    clearTimeout(this.#timer);
    this.#server.close();
  }
}

/** The port, null when it is taken. */
function listen(server: Server, host: string, port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(new NoDataConnection('Cannot listen for a data connection.', { cause: error }));
    });
    server.listen({ host, port, exclusive: true, backlog: 4 }, () => {
      server.removeAllListeners('error');
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

export interface ActiveOptions {
  /** The address the client knows us by: its firewall expects the connection from there. */
  readonly localAddress: string;
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** @throws NoDataConnection, or the reason of the signal. */
export function connectActive(options: ActiveOptions, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, localAddress } = options;
    // The type of connect's argument does not know highWaterMark; Socket hands it on to Duplex.
    const half = { allowHalfOpen: true, highWaterMark: SOCKET_BUFFER_BYTES };
    const socket = connect({ host, port, localAddress, ...half });
    socket.pause();
    const fail = (error: Error) => {
      finish();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const given = () => fail(signal.reason as Error);
    const refused = (error: Error) =>
      fail(new NoDataConnection('Cannot connect to your port.', { cause: error }));
    const timer = setTimeout(() => refused(new Error('timeout')), options.timeoutMs);
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', given);
      socket.off('error', refused);
    };
    socket.once('error', refused);
    socket.once('connect', () => {
      finish();
      socket.on('error', () => undefined);
      resolve(socket);
    });
    signal.addEventListener('abort', given);
    if (signal.aborted) given();
  });
}
