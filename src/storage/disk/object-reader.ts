/** Opens content by hash: only bytes that are as the catalog left them. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../../replication/operation.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { OpenedObject } from '../store-api.ts';
import { errnoOf } from '../store-errors.ts';
import { isIntact, trashSource } from './content-source.ts';
import type { Volume } from './volume.ts';

/** Throws missing-content. `warn` is told about files that were changed or lost behind our back. */
export async function openObject(
  catalog: Catalog,
  volume: Volume,
  sha256: string,
  warn: (message: string, details: object) => void,
): Promise<OpenedObject> {
  for (const stored of catalog.reader.withContent(sha256)) {
    const { record, local } = stored;
    if (local === undefined) continue;
    if (isIntact(volume, stored)) {
      const opened = await openInode(volume.diskPath(local.place), local.ino, record.size);
      if (opened !== undefined) return opened;
    }
    // Replaced or moved since the look into the catalog is no damage.
    const now = catalog.reader.stored(record.path);
    if (now?.local?.ino !== local.ino || now.local.place !== local.place || isIntact(volume, now)) continue;
    warn('a file was changed or lost behind our back; it is not used', {
      path: record.path,
      place: local.place,
    });
  }
  const trashed = trashSource(volume, catalog.ledger, sha256);
  const opened =
    trashed === undefined ? undefined : await openInode(trashed.diskPath, trashed.ino, trashed.size);
  if (opened === undefined) throw new Refusal('missing-content', 'this member does not hold the content');
  return opened;
}

async function openInode(path: string, ino: string, size: number): Promise<OpenedObject | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return undefined;
    throw error;
  }
  const found = await handle.stat({ bigint: true });
  if (String(found.ino) === ino && Number(found.size) === size)
    return { handle, size, disk: { path, ino, size, mtimeNs: String(found.mtimeNs) } };
  await handle.close();
  return undefined;
}
