/**
 * Who may log in, by the accounts of the network (docs/ARCHITECTURE.md, "Accounts").
 *
 * Invariants
 * - Without any account, and only when the members say so (never because nobody answers), guest/guest is let in with all
 *   rights. The first account ends that for good.
 * - A table once read stays in force while no member answers; before one was read nobody logs in.
 * - Each login asks for changes first, so a removed account never opens a new session; running ones hear of it within
 *   POLL_MS.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Account, ANONYMOUS_NAMES, GUEST, parseAccount } from '../accounts/account.ts';
import { PasswordCheck } from '../accounts/password-check.ts';
import type { AccountsReply } from '../peers/protocol-accounts.ts';
import type { ReplicaSet } from '../peers/replica-set-api.ts';
import type { Logger } from '../system/logger-api.ts';

/** unknown: nobody can say who the users are. busy: too many logins at once. */
export type LoginVerdict =
  | { readonly kind: 'welcome'; readonly account: Account }
  | { readonly kind: 'wrong' | 'unknown' | 'busy' };

export interface Users {
  /** Takes the same time for every user name. `from`: the group of addresses that asks (addressGroup). Never rejects. */
  check(user: string, password: string, from: string): Promise<LoginVerdict>;
  /** Null: may not be logged in any more. */
  current(user: string): Account | null;
  /** open: guest/guest; accounts: by those; null: nobody has said yet. */
  readonly state: 'open' | 'accounts' | null;
  /** Called after each change of the table. */
  onChange(listener: () => void): void;
  close(): void;
}

const POLL_MS = 2000;

/** What having no accounts means. */
const OPEN_GUEST: Account = {
  name: GUEST,
  password: null,
  home: '/',
  rights: 'full',
  quotaBytes: null,
  changedAt: 0,
};

/** Null values: an account that nobody logs in with. */
type Table =
  | { readonly kind: 'open' }
  | { readonly kind: 'accounts'; readonly byName: ReadonlyMap<string, Account | null> };

export class NetworkUsers implements Users {
  readonly #read: Pick<ReplicaSet, 'accounts'>;
  readonly #logger: Logger;
  readonly #passwords = new PasswordCheck();
  readonly #poll: NodeJS.Timeout;
  readonly #listeners: (() => void)[] = [];
  #table: Table | null = null;
  #digest = '';
  /** Times in a row that nobody could say. */
  #failures = 0;
  #asking: Promise<void> | null = null;
  /** For those that came after the question under way was put. */
  #next: Promise<void> | null = null;

  constructor(read: Pick<ReplicaSet, 'accounts'>, logger: Logger) {
    this.#read = read;
    this.#logger = logger;
    this.#poll = setInterval(() => void this.#refresh(), POLL_MS);
    this.#poll.unref();
    void this.#refresh();
  }

  get state(): 'open' | 'accounts' | null {
    return this.#table?.kind ?? null;
  }

  async check(user: string, password: string, from: string): Promise<LoginVerdict> {
    await this.#refresh();
    const table = this.#table;
    if (table === null) return { kind: 'unknown' };
    if (table.kind === 'open') {
      const right = [equal(user, GUEST), equal(password, GUEST)].every(Boolean);
      return right ? { kind: 'welcome', account: OPEN_GUEST } : { kind: 'wrong' };
    }
    const account = table.byName.get(user) ?? null;
    const verdict = await this.#passwords.check(user, password, account?.password ?? null, from);
    if (verdict === 'busy') return { kind: 'busy' };
    // Of now: it may have been removed while the hash was computed.
    const now = this.current(user);
    const same = now !== null && now.password?.hash === account?.password?.hash;
    return verdict === 'right' && same ? { kind: 'welcome', account: now } : { kind: 'wrong' };
  }

  current(user: string): Account | null {
    const table = this.#table;
    if (table?.kind === 'open') return user === GUEST ? OPEN_GUEST : null;
    const account = table?.byName.get(user) ?? null;
    // Switched off: nobody stays logged in with it, the guest of before the first account least of all.
    return account?.password === null ? null : account;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    clearInterval(this.#poll);
  }

  /** The answer to a question that was put after the call. Never rejects. */
  #refresh(): Promise<void> {
    if (this.#asking === null) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = null;
      });
      return this.#asking;
    }
    this.#next ??= this.#asking.then(() => {
      this.#next = null;
      return this.#refresh();
    });
    return this.#next;
  }

  async #ask(): Promise<void> {
    let answer: AccountsReply;
    try {
      answer = await this.#read.accounts(this.#digest);
    } catch (error) {
      this.#failures += 1;
      // A single one is a restart.
      if (this.#failures === 2) {
        const why = error instanceof Error ? error.message : String(error);
        const meanwhile = this.#table === null ? 'nobody can log in' : 'those known count';
        this.#logger.warn('no member can say who the users are', { why, meanwhile });
      }
      return;
    }
    this.#failures = 0;
    if (!answer.complete || (this.#table !== null && answer.digest === this.#digest)) return;
    // Tombstones of accounts are kept for ever: who says "never any" after there were some has missed them.
    if (answer.digest === '' && this.#table?.kind === 'accounts') return;
    // Null at first too, where there is none: nothing has changed since ''.
    this.#take(answer.digest, answer.accounts ?? []);
  }

  #take(digest: string, accounts: NonNullable<AccountsReply['accounts']>): void {
    const wasOpen = this.#table?.kind === 'open';
    this.#digest = digest;
    if (digest === '') {
      this.#table = { kind: 'open' };
      this.#logger.warn(
        'guest/guest is open: whoever reaches this port can read, change and delete every file',
        {
          cure: 'cloudroid users add NAME',
        },
      );
    } else {
      const byName = new Map(
        accounts
          .filter(({ name }) => !ANONYMOUS_NAMES.includes(name.toLowerCase()))
          .map(({ name, text }) => [name, parseAccount(name, text)] as const),
      );
      for (const [name, account] of byName) {
        if (account === null)
          this.#logger.warn('an account cannot be read; nobody logs in with it', { as: name });
      }
      this.#table = { kind: 'accounts', byName };
      if (wasOpen) this.#logger.info('there are accounts now: guest/guest is off');
    }
    for (const listener of this.#listeners) listener();
  }
}

function equal(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
