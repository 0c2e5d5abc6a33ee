/**
 * How many bytes the home folders with a quota take up. The members count (`usage`); between two counts this proxy adds what
 * went through it. Uploads under way hold room from one account of it, so that several at once cannot exceed the quota
 * together. Through another member at the same moment they can: by at most what is under way there.
 */
import type { ReplicaSet } from '../../peers/replica-set-api.ts';

/** What went through other members is seen after so long. */
const COUNT_AGAIN_MS = 30_000;

interface Home {
  used: number;
  /** Held by uploads under way. */
  held: number;
  countedAt: number;
  /** Goes up with each change here: a count that was under way meanwhile may or may not have it. */
  changes: number;
}

export class QuotaLedger {
  readonly #usage: Pick<ReplicaSet, 'usage'>;
  readonly #now: () => number;
  readonly #homes = new Map<string, Home>();

  /** `now` in milliseconds, monotonic. */
  constructor(usage: Pick<ReplicaSet, 'usage'>, now: () => number = () => performance.now()) {
    this.#usage = usage;
    this.#now = now;
  }

  /** Bytes in the folder, those under way included. Rejects as `usage` when they were never counted. */
  async used(home: string): Promise<number> {
    const known = this.#homes.get(home);
    if (known !== undefined && this.#now() - known.countedAt < COUNT_AGAIN_MS) return known.used + known.held;
    const changes = known?.changes ?? 0;
    let bytes: number;
    try {
      bytes = (await this.#usage.usage(home)).bytes;
    } catch (error) {
      if (known === undefined) throw error;
      return known.used + known.held;
    }
    const now = this.#homes.get(home);
    if (now === undefined) {
      this.#homes.set(home, { used: bytes, held: 0, countedAt: this.#now(), changes: 0 });
      return bytes;
    }
    now.used = bytes;
    // Changed while it was counted: good enough for now, counted again next time.
    if (now.changes === changes) now.countedAt = this.#now();
    return now.used + now.held;
  }

  /** Takes room if there is that much; `used` was asked before. */
  hold(home: string, bytes: number, quota: number): boolean {
    const known = this.#homes.get(home);
    if (known === undefined || known.used + known.held + bytes > quota) return false;
    known.held += bytes;
    return true;
  }

  release(home: string, bytes: number): void {
    const known = this.#homes.get(home);
    if (known !== undefined) known.held -= bytes;
  }

  /** A file there grew by so many bytes, or shrank. */
  add(home: string, bytes: number): void {
    const known = this.#homes.get(home);
    if (known === undefined) return;
    known.used = Math.max(0, known.used + bytes);
    known.changes += 1;
  }

  /** Something was deleted or renamed there. */
  countAgain(home: string): void {
    const known = this.#homes.get(home);
    if (known === undefined) return;
    known.changes += 1;
    known.countedAt = Number.NEGATIVE_INFINITY;
  }
}
