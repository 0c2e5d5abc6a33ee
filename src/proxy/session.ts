/** What the gateway knows of one client between its commands. The conversation (conversation.ts) runs them. */
import type { Account } from '../accounts/account.ts';
import { DEFAULT_FACTS, type Fact } from '../ftp/listing.ts';
import type { Reply } from '../ftp/reply.ts';
import { isReserved, refusedForNewName, resolvePath } from '../ftp/virtual-path.ts';
import type { Logger } from '../system/logger-api.ts';
import { CommandRefused } from './error-reply.ts';
import { NameEncoding } from './name-encoding.ts';
import type { ProxyServices } from './options.ts';
import { SessionSecurity } from './session-security.ts';
import { DataPort } from './transfers/data-port.ts';
import type { Transfer } from './transfers/transfer.ts';
import { type ClientFiles, PermissionDenied } from './view/client-files.ts';
import { filesFor } from './view/files-for.ts';
import { OwnUploads } from './view/permitted-files.ts';

export type LoginState =
  | { readonly kind: 'user-expected' }
  | { readonly kind: 'password-expected'; readonly user: string }
  | { readonly kind: 'logged-in'; readonly account: Account };

/** How the client's side of the control connection stands; an upload is committed only while the client is there. */
export type Presence =
  | 'here'
  /** It said QUIT: its end is no surprise. */
  | 'leaving'
  /** FIN without QUIT; what it said before is still answered. */
  | 'ended'
  | 'gone';

/** The way back to the client. */
export interface ReplyChannel {
  send(reply: Reply): void;
  /** Waits until the client has read enough of what was sent. */
  drained(): Promise<void>;
  /**
   * Reads whatever of the control connection has arrived, so that `presence` is of now. False when there is so much
   * that its end cannot be seen.
   */
  lookAhead(): Promise<boolean>;
}

export class Session {
  readonly services: ProxyServices;
  readonly clientAddress: string;
  readonly localAddress: string;
  readonly data: DataPort;
  readonly names: NameEncoding;
  readonly #channel: ReplyChannel;
  readonly #logger: Logger;
  #files: ClientFiles | null = null;
  #own = new OwnUploads();
  readonly #warned = new Set<string>();

  readonly security = new SessionSecurity();
  presence: Presence = 'here';
  login: LoginState = { kind: 'user-expected' };
  failedLogins = 0;
  workingDirectory = '/';
  /** Bytes are the same in both, as vsftpd has it by default; remembered for STAT. */
  representation: 'ASCII' | 'Image' = 'ASCII';
  facts: readonly Fact[] = DEFAULT_FACTS;
  /** CLNT. */
  clientName = '';
  /** RNFR. */
  renameFrom: string | null = null;
  /** REST. */
  restartAt = 0;
  /** ALLO. */
  announcedBytes = 0;
  /** EPSV ALL. */
  extendedPassiveOnly = false;
  transfer: Transfer | null = null;
  /** ABOR has ended the last transfer and has not been answered yet. */
  abortPending = false;

  constructor(
    services: ProxyServices,
    addresses: { readonly client: string; readonly local: string },
    channel: ReplyChannel,
  ) {
    this.services = services;
    this.names = new NameEncoding(services.nameEncoding);
    this.clientAddress = addresses.client;
    this.localAddress = addresses.local;
    this.#channel = channel;
    this.#logger = services.logger.with({ client: addresses.client });
    this.data = new DataPort({
      localAddress: addresses.local,
      clientAddress: addresses.client,
      ports: services.passivePorts,
      pool: services.passivePool,
      lifetimeMs: services.limits.passiveLifetimeMs,
      timeoutMs: services.limits.dataConnectionMs,
      onStranger: (address) =>
        this.logger.warn('dropped a data connection from a stranger', { from: address }),
    });
  }

  /** The members' files as the user may see and change them. @throws PermissionDenied before login */
  get replicas(): ClientFiles {
    if (this.#files === null) throw new PermissionDenied();
    return this.#files;
  }

  get account(): Account | null {
    return this.login.kind === 'logged-in' ? this.login.account : null;
  }

  get user(): string | null {
    return this.account?.name ?? null;
  }

  /** After the password; whoever was logged in before leaves nothing behind. */
  logIn(account: Account): void {
    this.#own = new OwnUploads();
    this.workingDirectory = '/';
    this.renameFrom = null;
    this.restartAt = 0;
    this.announcedBytes = 0;
    this.takeAccount(account);
  }

  /** Rights or quota were changed. */
  takeAccount(account: Account): void {
    this.login = { kind: 'logged-in', account };
    const { replicas, quotas } = this.services;
    this.#files = filesFor(account, replicas, quotas, this.#own);
  }

  get logger(): Logger {
    return this.user === null ? this.#logger : this.#logger.with({ user: this.user });
  }

  /** The first time only: a client must not be able to fill the log. */
  warnOnce(message: string, details: object): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.logger.warn(message, details);
  }

  /** In the encoding that this session understands. */
  encoded(reply: Reply): Reply {
    return { ...reply, encode: (text) => this.names.encode(text) };
  }

  /** A reply ahead of the one that the command returns (150). */
  say(reply: Reply): void {
    this.#channel.send(this.encoded(reply));
  }

  /** Is the client still there? Of this moment, as far as the network has told. */
  async isClientThere(): Promise<boolean> {
    const seen = await this.#channel.lookAhead();
    return seen && (this.presence === 'here' || this.presence === 'leaving');
  }

  /** The path a client means. @throws PathProblem; CommandRefused (550) for our own names, which do not exist for it. */
  path(argument: string): string {
    const path = resolvePath(this.workingDirectory, argument, this.services.maxPathBytes);
    if (isReserved(path)) throw new CommandRefused(550, `${path}: No such file or directory.`);
    return path;
  }

  /** The same for something to be made or changed: 553 for our own names. */
  pathToWrite(argument: string): string {
    const path = resolvePath(this.workingDirectory, argument, this.services.maxPathBytes);
    if (isReserved(path)) throw new CommandRefused(553, `${path}: That name is not allowed.`);
    return path;
  }

  /** The same for what is not there yet or gets a new name: 553 also for names that cannot be listed safely. */
  pathToCreate(argument: string): string {
    const path = this.pathToWrite(argument);
    const why = refusedForNewName(path);
    if (why !== null) throw new CommandRefused(553, why);
    return path;
  }

  /** As after connecting (REIN, AUTH); the count of failed logins stays. */
  reset(): void {
    this.data.close();
    this.names.reset();
    this.login = { kind: 'user-expected' };
    this.#files = null;
    this.#own = new OwnUploads();
    this.workingDirectory = '/';
    this.representation = 'ASCII';
    this.facts = DEFAULT_FACTS;
    this.clientName = '';
    this.renameFrom = null;
    this.restartAt = 0;
    this.announcedBytes = 0;
    this.extendedPassiveOnly = false;
  }
}
