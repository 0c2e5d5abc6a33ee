/** Does the steps of a committed transaction on disk, in order; all in one turn of the event loop. */

import { failpoint } from '../system/failpoint.ts';
import type { Intent, StoredIntent } from './catalog/catalog-ledger.ts';
import type { Trash } from './disk/trash.ts';
import type { Volume } from './disk/volume.ts';
import { diskTrouble } from './store-errors.ts';

/** Stops at the first that the disk refuses, also when the trash and then the ballast have made room; `left`: it and those behind it. */
export function carryOut(
  intents: readonly StoredIntent[],
  dirty: Set<string>,
  volume: Volume,
  trash: Trash,
): { readonly error: Error; readonly left: readonly StoredIntent[] } | undefined {
  for (const [index, { intent }] of intents.entries()) {
    try {
      volume.carryOut(intent, dirty);
    } catch (error) {
      try {
        if (diskTrouble(error) !== 'no-space') throw error;
        trash.makeRoom(Number.MAX_SAFE_INTEGER);
        carryOutWithBallast(intent, dirty, volume);
      } catch (again) {
        const last = again instanceof Error ? again : new Error(String(again));
        return { error: last, left: intents.slice(index) };
      }
    }
    if (index === intents.length >> 1) failpoint('commit:half-renamed');
  }
  return undefined;
}

/** What was decided is carried out: while the ballast is missing nothing new is taken. Throws what the disk says. */
export function carryOutWithBallast(intent: Intent, dirty: Set<string>, volume: Volume): void {
  try {
    volume.carryOut(intent, dirty);
  } catch (error) {
    if (diskTrouble(error) !== 'no-space' || !volume.ballast.release()) throw error;
    volume.carryOut(intent, dirty);
  }
}
