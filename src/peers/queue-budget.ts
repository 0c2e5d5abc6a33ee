/** One memory for all uploads at once: the more of them there are, the shorter the queue that each may have. */

const ALL_BYTES = 64 * 1024 * 1024;
const SHORTEST_BYTES = 512 * 1024;
/** The bounded buffer of a live fan-out. */
export const LONGEST_QUEUE_BYTES = 8 * 1024 * 1024;

export class QueueBudget {
  #queues = 0;

  /** Bytes that may wait in one queue. */
  get each(): number {
    const share = Math.floor(ALL_BYTES / Math.max(1, this.#queues));
    return Math.min(LONGEST_QUEUE_BYTES, Math.max(SHORTEST_BYTES, share));
  }

  /** Counts queues that are opened; the function returned, called once or more, gives them back. */
  take(queues: number): () => void {
    this.#queues += queues;
    let left = queues;
    return () => {
      this.#queues -= left;
      left = 0;
    };
  }
}
