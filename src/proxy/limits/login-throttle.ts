/**
 * Slows down addresses that guess passwords. A right password does not forgive: guest/guest is public, and a guesser
 * could log in with it between two tries. Time forgives. IPv6 addresses of one /64 are one address.
 */
import { addressGroup } from '../../ftp/address.ts';
import type { LoginDelays } from '../options.ts';

const LONGEST_DELAY_MS = 5_000;
const FORGIVE_AFTER_MS = 10 * 60_000;
const MOST_ADDRESSES = 10_000;

interface Failures {
  readonly count: number;
  /** On the monotonic clock. */
  readonly last: number;
}

export class LoginThrottle implements LoginDelays {
  readonly #failures = new Map<string, Failures>();
  readonly #firstDelayMs: number;
  readonly #now: () => number;

  /** `now` in milliseconds, monotonic. */
  constructor(firstDelayMs: number, now: () => number = () => performance.now()) {
    this.#firstDelayMs = firstDelayMs;
    this.#now = now;
  }

  delayMs(address: string): number {
    const count = this.#count(addressGroup(address));
    return count === 0 ? 0 : Math.min(LONGEST_DELAY_MS, this.#firstDelayMs * 2 ** (count - 1));
  }

  failed(address: string): void {
    const group = addressGroup(address);
    const count = this.#count(group) + 1;
    // Last in the map is the most recent: the oldest goes when there are too many.
    this.#failures.delete(group);
    this.#failures.set(group, { count, last: this.#now() });
    if (this.#failures.size > MOST_ADDRESSES) {
      const oldest = this.#failures.keys().next();
      if (oldest.done === false) this.#failures.delete(oldest.value);
    }
  }

  #count(group: string): number {
    const failures = this.#failures.get(group);
    if (failures === undefined) return 0;
    if (this.#now() - failures.last < FORGIVE_AFTER_MS) return Math.min(failures.count, 32);
    this.#failures.delete(group);
    return 0;
  }
}
