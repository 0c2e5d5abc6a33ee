/** How long a client waits for what peers do with its change. */
import { setTimeout as sleep } from 'node:timers/promises';

/** For peers in step, while nothing moves. */
const WAIT_MS = 5_000;
/** While bytes move. */
const LONGEST_WAIT_MS = 30_000;
const LOOK_MS = 100;

/**
 * Until all are done, or nothing has moved for WAIT_MS, or LONGEST_WAIT_MS are over. `progress`: another value whenever
 * something has moved.
 */
export async function waitFor(
  tasks: readonly Promise<void>[],
  progress: () => number | undefined,
): Promise<void> {
  let open = true;
  const all = Promise.all(tasks).then(() => {
    open = false;
  });
  const started = performance.now();
  let movedAt = started;
  let last = progress();
  while (open) {
    const now = performance.now();
    if (now - movedAt > WAIT_MS || now - started > LONGEST_WAIT_MS) return;
    await Promise.race([all, sleep(LOOK_MS)]);
    const next = progress();
    if (next !== last) movedAt = performance.now();
    last = next;
  }
}
