/** Calls between boards: requests and answers that come late, twice, or never, each direction by itself. */
import type { Random } from '../random.ts';
import type { Scheduler, Task } from './scheduler.ts';
import type { SimStorage } from './storage.ts';

const TIMEOUT_MS = 600;

export class Wires {
  /** One-way: `from>to`. */
  readonly cut = new Set<string>();
  /** Members that everybody turns away, and whose certificate is refused when they ask. */
  readonly refused = new Set<string>();
  /** Share of messages that are lost, and of requests that arrive once more, much later. */
  loss = 0;
  repeats = 0;
  /** Share of messages so slow that everything else overtakes them, now and then beyond the timeout. */
  slow = 0.1;
  readonly #random: Random;
  readonly #scheduler: Scheduler;

  constructor(random: Random, scheduler: Scheduler) {
    this.#random = random;
    this.#scheduler = scheduler;
  }

  /** Undefined: no answer, for whatever reason; the work may have been done all the same. */
  *call<T>(from: string, to: SimStorage, work: () => Task<T>): Task<T | undefined> {
    const answer = yield (resume) => {
      this.#scheduler.at(TIMEOUT_MS, () => resume(undefined));
      const send = (delayMs: number): void => {
        this.#scheduler.at(delayMs, () => this.#arrive(from, to, work, resume));
      };
      if (!this.#passes(from, to.member)) return;
      send(this.#delay(from, to.member));
      if (from !== to.member && this.#random.chance(this.repeats)) send(this.#random.below(6000));
    };
    return answer as T | undefined;
  }

  #arrive<T>(from: string, to: SimStorage, work: () => Task<T>, resume: (value: unknown) => void): void {
    if (!to.up) {
      resume(undefined);
      return;
    }
    const { boot } = to;
    this.#scheduler.spawn(
      work(),
      () => to.boot === boot,
      (answer) => {
        if (this.#passes(to.member, from))
          this.#scheduler.at(this.#delay(to.member, from), () => resume(answer));
      },
    );
  }

  #passes(from: string, to: string): boolean {
    if (from !== to && (this.refused.has(from) || this.refused.has(to))) return false;
    return from === to || (!this.cut.has(`${from}>${to}`) && !this.#random.chance(this.loss));
  }

  #delay(from: string, to: string): number {
    if (from === to) return 1;
    return this.#random.chance(this.slow) ? this.#random.below(500) : 1 + this.#random.below(20);
  }
}
