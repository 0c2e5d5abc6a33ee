/**
 * Who sets the pace of an upload. The client is slowed to the pace of peers that merely share a line; a peer that is far
 * slower is left out of the live fan-out and pulls afterwards, so that one slow line slows nobody.
 *
 * A queue that was full counts as full until half of it is gone: otherwise a slow peer that takes a piece now and then
 * would never be full for long.
 */
import { BestRate } from './best-rate.ts';
import type { QueueBudget } from './queue-budget.ts';
import type { PeerLane } from './upload-lane.ts';

/** A queue must be full for this long before its peer is judged. */
const PATIENCE_MS = 1_000;
/** The same for a peer that was too slow a moment ago: not another second for each upload. */
const PATIENCE_WITH_SLOW_MS = 200;
const POLL_MS = 50;

interface Full {
  readonly since: number;
  readonly sent: number;
}

export class Pace {
  readonly #budget: QueueBudget;
  readonly #tooSlow: (lane: PeerLane) => void;
  readonly #now: () => number;
  readonly #full = new Map<PeerLane, Full>();
  readonly #rate: BestRate;

  /** `tooSlow` drops the lane. `now`: milliseconds, monotonic. */
  constructor(
    budget: QueueBudget,
    tooSlow: (lane: PeerLane) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#budget = budget;
    this.#tooSlow = tooSlow;
    this.#now = now;
    this.#rate = new BestRate(now);
  }

  accepted(bytes: number): void {
    this.#rate.came(bytes);
  }

  /** Waits for lanes whose queue is full; drops those that are too slow. */
  async keep(lanes: readonly PeerLane[]): Promise<void> {
    for (;;) {
      const longest = this.#budget.each;
      for (const lane of lanes) this.#judge(lane, longest);
      const full = lanes.find(({ queuedBytes }) => queuedBytes > longest);
      if (full === undefined) return;
      await full.shorterThan(longest, POLL_MS);
    }
  }

  #judge(lane: PeerLane, longest: number): void {
    const full = this.#full.get(lane);
    if (lane.queuedBytes <= (full === undefined ? longest : longest / 2)) {
      this.#full.delete(lane);
      return;
    }
    const now = this.#now();
    const sent = lane.sentBytes;
    if (full === undefined) {
      this.#full.set(lane, { since: now, sent });
      return;
    }
    const elapsed = now - full.since;
    if (elapsed < (lane.peer.isSlow ? PATIENCE_WITH_SLOW_MS : PATIENCE_MS)) return;
    const rate = ((sent - full.sent) / elapsed) * 1000;
    if (this.#rate.isTooSlow(rate)) this.#tooSlow(lane);
    else this.#full.set(lane, { since: now, sent });
  }
}
