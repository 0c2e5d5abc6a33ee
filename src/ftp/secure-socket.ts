/**
 * TLS on a socket that is there already, always in the role of the server (RFC 4217 section 7: on data connections too,
 * whoever connected). Whoever listened on the plain socket must have stopped: its bytes belong to TLS from here on.
 */
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { cutWithoutCloseNotify, WithoutFin } from './strict-close.ts';

/** The handshake failed, took too long, or the client left during it. */
export class HandshakeFailed extends Error {
  override readonly name = 'HandshakeFailed';
}

const plainSockets = new WeakMap<Socket, Socket>();

/** The socket below, the socket itself where there is no TLS. */
export function plainSocketOf(socket: Socket): Socket {
  return plainSockets.get(socket) ?? socket;
}

export interface SecureOptions {
  /** Bytes that may wait, each way. */
  readonly highWaterMark?: number;
  /** An end without close_notify is an error (strict-close.ts); costs copies. */
  readonly strictClose?: boolean;
}

/** Half-open as the plain one is. The handshake begins at once; `handshake` tells how it went. */
export function secureSocket(plain: Socket, context: SecureContext, options: SecureOptions = {}): TLSSocket {
  const { highWaterMark, strictClose = false } = options;
  // The type of the options does not know highWaterMark; TLSSocket hands it on to Duplex.
  const buffers = highWaterMark === undefined ? {} : { highWaterMark };
  const below = strictClose ? new WithoutFin(plain, highWaterMark) : plain;
  const socket = new TLSSocket(below, { isServer: true, secureContext: context, ...buffers });
  plainSockets.set(socket, plain);
  // Each is told of its end by its own 'close'.
  plain.on('error', () => undefined);
  below.on('error', () => undefined);
  if (below instanceof WithoutFin) cutWithoutCloseNotify(socket, below);
  return socket;
}

/**
 * Resolves when the handshake is done. When it is not done within `timeoutMs`, or the signal is given, the connection
 * is cut.
 * @throws HandshakeFailed, or the reason of the signal.
 */
export function handshake(socket: TLSSocket, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', given);
      socket.off('secure', secured);
      socket.off('error', failed);
      socket.off('close', closed);
      socket.off('end', closed);
    };
    const fail = (error: Error) => {
      finish();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const secured = () => {
      finish();
      resolve();
    };
    const failed = (error: Error) => fail(new HandshakeFailed(reasonOf(error), { cause: error }));
    const closed = () => fail(new HandshakeFailed('the connection ended'));
    const given = () => fail(signal?.reason as Error);
    const timer = setTimeout(() => fail(new HandshakeFailed('it took too long')), timeoutMs);
    socket.once('secure', secured);
    socket.once('error', failed);
    socket.once('close', closed);
    // A FIN in the middle of it is an end of what TLS can read, and neither an error nor a close.
    socket.once('end', closed);
    signal?.addEventListener('abort', given);
    if (signal?.aborted) given();
  });
}

/** OpenSSL's reason without thread numbers and source lines. */
function reasonOf(error: Error): string {
  const reason: unknown = 'reason' in error ? error.reason : undefined;
  return typeof reason === 'string' && reason !== '' ? reason : error.message;
}
