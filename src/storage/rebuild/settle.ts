/**
 * Last step of a rebuild, one saved file after the other, when the records of the peers are here:
 *
 *   the same content is at its path     it was taken from here, or is the same: done
 *   it was deleted                      to the trash
 *   another content is at its path      a new write at `<stem>.recovered-<UTC of its mtime><.ext>`
 *   nobody knows the path               a new write there
 *
 * A new write is durable before the saved name goes. Whatever a crash leaves is settled again, with the same result.
 */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, linkSync, lstatSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommitReply, CommitRequest } from '../../peers/protocol.ts';
import type { TrashReason } from '../../peers/protocol-attic.ts';
import { ACCOUNT_LIMIT_BYTES, isAccountPath } from '../../replication/account-path.ts';
import { Refusal } from '../../replication/operation.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { recoveredPath } from '../../replication/recovered-name.ts';
import { failpoint } from '../../system/failpoint.ts';
import type { SalvagedFile } from '../catalog/salvage-table.ts';
import { isIntact } from '../disk/content-source.ts';
import { isForbidden } from '../disk/file-steps.ts';
import { salvageDirOf } from '../disk/salvage-dir.ts';
import type { Group } from '../group.ts';
import { errnoOf } from '../store-errors.ts';
import { EMPTY_DIRECTORY, type GatherContext } from './gather.ts';
import { PATHLESS } from './move-aside.ts';

export interface SettleContext extends GatherContext {
  readonly commit: (request: CommitRequest) => Promise<CommitReply>;
}

export type Fate = 'here' | 'deleted' | 'new' | 'recovered' | 'folder' | 'gone';

/** The tree does not allow a file of that name: another name may do. */
const NAME_REFUSED: readonly string[] = ['is-a-directory', 'not-a-directory', 'invalid', 'forbidden-name'];
const LOST_NAMES = '/recovered';

/** Resolves when the bytes are where they belong, or in the trash. Then `dropSettled`. Throws Refusal. */
export async function settle(context: SettleContext, saved: SalvagedFile): Promise<Fate> {
  const { catalog, volume } = context;
  if (saved.sha256 === EMPTY_DIRECTORY) {
    await settleFolder(context, usersPath(saved));
    return 'folder';
  }
  if (!existsSync(salvageDirOf(volume) + saved.path)) return 'gone';
  const path = usersPath(saved);
  if (path === undefined) {
    const elsewhere = catalog.table.withContent(saved.sha256).some((stored) => isIntact(volume, stored));
    if (elsewhere) return 'here';
    return await write(context, saved, [namelessPath(saved)]);
  }
  const shown = shownFile(context, path);
  if (shown?.sha256 === saved.sha256) {
    const stored = catalog.table.stored(shown.path);
    // Its bytes are lacking here: these are theirs, and the trash is where the repair looks.
    if (stored !== undefined && !isAccountPath(path) && !isIntact(volume, stored))
      await toTrash(context, saved, path, 'unknown');
    return 'here';
  }
  // Nobody else may ever read it, and of two accounts of one name that of the others stands.
  if (isAccountPath(path)) return await settleAccount(context, saved, path);
  if (shown === undefined && catalog.table.get(path)?.kind === 'tombstone') {
    await toTrash(context, saved, path, 'deleted');
    return 'deleted';
  }
  return await write(context, saved, [path, ...otherNames(saved, path)]);
}

/** An account that nobody knows comes back; one that was removed or changed elsewhere goes, and no copy is made of it. */
async function settleAccount(context: SettleContext, saved: SalvagedFile, path: string): Promise<Fate> {
  if (context.catalog.table.get(path) !== undefined) return 'deleted';
  if (saved.size > ACCOUNT_LIMIT_BYTES) return 'deleted';
  return await write(context, saved, [path]);
}

/** At `/a/b` of the volume; undefined for what has lost its name. */
export function usersPath({ path }: SalvagedFile): string | undefined {
  const slash = path.indexOf('/', 1);
  return path.slice(1, slash).endsWith(PATHLESS) ? undefined : path.slice(slash);
}

/** At the first of the paths that nobody has, or that has this very content. */
async function write(
  context: SettleContext,
  { sha256, size, mtime, path: saved }: SalvagedFile,
  paths: readonly string[],
): Promise<Fate> {
  const fate = paths[0] === usersPathOf(saved) ? 'new' : 'recovered';
  let reason: unknown;
  for (const path of paths) {
    for (;;) {
      const shown = shownFile(context, path);
      if (shown?.sha256 === sha256) return 'here';
      if (shown !== undefined) break;
      try {
        // null: only while nothing is there.
        const operation = { op: 'put', path, size, sha256, mtime, baseSha256: null } as const;
        await context.commit({ id: `rebuild-${randomUUID()}`, operation });
        failpoint('rebuild:written');
        return path === paths[0] ? fate : 'recovered';
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // Somebody was quicker, perhaps with the very same content.
        if (error.kind === 'changed') continue;
        if (!NAME_REFUSED.includes(error.kind)) throw error;
        reason = error;
        break;
      }
    }
  }
  throw new Error(`no name is free for ${saved}`, { cause: reason });
}

function usersPathOf(path: string): string | undefined {
  return usersPath({ path, sha256: '', size: 0, mtime: 0 });
}

function otherNames({ sha256, mtime, path: saved }: SalvagedFile, path: string): string[] {
  const mark = sha256.slice(0, 12);
  return [recoveredPath(path, mtime), recoveredPath(path, mtime, mark), namelessPath({ path: saved })];
}

/** In a folder of its own. */
function namelessPath({ path }: Pick<SalvagedFile, 'path'>): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replaceAll(/[\0\r\n]/g, '_');
  const mark = createHash('sha256').update(path).digest('hex').slice(0, 16);
  return `${LOST_NAMES}/${mark}-${Buffer.byteLength(name) <= 200 ? name : 'file'}`;
}

/** The file that users see at a path: its own, or one that is shown there because its path is a folder. */
function shownFile({ catalog }: SettleContext, path: string): ReplicaRecord | undefined {
  const { table } = catalog;
  if (table.hasLiveDescendant(path)) return undefined;
  const own = table.get(path);
  if (own?.kind === 'file') return own;
  return own?.kind === 'directory' ? undefined : table.shadowedFileShownAt(path);
}

/** A folder with nothing in it; one that was deleted, or a name that is taken, is let be. */
async function settleFolder(context: SettleContext, path: string | undefined): Promise<void> {
  if (path === undefined || path === '' || path === '/') return;
  const { table } = context.catalog;
  if (table.get(path) !== undefined || table.hasLiveDescendant(path)) return;
  await settleFolder(context, dirname(path));
  try {
    await context.commit({ id: `rebuild-${randomUUID()}`, operation: { op: 'mkdir', path } });
  } catch (error) {
    const disk = error instanceof Refusal && ['io', 'no-space', 'read-only', 'busy'].includes(error.kind);
    if (!(error instanceof Refusal) || disk) throw error;
  }
}

async function toTrash(
  { catalog, volume, queue, now }: SettleContext,
  { path: saved, sha256, size }: SalvagedFile,
  path: string,
  why: TrashReason,
): Promise<void> {
  // The same name again after a crash.
  const id = `salvaged-${createHash('sha256').update(saved).digest('hex').slice(0, 24)}`;
  await queue.run({
    path: undefined,
    execute: async (group: Group) => {
      if (catalog.ledger.hasTrash(id)) return;
      const [from, to] = [salvageDirOf(volume) + saved, join(volume.trashDir, id)];
      try {
        linkSync(from, to);
        group.made(to, volume.trashDir);
      } catch (error) {
        // Another user's gets no second name: it is moved, perhaps by an attempt whose transaction was rolled back.
        if (!isForbidden(error) && !existsSync(to)) throw error;
        if (existsSync(from)) renameSync(from, to);
        group.dirtyBefore.add(volume.trashDir);
      }
      group.addTrash({ id, path, sha256, size, at: now(), why });
    },
  });
  failpoint('rebuild:trashed');
}

/** Takes away the saved names and their rows. */
export async function dropSettled(
  { catalog, volume, queue }: SettleContext,
  settled: readonly SalvagedFile[],
): Promise<void> {
  await queue.run({
    path: undefined,
    execute: async () => {
      for (const { path, sha256 } of settled) {
        if (sha256 !== EMPTY_DIRECTORY) removeName(salvageDirOf(volume) + path);
        catalog.salvage.drop(path);
      }
      failpoint('rebuild:dropping');
    },
  });
}

/** Removes the empty folders; true when nothing is left at all. */
export async function removeEmptyFolders(
  dir: string,
  readdir: (dir: string) => Promise<string[]>,
): Promise<boolean> {
  const found = lstatSync(dir, { throwIfNoEntry: false });
  if (found === undefined) return true;
  // Never through a link: it leads out of the volume.
  if (!found.isDirectory()) return false;
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return false;
    throw error;
  }
  let empty = true;
  for (const name of names) empty = (await removeEmptyFolders(join(dir, name), readdir)) && empty;
  if (empty) rmdirSync(dir);
  return empty;
}

function removeName(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
