/**
 * Who sets the pace of an upload. The client is slowed to the pace of peers that merely share a line; a peer that is far
 * slower is left out of the live fan-out and pulls afterwards, so that one slow line slows nobody.
 */
import type { PeerLane } from './upload-lane.ts';

/** A queue must be full for this long before its peer is judged. */
const PATIENCE_MS = 1_000;
const SLOWEST_BYTES_PER_SECOND = 256 * 1024;
/** Of the best pace at which this upload's bytes were taken. */
const SLOWEST_SHARE = 1 / 16;
const WINDOW_MS = 250;
const POLL_MS = 50;

export class Pace {
  #windowStart = performance.now();
  #windowBytes = 0;
  #best = 0;

  accepted(bytes: number): void {
    const now = performance.now();
    const elapsed = now - this.#windowStart;
    if (elapsed >= WINDOW_MS) {
      this.#best = Math.max(this.#best, (this.#windowBytes / elapsed) * 1000);
      this.#windowStart = now;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
  }

  /** Waits for lanes whose queue is full; drops those that are too slow. */
  async keep(lanes: readonly PeerLane[]): Promise<void> {
    for (const lane of lanes) {
      if (!lane.isFull) {
        lane.notFull();
        continue;
      }
      while (lane.isFull) {
        const rate = lane.rateWhileFull(performance.now(), PATIENCE_MS);
        const slowest = Math.max(SLOWEST_BYTES_PER_SECOND, this.#best * SLOWEST_SHARE);
        if (rate !== null && rate < slowest) lane.drop('too slow for the live upload');
        else await lane.shorter(POLL_MS);
      }
      lane.notFull();
    }
  }
}
