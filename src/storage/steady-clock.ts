/** Whether the wall clock can be trusted with the age of things. */

/** 2020: no board that runs this was there before. */
export const UNSET_BEFORE_MS = 1_577_836_800_000;
const JUMP_MS = 24 * 60 * 60 * 1000;

export class SteadyClock {
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #started: number;

  /** Both in milliseconds. */
  constructor(now: () => number, monotonic: () => number = () => performance.now()) {
    this.#now = now;
    this.#monotonic = monotonic;
    this.#started = now() - monotonic();
  }

  /** A board without a battery that has not heard of the time yet. */
  isUnset(): boolean {
    return this.#now() < UNSET_BEFORE_MS;
  }

  /** It was put forward or back by more than a day since the start; from an unset clock that is no jump but its cure. */
  hasJumped(): boolean {
    const drift = this.#now() - this.#monotonic() - this.#started;
    return this.#started >= UNSET_BEFORE_MS && Math.abs(drift) > JUMP_MS;
  }
}
