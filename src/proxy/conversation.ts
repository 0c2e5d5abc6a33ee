/**
 * One control connection: lines in, replies out, in order.
 *
 * Invariants
 * - One command runs at a time; those that came behind it wait in the queue, at most MOST_WAITING of them, and then
 *   the socket is not read: what a client can make us keep is bounded.
 * - While a transfer runs, ABOR goes ahead of the queue; NOOP and STAT are answered at once if nothing waits.
 * - The next command is not begun while the client leaves replies unread.
 * - `ended` is called once, when nothing of the session runs any more.
 */
import type { Socket } from 'node:net';
import { setImmediate as nextTick } from 'node:timers/promises';
import { normaliseAddress } from '../ftp/address.ts';
import { LineReader } from '../ftp/line-reader.ts';
import { linger } from '../ftp/linger.ts';
import { formatReply, lastReply, type Reply, reply } from '../ftp/reply.ts';
import { TelnetFilter } from '../ftp/telnet.ts';
import { answer, type Request, understand } from './dispatch.ts';
import type { ProxyServices } from './options.ts';
import { Session } from './session.ts';
import type { TransferKind } from './transfer.ts';

const MOST_WAITING = 32;
/**
 * Bytes of commands that may wait behind an upload. So many fit into the smallest receive buffer: the client's FIN is
 * here too if there is one. With more, it might be stuck on the other side.
 */
const MOST_AHEAD_BYTES = 64 * 1024;
/** How long a client that was told good-bye may take to hang up. */
const FAREWELL_MS = 3_000;

const SHUTDOWN: Reply = lastReply(421, 'This member is shutting down; try another one.');

export class Conversation {
  readonly session: Session;
  readonly #socket: Socket;
  readonly #telnet = new TelnetFilter();
  readonly #reader = new LineReader();
  readonly #queue: Request[] = [];
  readonly #idleTimer: NodeJS.Timeout;
  readonly #loginTimer: NodeJS.Timeout;
  readonly #ended: () => void;
  #connection: 'open' | 'closing' | 'closed' = 'open';
  #worker: 'waiting' | 'working' = 'waiting';
  /** Said behind the reply of the running command. */
  #farewell: Reply | null = null;

  constructor(socket: Socket, services: ProxyServices, ended: () => void) {
    this.#socket = socket;
    this.#ended = ended;
    const [client, local] = [socket.remoteAddress, socket.localAddress].map(normaliseAddress);
    const addresses = { client: client ?? '', local: local ?? '' };
    this.session = new Session(services, addresses, {
      send: (text: Reply) => this.#send(text),
      drained: () => this.#drained(),
      lookAhead: () => this.#lookAhead(),
    });
    this.#idleTimer = setTimeout(() => this.#idle(), services.idleTimeoutSeconds * 1000);
    this.#loginTimer = setTimeout(() => this.#loginOverdue(), services.limits.loginMs);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.once('end', () => this.#clientEnded());
    socket.on('error', (error) =>
      this.session.logger.debug('control connection failed', { why: error.message }),
    );
    socket.once('close', () => this.#gone());
    this.#send(reply(220, `Cloudroid on ${services.name}.`));
  }

  /** Says 421 now, or behind the reply of the command that runs. */
  shutDown(): void {
    this.#closeSoon(SHUTDOWN);
  }

  /** Gives a running transfer up; the client is told. */
  abortTransfer(): void {
    this.session.transfer?.abort('This member is shutting down; nothing was changed.');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#connection !== 'open') return;
    this.#idleTimer.refresh();
    const { bytes, answer: refusal } = this.#telnet.push(chunk);
    if (refusal !== null && !this.#socket.writableNeedDrain) this.#socket.write(refusal);
    this.#reader.push(bytes);
    this.#takeLines();
    if (this.#worker === 'waiting') void this.#work();
  }

  #takeLines(): void {
    while (this.#queue.length < MOST_WAITING) {
      const line = this.#reader.next();
      if (line === null) break;
      this.#take(understand(line));
    }
    if (!this.#reader.drained) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #take(request: Request): void {
    const { transfer } = this.session;
    const during = request.kind === 'run' ? request.definition.duringTransfer : undefined;
    if (transfer === null || request.kind !== 'run' || during === undefined) {
      this.#queue.push(request);
    } else if (during === 'urgent') {
      this.#abort(request);
    } else if (
      (during === 'always' || request.argument.trim() === '') &&
      this.#queue.length === 0 &&
      !this.#socket.writableNeedDrain
    ) {
      void answer(this.session, request).then((text) => this.#send(text));
    } else {
      this.#queue.push(request);
    }
  }

  /** Works the queue off. Never rejects. */
  async #work(): Promise<void> {
    this.#worker = 'working';
    while (this.#connection === 'open') {
      const request = this.#queue.shift();
      if (request === undefined) break;
      const loggedIn = this.session.user !== null;
      const answering = answer(this.session, request);
      this.#abortIfAsked();
      const text = await answering;
      if (loggedIn && this.session.user === null) this.#loginTimer.refresh();
      this.#idleTimer.refresh();
      if (text.closes) {
        this.#close(text);
      } else {
        this.#send(text);
        await this.#drained();
        if (this.#farewell !== null) this.#close(this.#farewell);
        if (this.#connection === 'open') this.#takeLines();
      }
    }
    this.#worker = 'waiting';
    if (this.#connection === 'closed') this.#finish();
    else if (this.session.presence !== 'here') this.#close(null);
  }

  /** Gives the transfer up and answers ABOR before everything else that waits. */
  #abort(request: Request): void {
    if (this.session.transfer?.abort('Aborted; nothing was changed.')) this.session.abortPending = true;
    this.#queue.unshift(request);
  }

  /** An ABOR that came with or before the beginning of the transfer waits in the queue. */
  #abortIfAsked(): void {
    if (this.session.transfer === null) return;
    const at = this.#queue.findIndex(
      (waiting) => waiting.kind === 'run' && waiting.definition.duringTransfer === 'urgent',
    );
    const [request] = at < 0 ? [] : this.#queue.splice(at, 1);
    if (request !== undefined) this.#abort(request);
  }

  #send(text: Reply): void {
    if (this.#connection === 'open' && this.#socket.writable) this.#socket.write(formatReply(text));
  }

  #drained(): Promise<void> {
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

  async #lookAhead(): Promise<boolean> {
    for (;;) {
      const before = this.#socket.bytesRead;
      if (this.#socket.isPaused()) this.#socket.resume();
      // One turn for what has arrived, one for the events of a reset.
      await nextTick();
      await nextTick();
      if (this.#reader.waitingBytes > MOST_AHEAD_BYTES) return false;
      if (this.#socket.bytesRead === before || this.session.presence !== 'here') return true;
    }
  }

  /** FIN: nothing more will be said. What was said is still answered; an upload counts as broken off unless QUIT was said. */
  #clientEnded(): void {
    const quits = this.#queue.some((request) => request.kind === 'run' && request.definition.name === 'QUIT');
    this.session.presence = quits ? 'leaving' : 'ended';
    if (!quits) this.#abandonTransfer('upload');
    if (this.#worker === 'waiting' && this.#connection === 'open') this.#close(null);
  }

  #gone(): void {
    this.#connection = 'closed';
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#loginTimer);
    if (this.session.presence !== 'leaving') {
      this.session.presence = 'gone';
      this.#abandonTransfer('upload', 'download', 'listing');
    }
    if (this.#worker === 'waiting') this.#finish();
  }

  #abandonTransfer(...kinds: readonly TransferKind[]): void {
    const { transfer, services } = this.session;
    if (transfer === null || !kinds.includes(transfer.kind)) return;
    if (transfer.kind === 'upload' && services.acceptAbruptClose) return;
    transfer.abort('The control connection ended.');
  }

  #finish(): void {
    this.session.data.close();
    this.#ended();
  }

  #idle(): void {
    if (this.#worker === 'waiting') this.#close(lastReply(421, 'Nothing was said for too long; good-bye.'));
    else if (this.session.transfer === null && this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#idleTimer.refresh();
  }

  #loginOverdue(): void {
    if (this.session.user === null) this.#closeSoon(lastReply(421, 'Nobody logged in in time; good-bye.'));
  }

  #closeSoon(text: Reply): void {
    if (this.#worker === 'waiting') this.#close(text);
    else this.#farewell = text;
  }

  #close(text: Reply | null): void {
    if (this.#connection !== 'open') return;
    if (text !== null) this.#send(text);
    this.#connection = 'closing';
    this.#queue.length = 0;
    this.#reader.clear();
    this.session.data.close();
    this.#socket.end();
    linger(this.#socket, FAREWELL_MS);
  }
}
