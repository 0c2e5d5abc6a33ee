/**
 * Mutual TLS for data connections. One tls.Server that never listens takes every accepted socket, so that key and
 * certificate are parsed once, and sessions of control connections are resumed on data connections (same ticket keys).
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';

export class DataHandshakes {
  readonly #server: Server;
  /** By the addresses of the connection, which are all that the two sockets visibly share. */
  readonly #waiting = new Map<string, (socket: TLSSocket) => void>();

  constructor(options: TlsOptions) {
    this.#server = createServer(options, (socket) => {
      const take = this.#waiting.get(keyOf(socket));
      if (take === undefined) socket.destroy();
      else take(socket);
    });
    // The raw socket closes with it, which rejects the promise below.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Rejects when the connection closes before the peer has proved who it is; limited by `handshakeTimeout`. */
  accept(raw: Socket): Promise<TLSSocket> {
    const key = keyOf(raw);
    return new Promise<TLSSocket>((resolve, reject) => {
      const fail = () => {
        this.#waiting.delete(key);
        reject(new Error('the TLS handshake of a data connection failed'));
      };
      raw.once('close', fail);
      raw.once('error', fail);
      this.#waiting.set(key, (socket) => {
        this.#waiting.delete(key);
        raw.off('close', fail);
        resolve(socket);
      });
      this.#server.emit('connection', raw);
    });
  }
}

function keyOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}
