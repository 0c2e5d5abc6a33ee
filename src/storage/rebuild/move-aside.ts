/**
 * First step of a rebuild: what users see of the volume moves to `.cloudroid/salvage/<rebuild>`, by renames of the entries
 * at the top, so that it takes no time and no space. Each is atomic; after a crash the rest follows.
 */

import { lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ACCOUNT_LIMIT_BYTES, ACCOUNTS_DIR, isAccountName } from '../../replication/account-path.ts';
import { failpoint } from '../../system/failpoint.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { flushDirectories } from '../disk/flush-directories.ts';
import { salvageDirOf } from '../disk/salvage-dir.ts';
import { type ReadOnlyReason, userEntries } from '../disk/store-identity.ts';
import type { Volume } from '../disk/volume.ts';
import { diskTrouble, errnoOf, message } from '../store-errors.ts';
import { noteRebuild, type RebuildState } from './rebuild-state.ts';

/** What was saved without the name that users know it by: it is below `/<rebuild>.pathless/`. */
export const PATHLESS = '.pathless';

/** Another file system mounted in the volume, or a name that is no text: it stays where it is. */
const STAYS = ['ENOENT', 'EXDEV', 'EBUSY'];

/** Null when all is moved and durable. */
export async function moveToSalvage(
  catalog: Catalog,
  volume: Volume,
  state: RebuildState,
  log: (level: 'info' | 'warn', message: string, details?: object) => void,
): Promise<ReadOnlyReason> {
  const { store } = catalog.state;
  const hidden = join(dirname(volume.stagingDir), 'hidden');
  try {
    const dirty = new Set([
      volume.filesDir,
      join(volume.filesDir, ACCOUNTS_DIR),
      volume.stagingDir,
      hidden,
      dirname(salvageDirOf(volume)),
    ]);
    const move = (dir: string, name: string, folder: string): void => {
      const target = freePlace(salvageDirOf(volume), folder, name);
      try {
        renameSync(join(dir, name), target);
      } catch (error) {
        if (!STAYS.includes(errnoOf(error) ?? '')) throw error;
        log('warn', 'something in the volume cannot be taken into the rebuild', {
          name,
          why: message(error),
        });
        return;
      }
      for (let made = dirname(target); made.length >= salvageDirOf(volume).length; made = dirname(made))
        dirty.add(made);
      failpoint('rebuild:moved-one');
    };
    for (const name of userEntries(volume.filesDir)) move(volume.filesDir, name, store);
    for (const name of state.foreign === true ? [] : accountFiles(volume))
      move(join(volume.filesDir, ACCOUNTS_DIR), name, store + ACCOUNTS_DIR);
    for (const name of readdirSync(hidden)) move(hidden, name, `${store}${PATHLESS}`);
    for (const name of readdirSync(volume.stagingDir)) {
      // Of a change that was decided and not carried out: perhaps the only name of its bytes.
      const only = name.startsWith('link-') && lstatSync(join(volume.stagingDir, name)).nlink === 1;
      if (only) move(volume.stagingDir, name, `${store}${PATHLESS}`);
    }
    await flushDirectories(dirty);
  } catch (error) {
    if (diskTrouble(error) === undefined) throw error;
    return `The files of the volume cannot be moved to ${salvageDirOf(volume)}, to rebuild the lost catalog (${message(error)}): mend that and restart.`;
  }
  failpoint('rebuild:moved');
  catalog.transaction(() => noteRebuild(catalog, { ...state, phase: 'hash' }));
  return null;
}

/** What may be accounts: anything else in their folder was put there by hand, and stays. */
function accountFiles({ filesDir }: Volume): string[] {
  const dir = join(filesDir, ACCOUNTS_DIR);
  // Not through a link: it leads out of the volume.
  if (!lstatSync(dir).isDirectory()) return [];
  return readdirSync(dir).filter((name) => {
    if (!isAccountName(name)) return false;
    const found = lstatSync(join(dir, name), { throwIfNoEntry: false });
    return found?.isFile() === true && found.nlink === 1 && found.size <= ACCOUNT_LIMIT_BYTES;
  });
}

function freePlace(salvageDir: string, folder: string, name: string): string {
  for (let n = 1; ; n += 1) {
    const place = join(salvageDir, n === 1 ? folder : `${n}-${folder}`, name);
    if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) continue;
    mkdirSync(dirname(place), { recursive: true });
    return place;
  }
}
