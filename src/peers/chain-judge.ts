/**
 * Whether a member that is fed in a chain is still worth it. Nobody waits for it; but those behind it do, and what is sent
 * to one that is far too slow keeps the line from others. So:
 * - one with members behind it that takes nothing at all for a while is passed over;
 * - one that lags, and takes bytes at less than 1/16 of the pace at which they come, is left to pull (as in pace.ts).
 */
import { BestRate } from './best-rate.ts';

/** Members behind it are waited for by the client for 5 s at most: there must be time left to feed them. */
const STALLED_MS = 3_000;
/** At which a member hashes the part that it has before it goes on. */
const HASHED_BYTES_PER_MS = 50_000;
const LAG_BYTES = 8 * 1024 * 1024;
const PATIENCE_MS = 1_000;

export class ChainJudge {
  readonly #othersWait: boolean;
  readonly #now: () => number;
  #movedAt: number;
  #isQueued = false;
  #sent = 0;
  /** For what it has to do before it takes bytes. */
  #allowanceMs = 0;
  #lagging: { readonly since: number; readonly sent: number } | null = null;
  readonly #rate: BestRate;

  /** `now`: milliseconds, monotonic. */
  constructor(othersWait: boolean, now: () => number = () => performance.now()) {
    this.#othersWait = othersWait;
    this.#now = now;
    this.#movedAt = now();
    this.#rate = new BestRate(now);
  }

  /** Other uploads have all connections to it: that is no fault of its own. */
  queued(): void {
    this.#isQueued = true;
  }

  /** It has `bytes` and is about to go on behind them. */
  opening(bytes: number): void {
    this.#isQueued = false;
    this.#movedAt = this.#now();
    this.#sent = bytes;
    this.#allowanceMs = bytes / HASHED_BYTES_PER_MS;
  }

  /** Bytes came that are to be passed on. */
  came(bytes: number): void {
    this.#rate.came(bytes);
  }

  /** Null: go on; else why not. `open`: it was ready for bytes; `over`: no more come. */
  look(sent: number, total: number, { open, over }: { open: boolean; over: boolean }): string | null {
    if (this.#isQueued) return null;
    const now = this.#now();
    const owes = !open || over || sent < total;
    if (sent !== this.#sent || !owes) {
      this.#sent = sent;
      this.#movedAt = now;
      if (open) this.#allowanceMs = 0;
    }
    const still = now - this.#movedAt;
    if (this.#othersWait && owes && still > STALLED_MS + this.#allowanceMs) {
      return 'it takes nothing, and others wait behind it';
    }
    return open ? this.#pace(sent, total, now) : null;
  }

  #pace(sent: number, total: number, now: number): string | null {
    if (total - sent <= LAG_BYTES) {
      this.#lagging = null;
      return null;
    }
    this.#lagging ??= { since: now, sent };
    const elapsed = now - this.#lagging.since;
    if (elapsed < PATIENCE_MS) return null;
    const rate = ((sent - this.#lagging.sent) / elapsed) * 1000;
    this.#lagging = { since: now, sent };
    return this.#rate.isTooSlow(rate) ? 'it is too slow' : null;
  }
}
