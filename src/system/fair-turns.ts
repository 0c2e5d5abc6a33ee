/**
 * Turns at something that costs much, for many who ask for them from many places. Places take turns, however many ask from
 * each, and when too many wait, the last of the place with the most makes way for one from a place with fewer: so who asks
 * a hundred times keeps nobody else out.
 *
 * Invariants
 * - At most `most` have a turn at a time, at most `mostEach` of them from one place.
 * - At most `mostWaiting` wait, and nobody who might have a turn.
 */
export interface TurnLimits {
  readonly most: number;
  /** Default: `most`. */
  readonly mostEach?: number;
  readonly mostWaiting: number;
}

/** Gives the turn back; a second time does nothing. */
export type Turn = () => void;

interface Waiter {
  readonly from: string;
  /** Start-time fair queueing: one more than that of the last who asked from there, or than what is served now. */
  readonly rank: number;
  readonly answer: (takesTurn: boolean) => void;
}

export class FairTurns {
  readonly #limits: Required<TurnLimits>;
  /** How many have a turn, in all and by place. */
  #having = 0;
  readonly #havingThere = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  /** Of the last who waits, by place. */
  readonly #lastRank = new Map<string, number>();
  #servedRank = 0;

  constructor(limits: TurnLimits) {
    this.#limits = { mostEach: limits.most, ...limits };
  }

  /** Null: too many wait. The signal takes the turn back, or ends the wait: then rejects with its reason. */
  async take(from: string, signal?: AbortSignal): Promise<Turn | null> {
    signal?.throwIfAborted();
    if (this.#mayHaveOne(from)) return this.#begin(from, signal);
    if (this.#waiting.length >= this.#limits.mostWaiting && !this.#makeWay(from)) return null;
    const rank = Math.max(this.#servedRank, this.#lastRank.get(from) ?? 0) + 1;
    this.#lastRank.set(from, rank);
    return await new Promise((resolve, reject) => {
      const gaveUp = () => {
        this.#leave(waiter);
        reject(signal?.reason as Error);
      };
      const answer = (takesTurn: boolean) => {
        signal?.removeEventListener('abort', gaveUp);
        resolve(takesTurn ? this.#begin(from, signal) : null);
      };
      const waiter = { from, rank, answer };
      signal?.addEventListener('abort', gaveUp);
      this.#waiting.push(waiter);
    });
  }

  #mayHaveOne(from: string): boolean {
    const { most, mostEach } = this.#limits;
    return this.#having < most && (this.#havingThere.get(from) ?? 0) < mostEach;
  }

  #begin(from: string, signal: AbortSignal | undefined): Turn {
    this.#having += 1;
    this.#havingThere.set(from, (this.#havingThere.get(from) ?? 0) + 1);
    let over = false;
    const giveBack = () => {
      if (over) return;
      over = true;
      signal?.removeEventListener('abort', giveBack);
      this.#having -= 1;
      const left = (this.#havingThere.get(from) ?? 1) - 1;
      if (left === 0) this.#havingThere.delete(from);
      else this.#havingThere.set(from, left);
      this.#serve();
    };
    signal?.addEventListener('abort', giveBack);
    return giveBack;
  }

  /** Of the same rank who came first. */
  #serve(): void {
    let next: Waiter | null = null;
    for (const waiter of this.#waiting) {
      if ((next === null || waiter.rank < next.rank) && this.#mayHaveOne(waiter.from)) next = waiter;
    }
    if (next === null) return;
    this.#servedRank = Math.max(this.#servedRank, next.rank);
    this.#leave(next);
    next.answer(true);
  }

  #makeWay(from: string): boolean {
    const counts = new Map<string, number>();
    for (const { from: place } of this.#waiting) counts.set(place, (counts.get(place) ?? 0) + 1);
    const [greedy, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    const last = this.#waiting.findLast((waiter) => waiter.from === greedy);
    if (last === undefined || most <= (counts.get(from) ?? 0) + 1) return false;
    this.#leave(last);
    last.answer(false);
    return true;
  }

  #leave(waiter: Waiter): void {
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    if (this.#lastRank.get(waiter.from) !== waiter.rank) return;
    const before = this.#waiting.findLast(({ from }) => from === waiter.from);
    if (before === undefined) this.#lastRank.delete(waiter.from);
    else this.#lastRank.set(waiter.from, before.rank);
  }
}
