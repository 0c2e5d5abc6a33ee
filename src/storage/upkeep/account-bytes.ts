/**
 * The file of an account that does not look as it was published: read once more, because a file may be copied back, or
 * touched, and still hold the right bytes; then nobody needs to fetch it. What was edited by hand is never taken over.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  openSync,
  readSync,
} from 'node:fs';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { LocalFile } from '../catalog/record-row.ts';
import type { PublishContext } from '../disk/publish-context.ts';

/** Inside a transaction. False: its bytes are not there. At most 16 KiB are read. */
export function takeBackAccount({ catalog, volume }: PublishContext, record: ReplicaRecord): boolean {
  const local = readBack(volume.diskPath(record.path), record);
  if (local === undefined) return false;
  catalog.records.setLocal(record.path, local);
  catalog.accountMoved();
  return true;
}

function readBack(diskPath: string, { path, size, sha256, mtime }: ReplicaRecord): LocalFile | undefined {
  let file: number | undefined;
  try {
    // Nothing that was put there by hand may hold us up: no link is followed, no pipe is waited for.
    file = openSync(diskPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (!found.isFile() || found.nlink !== 1 || found.size !== size) return undefined;
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; ) {
      const read = readSync(file, bytes, at, size - at, at);
      if (read === 0) return undefined;
      at += read;
    }
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) return undefined;
    if ((found.mode & 0o077) !== 0) fchmodSync(file, 0o600);
    futimesSync(file, mtime / 1000, mtime / 1000);
    fsyncSync(file);
    const { ino, mtimeNs } = fstatSync(file, { bigint: true });
    return { place: path, ino: String(ino), mtimeNs: String(mtimeNs) };
  } catch {
    // Not there, unreadable, or not to be dated: better bytes come from a peer.
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
