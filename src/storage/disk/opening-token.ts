/**
 * Notices that catalog or volume was put back from a backup, or from a snapshot of its file system, without the other. At
 * each opening and each orderly end a new random word goes into both, with a number that counts up. The catalog first
 * notes the word to come, then the volume gets it, then the catalog takes it for its own: whatever a crash leaves, the
 * volume's word is one of the two that the catalog knows.
 *
 * A backup of the catalog that is put back into the very run it was taken from, after a crash, is not noticed.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { failpoint } from '../../system/failpoint.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { diskTrouble } from '../store-errors.ts';
import { identityFile, type VolumeIdentity, writeIdentity } from './store-identity.ts';

/** The side that is older than the other, and not to be believed where they differ. */
export type Distrusted = 'catalog' | 'volume';

interface Noted {
  readonly opening: number;
  readonly token: string;
  /** On its way to the volume, or there already. */
  readonly next: string;
}

const NOTE = 'opening';
const DISTRUST = 'distrust';

/** Undefined: they belong together. */
export function olderSide(catalog: Catalog, found: VolumeIdentity): Distrusted | undefined {
  const noted = notedIn(catalog);
  if (found.token === undefined) return noted === undefined ? undefined : 'volume';
  if (noted === undefined) return 'catalog';
  if (found.token === noted.token || found.token === noted.next) return undefined;
  return (found.opening ?? 0) < noted.opening ? 'volume' : 'catalog';
}

/** Gives both the next word; what was found out about them is remembered until `trustAgain`. Then comes `confirmToken`. */
export async function renewToken(
  catalog: Catalog,
  filesDir: string,
  { found, older }: { found?: VolumeIdentity | undefined; older?: Distrusted | undefined } = {},
): Promise<void> {
  const { member, store } = catalog.state;
  const before = notedIn(catalog) ?? { opening: 0, token: '', next: '' };
  const opening = Math.max(before.opening, found?.opening ?? 0) + 1;
  const next = randomBytes(8).toString('hex');
  // What the volume holds at this moment, so that it is known whether or not the next word gets there.
  const token = found?.token ?? before.token;
  note(catalog, { opening, token, next }, older);
  failpoint('identity:catalog');
  try {
    await writeIdentity(filesDir, { member, store, opening, token: next });
  } catch (error) {
    // A full disk must open all the same, or nothing could be deleted from it: both sides keep the word they have.
    if (diskTrouble(error) !== 'no-space' || !existsSync(identityFile(filesDir))) throw error;
    rmSync(`${identityFile(filesDir)}.new`, { force: true });
    note(catalog, { opening: before.opening, token, next: '' });
  }
  failpoint('identity:volume');
}

/** Inside a transaction, after `renewToken`: the volume has the new word, and no other is its own. */
export function confirmToken(catalog: Catalog): void {
  const noted = notedIn(catalog);
  if (noted === undefined) return;
  catalog.ledger.setNote(NOTE, JSON.stringify({ ...noted, token: noted.next || noted.token, next: '' }));
}

export function distrusted(catalog: Catalog): Distrusted | null {
  const noted = catalog.reader.note(DISTRUST);
  return noted === 'catalog' || noted === 'volume' ? noted : null;
}

/** Inside a transaction: catalog and volume were reconciled. */
export function forgetDistrust(catalog: Catalog): void {
  catalog.ledger.setNote(DISTRUST, '');
}

function notedIn(catalog: Catalog): Noted | undefined {
  const noted = catalog.reader.note(NOTE);
  return noted === undefined ? undefined : (JSON.parse(noted) as Noted);
}

function note(catalog: Catalog, noted: Noted, older?: Distrusted): void {
  catalog.transaction(() => {
    catalog.ledger.setNote(NOTE, JSON.stringify(noted));
    if (older === undefined) return;
    catalog.ledger.setNote(DISTRUST, older);
    // Steps of that time would be done to files that have nothing to do with them but a place and an inode number.
    catalog.ledger.clearIntents(Number.MAX_SAFE_INTEGER);
  });
}
