/** The best pace at which the bytes of an upload came, and whether a member is far too slow for it: it is left out, and pulls. */

const SLOWEST_BYTES_PER_SECOND = 256 * 1024;
/** Of the best pace. */
const SLOWEST_SHARE = 1 / 16;
const WINDOW_MS = 250;

export class BestRate {
  readonly #now: () => number;
  #windowStart: number;
  #windowBytes = 0;
  /** Bytes a second. */
  #best = 0;

  /** `now`: milliseconds, monotonic. */
  constructor(now: () => number) {
    this.#now = now;
    this.#windowStart = now();
  }

  came(bytes: number): void {
    const now = this.#now();
    const elapsed = now - this.#windowStart;
    if (elapsed >= WINDOW_MS) {
      this.#best = Math.max(this.#best, (this.#windowBytes / elapsed) * 1000);
      this.#windowStart = now;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
  }

  /** `bytesPerSecond`: what the member took. */
  isTooSlow(bytesPerSecond: number): boolean {
    return bytesPerSecond < Math.max(SLOWEST_BYTES_PER_SECOND, this.#best * SLOWEST_SHARE);
  }
}
