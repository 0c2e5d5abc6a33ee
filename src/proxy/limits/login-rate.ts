/**
 * How many logins one address may try in a minute, right or wrong: each costs a slow password hash. The window slides: of
 * the minute before counts the part that is less than a minute ago. Addresses are groups (addressGroup).
 */
import { addressGroup } from '../../ftp/address.ts';
import type { LoginCounter } from '../options.ts';

const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 10_000;

interface Tries {
  /** Number of the minute on our clock. */
  readonly minute: number;
  readonly count: number;
  /** In the minute before. */
  readonly before: number;
}

export class LoginRate implements LoginCounter {
  readonly #most: number;
  readonly #now: () => number;
  /** The one that tried last is the last. */
  readonly #tries = new Map<string, Tries>();

  /** `now` in milliseconds, monotonic. */
  constructor(mostPerMinute: number, now: () => number = () => performance.now()) {
    this.#most = mostPerMinute;
    this.#now = now;
  }

  /** Counts one more unless it is too many: what was refused does not lengthen the wait. */
  take(address: string): boolean {
    const group = addressGroup(address);
    const now = this.#now();
    const { minute, count, before } = this.#sinceLast(group, Math.floor(now / WINDOW_MS));
    const past = (now % WINDOW_MS) / WINDOW_MS;
    if (count + Math.floor(before * (1 - past)) >= this.#most) return false;
    this.#tries.delete(group);
    this.#tries.set(group, { minute, count: count + 1, before });
    if (this.#tries.size > MOST_ADDRESSES) {
      const oldest = this.#tries.keys().next();
      if (oldest.done === false) this.#tries.delete(oldest.value);
    }
    return true;
  }

  #sinceLast(group: string, minute: number): Tries {
    const last = this.#tries.get(group);
    if (last?.minute === minute) return last;
    return { minute, count: 0, before: last?.minute === minute - 1 ? last.count : 0 };
  }
}
