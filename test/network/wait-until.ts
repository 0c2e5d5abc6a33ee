/** Waiting for what must come true, with a word about what it was when it does not. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again until `probe` gives null (all is well); what it gives otherwise says what is still wrong and ends up in the
 * error. An error of the probe counts as "not yet".
 */
export async function waitUntil(
  what: string,
  probe: () => Promise<string | null> | string | null,
  { withinMs = 30_000, everyMs = 150 }: { withinMs?: number; everyMs?: number } = {},
): Promise<void> {
  const end = performance.now() + withinMs;
  let last = '';
  for (;;) {
    try {
      const wrong = await probe();
      if (wrong === null) return;
      last = wrong;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}; ${last}`);
    await pause(everyMs);
  }
}
