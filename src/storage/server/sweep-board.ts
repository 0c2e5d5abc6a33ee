/**
 * What proxy and sweep of this member tell each other through their storage server: requests for a round, the lock
 * that keeps rounds from overlapping, and the latest reports. Nothing of it outlives the process.
 */
import type { ProxyReport, SweepReport } from '../../peers/protocol-reports.ts';

export class SweepBoard {
  #request = 0;
  #waiting = new Set<() => void>();
  readonly #locks = new Map<string, object>();
  #sweep: SweepReport | null = null;
  #proxy: ProxyReport | null = null;

  get reports(): { readonly sweep: SweepReport | null; readonly proxy: ProxyReport | null } {
    return { sweep: this.#sweep, proxy: this.#proxy };
  }

  report({ sweep, proxy }: { sweep?: SweepReport; proxy?: ProxyReport }): void {
    this.#sweep = sweep ?? this.#sweep;
    this.#proxy = proxy ?? this.#proxy;
  }

  /** The number of requests so far. */
  ask(): number {
    this.#request += 1;
    this.#wakeAll();
    return this.#request;
  }

  /**
   * Resolves with the number of requests when it is another one than `after`, after `seconds`, or when the signal
   * aborts. Another one, not a higher one: after a restart the count begins again and the asker must look anyway.
   */
  async wait(after: number, seconds: number, signal: AbortSignal): Promise<number> {
    if (this.#request === after && !signal.aborted && seconds > 0) {
      const woken = Promise.withResolvers<void>();
      const timer = setTimeout(woken.resolve, seconds * 1000);
      this.#waiting.add(woken.resolve);
      const onAbort = () => woken.resolve();
      signal.addEventListener('abort', onAbort);
      await woken.promise;
      signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(woken.resolve);
      clearTimeout(timer);
    }
    return this.#request;
  }

  /** `holder`: the control connection; its end must `release` it. True as well when it holds the lock already. */
  lock(name: string, holder: object): boolean {
    const held = this.#locks.get(name);
    if (held === undefined) this.#locks.set(name, holder);
    return held === undefined || held === holder;
  }

  unlock(name: string, holder: object): void {
    if (this.#locks.get(name) === holder) this.#locks.delete(name);
  }

  holdsAny(holder: object): boolean {
    return [...this.#locks.values()].includes(holder);
  }

  releaseAll(holder: object): void {
    for (const name of this.#locks.keys()) this.unlock(name, holder);
  }

  /** Answers everybody who waits, now. */
  stop(): void {
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }
}
