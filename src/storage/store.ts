/**
 * One replica on this disk. Opening it: lock, catalog, identity, file system probe, redo of what was committed, a new
 * incarnation; a volume that is missing or another's opens read-only and is not touched. A lost catalog is rebuilt.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, statfsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExchangeEnd } from '../peers/protocol.ts';
import type { Catalog } from './catalog/catalog.ts';
import { Ballast } from './disk/ballast.ts';
import { DiskSpace } from './disk/disk-space.ts';
import { flushDirectory } from './disk/flush-directories.ts';
import { confirmToken } from './disk/opening-token.ts';
import { Parts } from './disk/parts.ts';
import type { PublishContext } from './disk/publish-context.ts';
import { Staging } from './disk/staging.ts';
import { makeInternalDirectories } from './disk/store-identity.ts';
import { Trash } from './disk/trash.ts';
import { type Displaced, Volume } from './disk/volume.ts';
import { probeVolume } from './disk/volume-probe.ts';
import { GroupCommit } from './group-commit.ts';
import { LocalStore } from './local-store.ts';
import { INTERNAL_NAME } from './path-check.ts';
import { moveToSalvage } from './rebuild/move-aside.ts';
import { openCatalog } from './rebuild/open-catalog.ts';
import { rebuildState } from './rebuild/rebuild-state.ts';
import { recover } from './recovery.ts';
import type { Store, StoreOptions } from './store-api.ts';
import { message } from './store-errors.ts';
import { lockStore } from './store-lock.ts';

/** With less on its disk a catalog may not even open. */
const FULL_BYTES = 1024 * 1024;

/**
 * Opens or makes a store. Throws StoreInUse, VolumeUnfit; a missing or foreign volume is no error: the store opens read-only
 * and `hello().readOnly` says why. A damaged catalog is none either: it is moved aside and rebuilt.
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
  const { stateDir, now, log } = options;
  const lock = lockStore(stateDir);
  let catalog: Catalog | undefined;
  try {
    const opened = await openCatalog({ ...options, filesDir });
    let { readOnly } = opened;
    ({ catalog } = opened);
    const displaced: Displaced[] = [];
    const volume = new Volume(
      filesDir,
      (what) => displaced.push(what),
      (place) =>
        log('error', 'bytes that were to be published are gone; they are fetched again', { path: place }),
      (place) =>
        log('warn', "a file is another user's and keeps its date: give it to this service (chown)", {
          path: place,
        }),
    );
    const staging = new Staging(volume.stagingDir);
    const space = new DiskSpace(filesDir, stateDir, options.reserveBytes);
    const trash = new Trash(catalog, volume);
    const parts = new Parts(volume.partsDir, staging, now);
    // Clients still have what parts were made of; what is in the trash may be nowhere else.
    space.useReclaim(
      (bytes) => trash.makeRoom(bytes),
      (bytes) => parts.makeRoom(bytes),
      () => volume.keepBallast(),
    );
    await flushDirectory(stateDir);
    if (readOnly === null) {
      makeInternalDirectories(filesDir);
      await flushDirectory(join(filesDir, INTERNAL_NAME));
      probeVolume(filesDir, join(filesDir, INTERNAL_NAME));
      const rebuilding = rebuildState(catalog);
      if (rebuilding?.phase === 'move') readOnly = await moveToSalvage(catalog, volume, rebuilding, log);
      volume.remember();
      try {
        parts.load();
      } catch (error) {
        log('warn', 'what was kept of broken uploads cannot be read', { error: message(error) });
      }
      readOnly ??= await recover({ catalog, volume, staging, trash, displaced, now: now(), log });
    }
    if (readOnly === null) {
      volume.keepBallast();
      catalog.incarnate(randomBytes(4).toString('hex'), () => confirmToken(opened.catalog));
    } else log('error', 'this member takes no writes', { reason: readOnly });
    const warn = (message: string, details: object) => log('warn', message, details);
    const alarm = (reason: string): void => store.stopWriting(reason);
    const exchanged = (exchange: ExchangeEnd): void => store.disk.noteExchange(exchange);
    const context: PublishContext = { catalog, volume, staging, space, now, warn, alarm, exchanged };
    const store: LocalStore = new LocalStore({
      ...context,
      options,
      lock,
      trash,
      parts,
      readOnly,
      ballast,
      queue: new GroupCommit({
        catalog,
        volume,
        staging,
        now,
        log,
        displaced,
        onBroken: (reason, error) => store.stopWriting(reason, error),
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

export { COMMIT_FAILPOINTS, LATE_FAILPOINT } from './commit-failpoints.ts';
export { StoreInUse, VolumeUnfit } from './store-errors.ts';
