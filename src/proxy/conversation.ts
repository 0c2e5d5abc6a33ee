/**
 * One client: its lines become commands, run in order (control-connection.ts has the socket).
 *
 * Invariants
 * - One command runs at a time; those that came behind it wait in the queue, at most --max-queued-commands, and then
 *   the socket is not read: what a client can make us keep is bounded.
 * - While a transfer runs, ABOR goes ahead of the queue; NOOP and STAT are answered at once if nothing waits.
 * - The next command is not begun while the client leaves replies unread.
 * - `ended` is called once, when nothing of the session runs any more.
 */
import type { Socket } from 'node:net';
import { isSameLogin } from '../accounts/account.ts';
import { normaliseAddress } from '../ftp/address.ts';
import { lastReply, type Reply, reply } from '../ftp/reply.ts';
import { ControlConnection } from './control-connection.ts';
import { answer, type Request, understand } from './dispatch.ts';
import type { ProxyServices } from './options.ts';
import { Session } from './session.ts';
import type { TransferKind } from './transfers/transfer.ts';

const ACCOUNT_CHANGED = lastReply(421, 'Your account was changed; log in again.');
export class Conversation {
  readonly session: Session;
  readonly #control: ControlConnection;
  readonly #queue: Request[] = [];
  readonly #idleTimer: NodeJS.Timeout;
  readonly #loginTimer: NodeJS.Timeout;
  readonly #ended: () => void;
  #connection: 'open' | 'closing' | 'closed' = 'open';
  #worker: 'waiting' | 'working' = 'waiting';
  /** Said behind the reply of the running command. */
  #farewell: Reply | null = null;

  /** `tls`: at once (implicit) or when the client asks for it. */
  constructor(socket: Socket, services: ProxyServices, tls: 'at-once' | 'on-demand', ended: () => void) {
    this.#ended = ended;
    const [client, local] = [socket.remoteAddress, socket.localAddress].map(normaliseAddress);
    const addresses = { client: client ?? '', local: local ?? '' };
    this.session = new Session(services, addresses, {
      send: (text: Reply) => this.#send(text),
      drained: () => this.#control.drained(),
      lookAhead: () => this.#control.lookAhead(() => this.session.presence !== 'here'),
    });
    this.#idleTimer = setTimeout(() => this.#idle(), services.idleTimeoutSeconds * 1000);
    this.#loginTimer = setTimeout(() => this.#loginOverdue(), services.limits.loginMs);
    this.#control = new ControlConnection(socket, services.maxLineBytes, {
      arrived: () => this.#arrived(),
      ended: () => this.#clientEnded(),
      failed: (error) => this.session.logger.debug('control connection failed', { why: error.message }),
      closed: () => this.#gone(),
    });
    void this.#greet(tls);
  }

  /** Says it (421) now, or behind the reply of the command that runs. */
  dismiss(text: Reply): void {
    this.#closeSoon(text);
  }

  /** Whose account is gone or has another password is sent away; other changes count from the next command on. */
  accountsChanged(): void {
    const { account } = this.session;
    if (account === null) return;
    const now = this.session.services.users.current(account.name);
    if (now !== null && isSameLogin(account, now)) {
      if (now !== account) this.session.takeAccount(now);
      return;
    }
    this.session.transfer?.abort('Your account was changed; nothing was stored.');
    this.#closeSoon(ACCOUNT_CHANGED);
  }

  /** Gives a running transfer up; the client is told. */
  abortTransfer(): void {
    this.session.transfer?.abort('This member is shutting down; nothing was changed.');
  }

  destroy(): void {
    this.#control.destroy();
  }

  /** Never rejects. */
  async #greet(tls: 'at-once' | 'on-demand'): Promise<void> {
    const greeting = reply(220, `Cloudroid on ${this.session.services.name}.`);
    if (tls === 'on-demand') {
      this.#send(greeting);
      return;
    }
    this.#worker = 'working';
    this.session.security.begin('P');
    if (await this.#secure()) this.#send(greeting);
    if (this.#farewell !== null) this.#close(this.#farewell);
    await this.#work();
  }

  /** TLS from here on; what came before it is forgotten. False when the handshake failed: then the client is gone. */
  async #secure(): Promise<boolean> {
    const { services, logger } = this.session;
    this.#queue.length = 0;
    if (services.tls === undefined) return false;
    try {
      await this.#control.startTls(services.tls.context, services.limits.handshakeMs);
      return true;
    } catch (error) {
      // Anybody can cause it, as often as they like: it must not fill the log.
      logger.debug('the TLS handshake failed', { why: error instanceof Error ? error.message : error });
      return false;
    }
  }

  #arrived(): void {
    this.#idleTimer.refresh();
    this.#takeLines();
    if (this.#worker === 'waiting') void this.#work();
  }

  #takeLines(): void {
    while (this.#queue.length < this.session.services.maxQueuedCommands) {
      const line = this.#control.nextLine();
      if (line === null) break;
      this.#take(understand(line, this.session.names));
    }
    this.#control.readOn();
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
      !this.#control.congested
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
        if (text.startsTls) await this.#secure();
        await this.#control.drained();
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
    if (this.#connection === 'open') this.#control.send(text);
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
    else if (this.session.transfer === null && this.#control.unsentBytes > 0) this.#control.destroy();
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
    this.session.data.close();
    this.#control.close();
  }
}
