/** Does the steps of a committed transaction on disk, in order; all in one turn of the event loop. */

import { failpoint } from '../system/failpoint.ts';
import type { StoredIntent } from './catalog/catalog-ledger.ts';
import type { Trash } from './disk/trash.ts';
import type { Volume } from './disk/volume.ts';
import { diskTrouble } from './store-errors.ts';

/** Stops at the first that the disk refuses, also when what lies in the trash has made room; `left`: it and those behind it. */
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
        volume.carryOut(intent, dirty);
      } catch (again) {
        const last = again instanceof Error ? again : new Error(String(again));
        return { error: last, left: intents.slice(index) };
      }
    }
    if (index === intents.length >> 1) failpoint('commit:half-renamed');
  }
  return undefined;
}
