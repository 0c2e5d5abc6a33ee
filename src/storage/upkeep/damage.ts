/**
 * Bytes that are not what the record says are taken out of the volume, at once and whoever else shares them: to the
 * trash, where they are a source for nothing, and kept as long as nobody has better ones. The record stays: the replica
 * lacks the bytes, asks the peers for them, and reads are served from there meanwhile.
 */
import { lstatSync } from 'node:fs';
import type { DamageReport, Unknown } from '../../peers/protocol-upkeep.ts';
import { isAccountPath } from '../../replication/account-path.ts';
import type { Intent } from '../catalog/catalog-ledger.ts';
import type { StoredRecord } from '../catalog/record-row.ts';
import { sourceAt } from '../disk/content-source.ts';
import { intoTrash } from '../disk/into-trash.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import { inodeAt, newTrashId } from '../disk/volume.ts';
import type { Group } from '../group.ts';
import type { GroupCommit } from '../group-commit.ts';
import { checkPath } from '../path-check.ts';
import { errnoOf } from '../store-errors.ts';
import { takeBackAccount } from './account-bytes.ts';

/** False when the file was replaced since it was looked at. */
export async function quarantine(
  context: PublishContext,
  queue: GroupCommit,
  { path, sha256, ino, mtimeNs, why }: DamageReport,
): Promise<boolean> {
  const { catalog, volume, warn } = context;
  const quarantined = await queue.run({
    path,
    execute: async (group) => {
      const { record, local } = catalog.table.stored(path) ?? {};
      if (record?.kind !== 'file' || record.sha256 !== sha256) return false;
      if (local?.ino !== ino || local.mtimeNs !== mtimeNs) return false;
      // Gone or changed a moment ago, as seen by one who looks slowly, and back by now.
      const intact = sourceAt(volume, { record, local }) !== undefined;
      if (intact && (why === 'missing' || why === 'changed')) return false;
      // Edited since it was read: that is no rot.
      if (
        !intact &&
        (why === 'rotten' || why === 'unreadable') &&
        inodeAt(volume.diskPath(local.place)) === ino
      )
        return false;
      if (isAccountPath(path)) {
        // Not to the trash: it stays where it is, as nobody's, until better bytes take its place.
        if (takeBackAccount(context, record)) return false;
        catalog.records.setLocal(path, undefined);
        catalog.accountMoved();
        return true;
      }
      const from = group.intents.length;
      // One inode may have several names: what is rotten under one is rotten under all.
      for (const sharer of catalog.table.sharingInode(sha256, ino)) setAside(context, group, sharer);
      group.closePlaces(from);
      return true;
    },
  });
  if (quarantined)
    warn('the bytes of a file are damaged; they are set aside and fetched again', { path, why });
  return quarantined;
}

function setAside(
  { catalog, volume, now }: PublishContext,
  group: Group,
  { record, local }: StoredRecord,
): void {
  if (local === undefined) return;
  group.checkUntouched(local.place);
  const diskPath = volume.diskPath(local.place);
  // Another file by now, or none: what is there is not what the catalog knew, and stays for the walk to judge.
  if (inodeAt(diskPath) === local.ino) {
    // With the hash that it should have: perhaps it was not the bytes that were at fault (repair.ts).
    const id = `${newTrashId()}-${record.sha256}`;
    let removal: Intent = { action: 'remove', place: local.place, ino: local.ino };
    try {
      removal = intoTrash(volume, group, local, id);
      const { size } = lstatSync(diskPath);
      group.addTrash({ id, path: record.path, sha256: '', size, at: now(), why: 'damaged' });
    } catch (error) {
      if (errnoOf(error) !== 'EMLINK') throw error;
    }
    group.addIntents([removal]);
  }
  catalog.records.setLocal(record.path, undefined);
}

/** Out of the way with a file that no record speaks of: what an old backup of the volume brought back. */
export async function discardUnknown(
  { catalog, volume, now }: PublishContext,
  queue: GroupCommit,
  { path, ino, mtimeNs }: Unknown,
): Promise<boolean> {
  checkPath(path, volume.filesDir);
  return await queue.run({
    path,
    execute: async (group) => {
      group.checkUntouched(path);
      const record = catalog.table.get(path);
      const isKnown =
        (record !== undefined && record.kind !== 'tombstone') || catalog.table.hasLiveDescendant(path);
      if (isKnown || catalog.table.shadowedAt(path) !== undefined) return false;
      const diskPath = volume.diskPath(path);
      const found = lstatSync(diskPath, { bigint: true, throwIfNoEntry: false });
      if (found?.isFile() !== true || String(found.ino) !== ino || String(found.mtimeNs) !== mtimeNs)
        return false;
      const id = newTrashId();
      const removal = intoTrash(volume, group, { place: path, ino }, id);
      group.addTrash({ id, path, sha256: '', size: Number(found.size), at: now(), why: 'unknown' });
      const from = group.intents.length;
      group.addIntents([removal]);
      group.closePlaces(from);
      return true;
    },
  });
}
