/** What a start does after any kind of end: redo what committed transactions had still to do, clear away the rest. */

import { lstatSync, readdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { carryOutWithBallast } from './carry-out.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Intent } from './catalog/catalog-ledger.ts';
import { flushDirectories } from './disk/flush-directories.ts';
import type { Staging } from './disk/staging.ts';
import type { ReadOnlyReason } from './disk/store-identity.ts';
import type { Trash } from './disk/trash.ts';
import { type Displaced, inodeAt, type Volume } from './disk/volume.ts';
import { diskTrouble, message } from './store-errors.ts';

export const STAGED_KEEP_MS = 24 * 60 * 60 * 1000;

export interface RecoveryParts {
  readonly catalog: Catalog;
  readonly volume: Volume;
  readonly staging: Staging;
  readonly trash: Trash;
  readonly displaced: Displaced[];
  readonly now: number;
  readonly log: (level: 'info' | 'error', message: string, details?: object) => void;
}

/** Null, or why this replica cannot be written: a disk that refuses what is still to be done on it. */
export async function recover(parts: RecoveryParts): Promise<ReadOnlyReason> {
  const { catalog, volume, staging, trash, now, log } = parts;
  try {
    let redone: number;
    try {
      redone = await redoIntents(parts, (intent, dirty) => volume.carryOut(intent, dirty));
    } catch (error) {
      if (diskTrouble(error) !== 'no-space') throw error;
      trash.makeRoom(Number.MAX_SAFE_INTEGER);
      redone = await redoIntents(parts, (intent, dirty) => carryOutWithBallast(intent, dirty, volume));
    }
    if (redone > 0) log('info', 'finished what was committed before the last stop', { steps: redone });
    await clearLeftovers(catalog, volume, staging, trash, now);
    return null;
  } catch (error) {
    if (diskTrouble(error) === undefined) throw error;
    return `Changes committed before the last stop cannot be finished on disk (${message(error)}): mend that and restart.`;
  }
}

/** Redoes open intents and makes them durable, then clears them. Throws what the disk says: then nothing is cleared. */
async function redoIntents(
  parts: RecoveryParts,
  carryOut: (intent: Intent, dirty: Set<string>) => void,
): Promise<number> {
  const { catalog, displaced, volume, now } = parts;
  const intents = catalog.ledger.intents();
  const last = intents.at(-1);
  if (last === undefined) return 0;
  const dirty = new Set<string>();
  for (const { intent } of intents) {
    if (isAnothers(parts, intent)) dirty.add(dirname(volume.diskPath(intent.place)));
    else carryOut(intent, dirty);
  }
  // A directory that was only touched before the crash may not have been flushed either.
  await flushDirectories(dirty);
  catalog.transaction(() => {
    for (const { id, place, size } of displaced) {
      catalog.ledger.addTrash({ id, path: place, sha256: '', size, at: now, why: 'unknown' });
      catalog.addTrashBytes(size);
    }
    catalog.ledger.clearIntents(last.id);
  });
  displaced.length = 0;
  return intents.length;
}

/**
 * True: the step is done, and under its name in staging lies the beginning of another upload. Names come again: `sha-<hash>`
 * with the same content, an id when somebody asks late how much of it is here.
 */
function isAnothers({ catalog: { table }, volume }: RecoveryParts, intent: Intent): boolean {
  if (intent.action !== 'publish') return false;
  const { place, staged } = intent;
  const inode = inodeAt(join(volume.stagingDir, staged));
  const known = [table.stored(place), table.shadowedAt(place)].map((stored) => stored?.local);
  const decided = known.find((local) => local?.place === place);
  return inode !== undefined && decided !== undefined && inode !== decided.ino;
}

/** After redoIntents: names that only a commit under way could have used, stale uploads, orphans in the trash. */
async function clearLeftovers(
  catalog: Catalog,
  volume: Volume,
  staging: Staging,
  trash: Trash,
  now: number,
): Promise<void> {
  for (const name of readdirSync(volume.stagingDir)) {
    const path = join(volume.stagingDir, name);
    const found = lstatSync(path);
    const secondName = name.startsWith('link-') && found.nlink > 1;
    if (secondName || /^(?:copy|inline|touch)-/.test(name)) unlinkSync(path);
  }
  await staging.sweep(now - STAGED_KEEP_MS, new Set());
  catalog.transaction(() => trash.adoptOrphans(now));
}
