/**
 * Turns at something that costs much, for many who ask for them from many places. Places take turns, however many ask from
 * each, and when too many wait, the last of the place with the most makes way for one from a place with fewer: so who asks
 * a hundred times keeps nobody else out.
 *
 * Invariants
 * - At most `most` have a turn at a time, and nobody waits while fewer have one.
 * - At most `mostWaiting` wait.
 */
interface Waiter {
  readonly from: string;
  /** Start-time fair queueing: one more than that of the last who asked from there, or than what is served now. */
  readonly rank: number;
  readonly answer: (turn: boolean) => void;
}

export class FairTurns {
  readonly #most: number;
  readonly #mostWaiting: number;
  #having = 0;
  readonly #waiting: Waiter[] = [];
  /** Of the last who waits, by place. */
  readonly #lastRank = new Map<string, number>();
  #servedRank = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** True: it is your turn, and `giveBack` must follow once. False: too many wait. */
  async take(from: string): Promise<boolean> {
    if (this.#having < this.#most) {
      this.#having += 1;
      return true;
    }
    if (this.#waiting.length >= this.#mostWaiting && !this.#makeWay(from)) return false;
    const rank = Math.max(this.#servedRank, this.#lastRank.get(from) ?? 0) + 1;
    this.#lastRank.set(from, rank);
    return await new Promise<boolean>((answer) => this.#waiting.push({ from, rank, answer }));
  }

  giveBack(): void {
    const [first, ...others] = this.#waiting;
    if (first === undefined) {
      this.#having -= 1;
      return;
    }
    // Of the same rank who came first. The turn is handed on, so that nobody takes it in between.
    const next = others.reduce((best, one) => (one.rank < best.rank ? one : best), first);
    this.#servedRank = next.rank;
    this.#leave(next, true);
  }

  #makeWay(from: string): boolean {
    const counts = new Map<string, number>();
    for (const { from: place } of this.#waiting) counts.set(place, (counts.get(place) ?? 0) + 1);
    const [greedy, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    const last = this.#waiting.findLast((waiter) => waiter.from === greedy);
    if (last === undefined || most <= (counts.get(from) ?? 0) + 1) return false;
    this.#leave(last, false);
    return true;
  }

  #leave(waiter: Waiter, turn: boolean): void {
    this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    if (this.#lastRank.get(waiter.from) === waiter.rank) {
      const before = this.#waiting.findLast(({ from }) => from === waiter.from);
      if (before === undefined) this.#lastRank.delete(waiter.from);
      else this.#lastRank.set(waiter.from, before.rank);
    }
    waiter.answer(turn);
  }
}
