/**
 * Checks passwords at a pace that leaves the board able to do something else.
 *
 * Invariants
 * - At most MOST_AT_ONCE hashes are computed at a time (16 MiB each), at most MOST_WAITING wait, addresses in turn
 *   (system/fair-turns.ts); more are `busy`.
 * - What is asked several times at once is computed once: a program with twenty connections logs in twenty times.
 * - A password that was right is remembered, as a keyed hash in memory only: a camera logs in for each picture. It counts
 *   for the very hash that it was right for, so a changed password is forgotten with it.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { FairTurns } from '../system/fair-turns.ts';
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
  readonly #turns = new FairTurns({ most: MOST_AT_ONCE, mostWaiting: MOST_WAITING });
  readonly #underWay = new Map<string, Promise<PasswordVerdict>>();

  /** `now` in milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `stored` null: there is no such user; takes the same time. `from`: the address that asks, as groups of them count. */
  async check(
    user: string,
    password: string,
    stored: PasswordHash | null,
    from: string,
  ): Promise<PasswordVerdict> {
    const key = createHmac('sha256', this.#key).update(`${user}\0${password}`).digest('base64');
    const known = this.#right.get(key);
    if (known !== undefined && stored !== null && known.hash === stored.hash && known.until > this.#now()) {
      return 'right';
    }
    const question = `${key} ${stored?.hash ?? ''}`;
    const underWay = this.#underWay.get(question);
    if (underWay !== undefined) return await underWay;
    const verdict = this.#compute(key, password, stored, from);
    this.#underWay.set(question, verdict);
    try {
      return await verdict;
    } finally {
      this.#underWay.delete(question);
    }
  }

  async #compute(
    key: string,
    password: string,
    stored: PasswordHash | null,
    from: string,
  ): Promise<PasswordVerdict> {
    const giveBack = await this.#turns.take(from);
    if (giveBack === null) return 'busy';
    try {
      const right = stored === null ? await pretendToCheck(password) : await isPassword(password, stored);
      if (right && stored !== null) this.#remember(key, stored.hash);
      return right ? 'right' : 'wrong';
    } finally {
      giveBack();
    }
  }

  #remember(key: string, hash: string): void {
    this.#right.delete(key);
    this.#right.set(key, { hash, until: this.#now() + REMEMBERED_MS });
    if (this.#right.size <= MOST_REMEMBERED) return;
    const oldest = this.#right.keys().next();
    if (oldest.done !== true) this.#right.delete(oldest.value);
  }
}
