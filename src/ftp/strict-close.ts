/**
 * `--strict-tls-close`: an end of stream that counts only with TLS's own signature under it (close_notify, RFC 8446
 * section 6.1). Node ends a TLSSocket in the same way for a close_notify and for a bare FIN, which anybody on the way
 * can send. So TLS stands on a stream that keeps the FIN to itself; if TLS has not ended by itself when all bytes are
 * through, the connection is cut.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

/** Between two looks whether all bytes that came before the FIN are through. */
const LOOK_MS = 20;

export class WithoutFin extends Duplex {
  readonly #plain: Socket;
  #finSeen = false;

  constructor(plain: Socket, highWaterMark = 64 * 1024) {
    super({ allowHalfOpen: true, highWaterMark });
    this.#plain = plain;
    plain.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) plain.pause();
    });
    plain.once('end', () => {
      this.#finSeen = true;
    });
    plain.on('error', (error) => this.destroy(error));
    plain.once('close', () => this.destroy());
  }

  get finSeen(): boolean {
    return this.#finSeen;
  }

  override _read(): void {
    this.#plain.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#plain.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#plain.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#plain.destroy();
    done(error);
  }
}

/** Cuts the connection when the FIN came and TLS has nothing more and did not end. */
export function cutWithoutCloseNotify(socket: TLSSocket, below: WithoutFin): void {
  let quiet = 0;
  const look = () => {
    const through = below.finSeen && below.readableLength + socket.readableLength === 0;
    quiet = through && !socket.isPaused() ? quiet + 1 : 0;
    // Twice: what is between the two streams arrives within a turn.
    if (quiet === 2) socket.destroy(new Error('The connection ended without the close_notify of TLS.'));
  };
  const timer = setInterval(look, LOOK_MS);
  const stop = () => clearInterval(timer);
  socket.once('end', stop);
  socket.once('close', stop);
}
