/**
 * One replica on this disk. Opening it: lock, catalog, identity, file system probe, redo of what was committed, a new
 * incarnation; a volume that is missing or another's opens read-only and is not touched.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { conflictPath } from '../replication/conflict-name.ts';
import { Catalog } from './catalog/catalog.ts';
import { Ballast } from './disk/ballast.ts';
import { DiskSpace } from './disk/disk-space.ts';
import type { PublishContext } from './disk/publish-context.ts';
import { Staging } from './disk/staging.ts';
import { makeInternalDirectories, type ReadOnlyReason, settleIdentity } from './disk/store-identity.ts';
import { Trash } from './disk/trash.ts';
import { type Displaced, flushDirectory, Volume } from './disk/volume.ts';
import { probeVolume } from './disk/volume-probe.ts';
import { GroupCommit } from './group-commit.ts';
import { LocalStore } from './local-store.ts';
import { INTERNAL_NAME } from './path-check.ts';
import { recover } from './recovery.ts';
import type { Store, StoreOptions } from './store-api.ts';
import { lockStore } from './store-lock.ts';

/** With less on its disk a catalog may not even open. */
const FULL_BYTES = 1024 * 1024;

/**
 * Opens or makes a store. Throws StoreInUse, CatalogDamaged, VolumeUnfit; a missing or foreign volume is no error: the
 * store opens read-only and `hello().readOnly` says why.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  mkdirSync(options.stateDir, { recursive: true });
  const ballast = new Ballast(options.stateDir);
  try {
    return await open(options, ballast);
  } catch (error) {
    // A start writes a little; on a full disk it takes the last room there is, so that deletions are possible.
    const { bavail, bsize } = statfsSync(options.stateDir);
    if (bavail * bsize > FULL_BYTES || !ballast.release()) throw error;
    return await open(options, ballast);
  }
}

async function open(options: StoreOptions, ballast: Ballast): Promise<Store> {
  const filesDir = resolve(options.filesDir);
  const { stateDir, member, now, log } = options;
  const lock = lockStore(stateDir);
  let catalog: Catalog | undefined;
  try {
    catalog = new Catalog(join(stateDir, 'catalog.sqlite'), conflictPath);
    const displaced: Displaced[] = [];
    const volume = new Volume(
      filesDir,
      (what) => displaced.push(what),
      (place) =>
        log('error', 'bytes that were to be published are gone; they are fetched again', { path: place }),
    );
    const staging = new Staging(volume.stagingDir);
    const space = new DiskSpace(filesDir, stateDir, options.reserveBytes);
    const trash = new Trash(catalog, volume);
    space.useReclaim((bytes) => trash.makeRoom(bytes));
    await flushDirectory(stateDir);
    let readOnly: ReadOnlyReason = await settleIdentity(catalog, filesDir, member);
    if (readOnly === null) {
      makeInternalDirectories(filesDir);
      await flushDirectory(join(filesDir, INTERNAL_NAME));
      probeVolume(filesDir, join(filesDir, INTERNAL_NAME));
      volume.remember();
      readOnly = await recover({ catalog, volume, staging, trash, displaced, now: now(), log });
    }
    if (readOnly === null) catalog.incarnate(randomBytes(4).toString('hex'));
    else log('error', 'this member takes no writes', { reason: readOnly });
    const warn = (message: string, details: object) => log('warn', message, details);
    const alarm = (reason: string): void => store.stopWriting(reason);
    const context: PublishContext = { catalog, volume, staging, space, now, warn, alarm };
    const store: LocalStore = new LocalStore({
      ...context,
      options,
      lock,
      trash,
      readOnly,
      ballast,
      queue: new GroupCommit({
        catalog,
        volume,
        staging,
        now,
        log,
        displaced,
        onBroken: (reason) => store.stopWriting(reason),
        trash,
        ballast,
      }),
    });
    return store;
  } catch (error) {
    catalog?.close();
    lock.release();
    throw error;
  }
}

export { COMMIT_FAILPOINTS } from './commit-failpoints.ts';
export { CatalogDamaged, StoreInUse, VolumeUnfit } from './store-errors.ts';
