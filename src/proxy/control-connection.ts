/**
 * The socket side of a control connection: bytes in, lines out, replies back; plain or, after AUTH TLS, encrypted.
 *
 * Nothing that came in plain text survives the change to TLS (CVE-2011-0411): what the line reader and the telnet
 * filter hold is dropped, and what the kernel holds is TLS's, which takes it for a broken handshake.
 */
import type { Socket } from 'node:net';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { type Line, LineReader } from '../ftp/line-reader.ts';
import { linger } from '../ftp/linger.ts';
import { formatReply, type Reply } from '../ftp/reply.ts';
import { handshake, secureSocket } from '../ftp/secure-socket.ts';
import { TelnetFilter } from '../ftp/telnet.ts';

/**
 * Bytes of commands that may wait behind an upload. So many fit into the smallest receive buffer: the client's FIN is
 * here too if there is one. With more, it might be stuck on the other side.
 */
const MOST_AHEAD_BYTES = 64 * 1024;
/** How long a client that was told good-bye may take to hang up. */
const FAREWELL_MS = 3_000;

export interface ControlEvents {
  /** Bytes came; there may be lines. */
  readonly arrived: () => void;
  /** FIN. */
  readonly ended: () => void;
  readonly failed: (error: Error) => void;
  /** Once, at last. */
  readonly closed: () => void;
}

export class ControlConnection {
  readonly #events: ControlEvents;
  readonly #reader: LineReader;
  #telnet = new TelnetFilter();
  #socket: Socket;
  #closing = false;

  constructor(socket: Socket, longestLineBytes: number, events: ControlEvents) {
    this.#reader = new LineReader(longestLineBytes);
    this.#socket = socket;
    this.#events = events;
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** The next whole line, null when more must come. */
  nextLine(): Line | null {
    return this.#reader.next();
  }

  /** Reads on only when every line was taken: what a client can make us keep is bounded. */
  readOn(): void {
    if (!this.#reader.drained) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  /** The client leaves replies unread. */
  get congested(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Bytes of replies that the client has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(text: Reply): void {
    if (!this.#closing && this.#socket.writable) this.#socket.write(formatReply(text));
  }

  drained(): Promise<void> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  /** Reads what has arrived, until nothing more comes or `enough`. False when it is too much to see its end. */
  async lookAhead(enough: () => boolean): Promise<boolean> {
    for (;;) {
      const before = this.#socket.bytesRead;
      if (this.#socket.isPaused()) this.#socket.resume();
      // One turn for what has arrived, one for the events of a reset.
      await nextTick();
      await nextTick();
      if (this.#reader.waitingBytes > MOST_AHEAD_BYTES) return false;
      if (this.#socket.bytesRead === before || enough()) return true;
    }
  }

  /** From here on nothing but TLS is heard and said. @throws HandshakeFailed; the connection is cut then. */
  startTls(context: SecureContext, timeoutMs: number): Promise<void> {
    const plain = this.#socket;
    plain.off('data', this.#received);
    plain.off('end', this.#events.ended);
    plain.off('error', this.#events.failed);
    plain.off('close', this.#events.closed);
    plain.pause();
    this.#reader.clear();
    this.#telnet = new TelnetFilter();
    const socket = secureSocket(plain, context);
    this.#socket = socket;
    this.#listen(socket);
    return handshake(socket, timeoutMs);
  }

  /** Hears nothing more; sends what was said and a FIN. */
  close(): void {
    this.#closing = true;
    this.#reader.clear();
    this.#socket.end();
    linger(this.#socket, FAREWELL_MS);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#received);
    socket.once('end', this.#events.ended);
    socket.on('error', this.#events.failed);
    socket.once('close', this.#events.closed);
  }

  readonly #received = (chunk: Buffer): void => {
    if (this.#closing) return;
    const { bytes, answer: refusal } = this.#telnet.push(chunk);
    if (refusal !== null && !this.#socket.writableNeedDrain) this.#socket.write(refusal);
    this.#reader.push(bytes);
    this.#events.arrived();
  };
}
