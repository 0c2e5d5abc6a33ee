/** Where files and directories belong on disk, from the records alone. */
import { createHash } from 'node:crypto';
import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Intent } from '../catalog/catalog-ledger.ts';
import type { Effects } from '../catalog/record-writer.ts';
import { INTERNAL_NAME } from '../path-check.ts';
import { errnoOf } from '../store-errors.ts';
import type { Volume } from './volume.ts';

/** A live record at the shown path of a shadowed file, or its end, moves that file too. */
export function noteCollisions(catalog: Catalog, effects: Effects): void {
  for (const path of [...effects.files.keys(), ...effects.directories.keys()]) {
    const shadowed = catalog.table.shadowedAt(path);
    if (shadowed !== undefined) effects.file(shadowed.record.path, shadowed);
  }
}

/** Where the bytes of a record belong; undefined for what has none. */
export function placeOf(catalog: Catalog, record: ReplicaRecord): string | undefined {
  const { table } = catalog;
  if (record.kind !== 'file') return undefined;
  if (!table.hasLiveDescendant(record.path)) return record.path;
  const shown = catalog.shownAt(record);
  const taken = table.get(shown);
  const free = (taken === undefined || taken.kind === 'tombstone') && !table.hasLiveDescendant(shown);
  if (free && table.shadowedAt(shown)?.record.path === record.path) return shown;
  return `/${INTERNAL_NAME}/hidden/${createHash('sha256').update(record.path).digest('hex')}`;
}

/** Directories to remove, deepest first, and to make, topmost first. */
export function directorySteps(catalog: Catalog, effects: Effects): { gone: Intent[]; made: Intent[] } {
  const gone: string[] = [];
  const made: string[] = [];
  for (const [path, before] of effects.directories) {
    const now = catalog.table.hasLiveDescendant(path) || catalog.table.get(path)?.kind === 'directory';
    if (now !== before) (now ? made : gone).push(path);
  }
  return {
    gone: gone.sort((a, b) => b.length - a.length).map((place) => ({ action: 'rmdir', place })),
    made: made.sort((a, b) => a.length - b.length).map((place) => ({ action: 'mkdir', place })),
  };
}

/** What can be known to fail is refused before the transaction. */
export function checkWritable(volume: Volume, intents: readonly Intent[]): void {
  const checked = new Set<string>();
  for (const { place } of intents) {
    let dir = dirname(volume.diskPath(place));
    while (dir.length >= volume.filesDir.length && !checked.has(dir)) {
      checked.add(dir);
      try {
        accessSync(dir, constants.W_OK | constants.X_OK);
        break;
      } catch (error) {
        const errno = errnoOf(error);
        // A file where the directory will be has no permission to search it either.
        const missing = errno === 'ENOENT' || errno === 'ENOTDIR' || !lstatSync(dir).isDirectory();
        if (!missing) throw error;
        dir = dirname(dir);
      }
    }
  }
}
