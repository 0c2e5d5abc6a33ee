/**
 * A file that somebody put or changed in the volume by ssh, SMB or a program of the board becomes a version like any
 * other, where it lies: nothing is copied. Whoever calls has hashed it while it rested; here it is made durable and looked
 * at once more inside the transaction, so that what is published is what was hashed.
 */
import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Adoption, AdoptionOutcome } from '../../peers/protocol-upkeep.ts';
import { Refusal } from '../../replication/operation.ts';
import { planCommit } from '../../replication/plan-commit.ts';
import type { LocalFile } from '../catalog/record-row.ts';
import { flushDirectory } from '../disk/flush-directories.ts';
import { placeOf } from '../disk/placement.ts';
import { placeFiles } from '../disk/publish.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import type { Group } from '../group.ts';
import type { GroupCommit } from '../group-commit.ts';
import { checkPath } from '../path-check.ts';
import { SHA256 } from '../record-check.ts';
import { errnoOf, FlushFailed } from '../store-errors.ts';

/** @throws Refusal when the tree does not allow a file there, FlushFailed */
export async function adopt(
  context: PublishContext,
  queue: GroupCommit,
  adoption: Adoption,
): Promise<AdoptionOutcome> {
  const { volume } = context;
  const { path, sha256 } = adoption;
  checkPath(path, volume.filesDir);
  if (!SHA256.test(sha256)) throw new Refusal('invalid', 'not a sha256', { path });
  const diskPath = volume.diskPath(path);
  if (!isAsDescribed(diskPath, adoption) || !(await flush(diskPath))) return 'gone';
  return await queue.run({ path, execute: (group) => execute(context, group, adoption) });
}

async function execute(context: PublishContext, group: Group, adoption: Adoption): Promise<AdoptionOutcome> {
  const { catalog, volume, now } = context;
  const { path, sha256, size, ino, mtimeNs } = adoption;
  group.checkUntouched(path);
  if (!isAsDescribed(volume.diskPath(path), adoption)) return 'gone';
  const local: LocalFile = { place: path, ino, mtimeNs };
  const stored = catalog.table.stored(path);
  if (stored?.record.kind === 'file' && stored.record.sha256 === sha256) {
    if (placeOf(catalog, stored.record) !== path)
      throw new Refusal('is-a-directory', 'a folder has that name', { path });
    catalog.records.setLocal(path, local);
    return 'refreshed';
  }
  const { actor, lastSeq } = catalog.state;
  const mtime = Number(BigInt(mtimeNs) / 1_000_000n);
  const plan = planCommit(
    catalog.table,
    { op: 'put', path, size, sha256, mtime },
    { actor, lastSeq, now: now() },
  );
  const effects = catalog.apply(plan.changes, now());
  await placeFiles(context, group, effects, new Map(), new Set(), new Map([[path, local]]));
  catalog.learn(plan.knowledge);
  catalog.learn({ [actor]: catalog.state.lastSeq });
  return 'new version';
}

function isAsDescribed(diskPath: string, { ino, mtimeNs, size }: Adoption): boolean {
  let found: ReturnType<typeof lookAt>;
  try {
    found = lookAt(diskPath);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw error;
  }
  if (found?.isFile() !== true) return false;
  return String(found.ino) === ino && String(found.mtimeNs) === mtimeNs && Number(found.size) === size;
}

function lookAt(diskPath: string) {
  return lstatSync(diskPath, { bigint: true, throwIfNoEntry: false });
}

/** Bytes and name, for nobody else may have flushed them. False: it is not there any more. */
async function flush(diskPath: string): Promise<boolean> {
  try {
    const handle = await open(diskPath, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      await handle.sync();
    } catch (error) {
      throw new FlushFailed(diskPath, error);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return false;
    throw error;
  }
  await flushDirectory(dirname(diskPath));
  return true;
}
