/** Keeps a file that goes: a second name in the trash before the transaction, or where there can be none, a move after it. */
import { linkSync } from 'node:fs';
import { join } from 'node:path';
import type { Intent } from '../catalog/catalog-ledger.ts';
import type { Group } from '../group.ts';
import { isForbidden } from './file-steps.ts';
import type { Volume } from './volume.ts';

/**
 * Makes the name `id`; the intent returned then takes the file away from its place. It moves the file there if it is
 * another user's and the kernel (`fs.protected_hardlinks`) gives no second name of it. Throws what the disk says, EMLINK.
 */
export function intoTrash(
  volume: Volume,
  group: Group,
  { place, ino }: { readonly place: string; readonly ino: string },
  id: string,
): Intent {
  try {
    linkSync(volume.diskPath(place), join(volume.trashDir, id));
    group.made(join(volume.trashDir, id), volume.trashDir);
    return { action: 'remove', place, ino };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return { action: 'displace', place, ino, trash: id };
  }
}
