/**
 * Opens the catalog and finds out whether it and the volume belong together. Every other case has its own answer:
 *
 *   volume missing or not mounted        read-only, and so where a disk must be mounted and is not
 *   another store's disk                 read-only; `cloudroid disk rebuild` takes its files in
 *   empty new disk                       read-only; `cloudroid disk accept`: a new store, everything comes from the peers
 *   catalog gone or damaged, files here  rebuild (rebuild.ts); a damaged catalog is moved aside, never deleted
 *   one side older than the other        goes on, distrusting the older one (opening-token.ts)
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { conflictPath } from '../../replication/conflict-name.ts';
import { failpoint } from '../../system/failpoint.ts';
import { isPlanted } from '../../system/planted-bug.ts';
import { Catalog } from '../catalog/catalog.ts';
import { isMountPoint } from '../disk/mount-point.ts';
import { olderSide, renewToken } from '../disk/opening-token.ts';
import {
  lookAtVolume,
  type ReadOnlyReason,
  type VolumeIdentity,
  type VolumeLook,
} from '../disk/store-identity.ts';
import { CatalogDamaged, message } from '../store-errors.ts';
import { noteRebuild, rebuildState } from './rebuild-state.ts';
import {
  acceptedDisk,
  dropAcceptedDisk,
  dropLostCatalog,
  lostCatalog,
  moveCatalogAside,
  noteLostCatalog,
} from './state-marks.ts';

export interface OpeningOptions {
  readonly filesDir: string;
  readonly stateDir: string;
  readonly mountDir?: string | null;
  readonly member: string;
  readonly now: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

export interface OpenedCatalog {
  readonly catalog: Catalog;
  readonly readOnly: ReadOnlyReason;
}

type Verdict =
  | { readonly kind: 'fit' }
  | { readonly kind: 'read-only'; readonly reason: string }
  /** The operator said that the disk that is there takes the old one's place: a new catalog. */
  | { readonly kind: 'replace' }
  /** A new store: nothing is on the volume. */
  | { readonly kind: 'found' }
  | { readonly kind: 'rebuild' };

/** Throws what disk and catalog say; CatalogDamaged only when not even a new catalog can be made. */
export async function openCatalog(options: OpeningOptions): Promise<OpenedCatalog> {
  const { filesDir, stateDir, member, log, now } = options;
  const look = lookAtVolume(filesDir);
  let catalog = openOrMoveAside(options);
  try {
    let verdict = judge(catalog, look, options);
    if (verdict.kind === 'replace') {
      catalog.close();
      const aside = moveCatalogAside(catalog.file, 'replaced', now());
      log('warn', 'the disk was replaced, as the operator says: this member begins anew', { old: aside });
      failpoint('identity:replaced');
      catalog = new Catalog(catalog.file, conflictPath);
      verdict = judge(catalog, look, options);
    }
    if (verdict.kind === 'read-only' || verdict.kind === 'replace') {
      const reason = verdict.kind === 'read-only' ? verdict.reason : 'the disk cannot be taken in';
      const accepted = acceptedDisk(stateDir);
      if (accepted !== undefined) {
        // Said about another state of things: it must not come true later.
        dropAcceptedDisk(stateDir);
        log('warn', 'the disk is not as the operator said, so nothing is done to it', { said: accepted });
      }
      return { catalog, readOnly: reason };
    }
    if (verdict.kind === 'rebuild') beginRebuild(catalog, look, options);
    if (verdict.kind === 'found' || verdict.kind === 'rebuild') {
      catalog.setIdentity({ member, store: randomBytes(8).toString('hex'), volume: 'new' });
    }
    failpoint('identity:named');
    await belongTogether(catalog, look, options);
    if (acceptedDisk(stateDir) !== undefined) dropAcceptedDisk(stateDir);
    if (lostCatalog(stateDir) !== undefined) dropLostCatalog(stateDir);
    return { catalog, readOnly: null };
  } catch (error) {
    catalog.close();
    throw error;
  }
}

function openOrMoveAside({ stateDir, log, now }: OpeningOptions): Catalog {
  const file = join(stateDir, 'catalog.sqlite');
  const suspected = lostCatalog(stateDir);
  // What a catalog left behind that was deleted must not be read into the next one.
  if (!existsSync(file) && existsSync(`${file}-wal`)) moveCatalogAside(file, 'damaged', now());
  try {
    const catalog = new Catalog(file, conflictPath, { thorough: suspected !== undefined });
    if (suspected !== undefined)
      log('info', 'the catalog was said to be lost or damaged; what is there is sound', {});
    return catalog;
  } catch (error) {
    if (!(error instanceof CatalogDamaged)) throw error;
    noteLostCatalog(stateDir, message(error.cause));
    const aside = moveCatalogAside(file, 'damaged', now());
    log('error', `ALARM: the catalog ${file} is damaged; it was moved aside and is rebuilt`, {
      aside,
      why: message(error.cause),
    });
    failpoint('identity:aside');
    return new Catalog(file, conflictPath);
  }
}

function judge(catalog: Catalog, look: VolumeLook, options: OpeningOptions): Verdict {
  const { filesDir, stateDir, member, mountDir = null } = options;
  const { identity, unreadable, entries } = look;
  const { store, member: catalogued, volume } = catalog.state;
  const accepted = acceptedDisk(stateDir);
  const no = (reason: string): Verdict => ({ kind: 'read-only', reason });
  if (mountDir !== null && !isMountPoint(mountDir)) {
    return no(
      `The disk of this member is not there: nothing is mounted on ${mountDir}. Plug it in (it is noticed by itself); nothing was ` +
        'deleted, and nothing is written to the card instead.',
    );
  }
  if (unreadable !== undefined)
    return no(`${unreadable}: check the disk, or restore the file from a backup.`);
  if (store === '') {
    if (identity !== undefined) {
      if (identity.member === member || accepted === 'files') return { kind: 'rebuild' };
      return no(
        `The volume ${filesDir} holds the files of member ${identity.member} (store ${identity.store}), and this is ${member}, ` +
          `which has no catalog: mount the right disk and restart. ${TAKE_IN}`,
      );
    }
    if (accepted === 'files' && entries.length > 0) return { kind: 'rebuild' };
    if (lostCatalog(stateDir) === undefined || accepted === 'empty') return { kind: 'found' };
    return no(
      `The catalog was damaged (moved aside in ${stateDir}), and the volume ${filesDir} is missing or not mounted: mount it ` +
        'and restart; nothing was deleted.',
    );
  }
  if (catalogued !== member) {
    return no(
      `The catalog ${catalog.file} belongs to member ${catalogued}, this is ${member}: it is another member's state.`,
    );
  }
  const rebuilding = rebuildState(catalog);
  const another = identity !== undefined && (identity.store !== store || identity.member !== member);
  const foreign = another && !isPlanted('stale disk marker accepted');
  if (rebuilding?.phase === 'move' && foreign && identity.store === rebuilding.from) return { kind: 'fit' };
  if (identity === undefined) {
    if (volume === 'new') return { kind: 'fit' };
    if (accepted === 'empty' && entries.length === 0) return { kind: 'replace' };
    if (accepted === 'files' && entries.length > 0) return { kind: 'replace' };
    return no(missing(filesDir, look));
  }
  if (!foreign) return { kind: 'fit' };
  if (accepted === 'files') return { kind: 'replace' };
  return no(
    `The volume ${filesDir} belongs to store ${identity.store} of member ${identity.member}, the catalog to store ${store} of ` +
      `${member}: mount the right disk and restart. ${TAKE_IN}`,
  );
}

const TAKE_IN =
  'Or, if this disk is to stay: `cloudroid disk rebuild` takes its files in; those that the other members do not know become new ones.';

function missing(filesDir: string, { exists, entries }: VolumeLook): string {
  if (entries.length > 0) {
    return (
      `The volume ${filesDir} holds files, but is not this member's (no .cloudroid/store.json): mount the right disk and ` +
      `restart; nothing was deleted. ${TAKE_IN}`
    );
  }
  return (
    `The volume ${filesDir} is ${exists ? 'empty: not mounted, or a new disk' : 'missing or not mounted'}: mount it and restart; ` +
    'nothing was deleted. If a new, empty disk takes the place of the old one: `cloudroid disk accept`, then restart; ' +
    'everything is then fetched from the other members.'
  );
}

function beginRebuild(
  catalog: Catalog,
  { identity }: VolumeLook,
  { filesDir, member, log }: OpeningOptions,
): void {
  const from = identity?.store ?? null;
  const foreign = identity !== undefined && identity.member !== member;
  catalog.transaction(() =>
    noteRebuild(catalog, { phase: 'move', from, exchanged: false, alone: false, foreign }),
  );
  log('warn', 'the catalog is lost: it is rebuilt from the files of the volume and from the other members', {
    volume: filesDir,
    store: from,
  });
}

/** Writes the identity where it is missing, and a new word on both sides. */
async function belongTogether(
  catalog: Catalog,
  { identity }: VolumeLook,
  { filesDir, log }: OpeningOptions,
): Promise<void> {
  const own: VolumeIdentity | undefined = identity?.store === catalog.state.store ? identity : undefined;
  const older = own === undefined ? undefined : olderSide(catalog, own);
  if (older !== undefined) log('warn', restored(older, filesDir), {});
  await renewToken(catalog, filesDir, { found: own, older });
  const { member, store, volume } = catalog.state;
  if (volume !== 'ready') catalog.setIdentity({ member, store, volume: 'ready' });
}

/** What people are told while one side is distrusted. */
export function restored(older: 'catalog' | 'volume', filesDir: string): string {
  return older === 'catalog'
    ? `The catalog was restored from a backup, or is older than the volume ${filesDir}: it is reconciled with the volume and the other members.`
    : `The volume ${filesDir} was restored from a backup or a snapshot: it is older than the catalog and is reconciled with the other members.`;
}
