/** A name in staging for bytes that this replica has already. */
import { constants, linkSync } from 'node:fs';

import { copyFile, open } from 'node:fs/promises';
import { isAccountPath } from '../../replication/account-path.ts';
import { Refusal } from '../../replication/operation.ts';

import type { ReplicaRecord } from '../../replication/record.ts';
import type { Group } from '../group.ts';
import { errnoOf, FlushFailed } from '../store-errors.ts';
import type { ContentSource } from './content-source.ts';
import { isForbidden } from './file-steps.ts';
import type { PublishContext } from './publish-context.ts';
import type { Prepared } from './staging.ts';

/** A hard link when the time is right or can be put right (an inode has only one), else a copy. */
export async function nameInStaging(
  { staging, space, volume }: PublishContext,
  group: Group,
  source: ContentSource,
  record: ReplicaRecord,
): Promise<Prepared> {
  // The file of an account is one of its own: nobody else may read it, and no other name may keep what it held.
  const alone = isAccountPath(record.path) || isAccountPath(source.place ?? '');
  const dated =
    !alone && source.mtime !== record.mtime && source.free === true ? await redate(source, record) : source;
  if (!alone && dated.mtime === record.mtime) {
    const staged = staging.newName('link');
    try {
      linkSync(source.diskPath, group.stagedPath(staged));
      group.made(group.stagedPath(staged), staging.dir);
      const { sha256, size, mtime } = record;
      return { staged, sha256, size, ino: dated.ino, mtime, mtimeNs: dated.mtimeNs };
    } catch (error) {
      if (errnoOf(error) !== 'EMLINK' && !isForbidden(error)) throw error;
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

/** Gives bytes that nobody else uses the record's time; durable, so that they do not look changed after a power cut. */
async function redate(source: ContentSource, { mtime }: ReplicaRecord): Promise<ContentSource> {
  const handle = await open(source.diskPath, 'r');
  try {
    await handle.utimes(mtime / 1000, mtime / 1000);
    try {
      await handle.sync();
    } catch (error) {
      throw new FlushFailed(source.diskPath, error);
    }
    const { ino, mtimeNs } = await handle.stat({ bigint: true });
    return { ...source, ino: String(ino), mtimeNs: String(mtimeNs), mtime };
  } finally {
    await handle.close();
  }
}
