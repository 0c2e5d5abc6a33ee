/** Second step of a rebuild: what was saved is listed, then read and hashed, so that whoever needs bytes finds them here. */

import { createHash } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { failpoint } from '../../system/failpoint.ts';
import type { SalvagedFile } from '../catalog/salvage-table.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import { salvageDirOf } from '../disk/salvage-dir.ts';
import type { GroupCommit } from '../group-commit.ts';
import { diskTrouble, errnoOf, message } from '../store-errors.ts';

export interface GatherContext extends PublishContext {
  readonly queue: GroupCommit;
}

const BATCH = 200;
const BATCH_MS = 2_000;
const READ_BYTES = 1024 * 1024;
export const EMPTY_DIRECTORY = 'directory';

/** Listing again what is listed changes nothing. Ends early when `stopped` says so. */
export async function listSalvage(context: GatherContext, stopped: () => boolean): Promise<void> {
  const { catalog, queue, volume, warn } = context;
  let found: SalvagedFile[] = [];
  const flush = async (): Promise<void> => {
    const rows = found;
    found = [];
    if (rows.length === 0) return;
    await queue.run({
      path: undefined,
      execute: async () => {
        for (const row of rows) catalog.salvage.add(row);
      },
    });
  };
  const walk = async (dir: string): Promise<void> => {
    if (stopped()) return;
    const names = await readdir(salvageDirOf(volume) + dir).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return [];
      warn('a folder of the lost catalog cannot be read; it stays in salvage', {
        dir,
        why: message(error),
      });
      return null;
    });
    // The folder of a rebuild is none that a user made.
    const isUsers = dir.indexOf('/', 1) > 0;
    if (names?.length === 0 && isUsers) found.push({ path: dir, sha256: EMPTY_DIRECTORY, size: 0, mtime: 0 });
    for (const name of names ?? []) {
      const path = `${dir}/${name}`;
      const stat = lstatSync(salvageDirOf(volume) + path, { bigint: true, throwIfNoEntry: false });
      if (stat?.isDirectory() === true) await walk(path);
      else if (stat?.isFile() === true) {
        const mtime = Math.round(Number(stat.mtimeNs) / 1e6);
        found.push({ path, sha256: '', size: Number(stat.size), mtime });
      } else warn('neither file nor folder, or a name that is no text; it stays in salvage', { path });
      if (found.length >= BATCH) await flush();
    }
  };
  await walk('');
  await flush();
}

/** `onHashed`: how many more. */
export async function hashSalvage(
  context: GatherContext,
  stopped: () => boolean,
  onHashed: (files: number) => void,
): Promise<void> {
  const { catalog, queue, volume, warn } = context;
  for (let rows = catalog.salvage.unhashed(BATCH); rows.length > 0; rows = catalog.salvage.unhashed(BATCH)) {
    const hashes = new Map<string, { sha256: string; size: number } | null>();
    const end = performance.now() + BATCH_MS;
    for (const { path } of rows) {
      const hashed = await hashOne(salvageDirOf(volume) + path, path, stopped, warn);
      if (hashed === undefined) return;
      hashes.set(path, hashed);
      if (performance.now() > end) break;
    }
    await queue.run({
      path: undefined,
      execute: async () => {
        for (const [path, hashed] of hashes) {
          if (hashed === null) catalog.salvage.drop(path);
          else catalog.salvage.hashed(path, hashed.sha256, hashed.size);
        }
      },
    });
    onHashed(hashes.size);
    failpoint('rebuild:hashed-some');
  }
}

/** Undefined: stopped. Null: it is not there, or cannot be read; it stays where it is. Made durable: somebody else may have written it. */
async function hashOne(
  diskPath: string,
  path: string,
  stopped: () => boolean,
  warn: PublishContext['warn'],
): Promise<{ sha256: string; size: number } | null | undefined> {
  try {
    const handle = await open(diskPath, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      let size = 0;
      for (;;) {
        if (stopped()) return undefined;
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, size);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      await handle.sync();
      return { sha256: hash.digest('hex'), size };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    if (diskTrouble(error) === undefined) throw error;
    warn('a file of the lost catalog cannot be read; it stays in salvage', { path, why: message(error) });
    return null;
  }
}
