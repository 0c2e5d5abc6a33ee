/**
 * Checks passwords at a pace that leaves the board able to do something else.
 *
 * Invariants
 * - At most MOST_AT_ONCE hashes are computed at a time (16 MiB each), at most MOST_WAITING wait; more are `busy`.
 * - A password that was right is remembered, as a keyed hash in memory only: a camera logs in for each picture. It counts
 *   for the very hash that it was right for, so a changed password is forgotten with it.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { isPassword, type PasswordHash, pretendToCheck } from './password-hash.ts';

const MOST_AT_ONCE = 2;
const MOST_WAITING = 64;
const REMEMBERED_MS = 10 * 60_000;
const MOST_REMEMBERED = 1000;

export type PasswordVerdict = 'right' | 'wrong' | 'busy';

export class PasswordCheck {
  readonly #key = randomBytes(32);
  readonly #right = new Map<string, { readonly hash: string; readonly until: number }>();
  readonly #now: () => number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** `now` in milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `stored` null: there is no such user; takes the same time. */
  async check(user: string, password: string, stored: PasswordHash | null): Promise<PasswordVerdict> {
    const key = createHmac('sha256', this.#key).update(`${user}\0${password}`).digest('base64');
    const known = this.#right.get(key);
    if (known !== undefined && stored !== null && known.hash === stored.hash && known.until > this.#now()) {
      return 'right';
    }
    if (!(await this.#turn())) return 'busy';
    try {
      const right = stored === null ? await pretendToCheck(password) : await isPassword(password, stored);
      if (right && stored !== null) this.#remember(key, stored.hash);
      return right ? 'right' : 'wrong';
    } finally {
      const next = this.#waiting.shift();
      // The place is handed on, so that nobody takes it in between.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #turn(): Promise<boolean> {
    if (this.#running < MOST_AT_ONCE) {
      this.#running += 1;
      return true;
    }
    if (this.#waiting.length >= MOST_WAITING) return false;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return true;
  }

  #remember(key: string, hash: string): void {
    this.#right.delete(key);
    this.#right.set(key, { hash, until: this.#now() + REMEMBERED_MS });
    if (this.#right.size <= MOST_REMEMBERED) return;
    const oldest = this.#right.keys().next();
    if (oldest.done !== true) this.#right.delete(oldest.value);
  }
}
