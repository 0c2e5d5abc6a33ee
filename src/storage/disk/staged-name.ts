/** A name in staging for bytes that this replica has already. */
import { constants, linkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { Refusal } from '../../replication/operation.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { Group } from '../group.ts';
import { errnoOf } from '../store-errors.ts';
import type { ContentSource } from './content-source.ts';
import type { PublishContext } from './publish-context.ts';
import type { Prepared } from './staging.ts';

/** A hard link when the time is right (an inode has only one), else a copy. */
export async function nameInStaging(
  { staging, space, volume }: PublishContext,
  group: Group,
  source: ContentSource,
  record: ReplicaRecord,
): Promise<Prepared> {
  if (source.mtime === record.mtime) {
    const staged = staging.newName('link');
    try {
      linkSync(source.diskPath, group.stagedPath(staged));
      group.made(group.stagedPath(staged), staging.dir);
      const { sha256, size, mtime } = record;
      return { staged, sha256, size, ino: source.ino, mtime, mtimeNs: source.mtimeNs };
    } catch (error) {
      if (errnoOf(error) !== 'EMLINK') throw error;
    }
  }
  space.require(source.size, record.path);
  const staged = staging.newName('copy');
  group.made(group.stagedPath(staged), staging.dir);
  await copyFile(source.diskPath, group.stagedPath(staged), constants.COPYFILE_FICLONE);
  try {
    return await staging.prepare(staged, record, false);
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'hash-mismatch') throw error;
    // Never asked again; whoever tries next is told that the content is missing, and brings it.
    volume.distrust(source);
    throw new Refusal('busy', 'a copy of the content here turned out to be damaged', {
      path: record.path,
      cause: error,
    });
  }
}
