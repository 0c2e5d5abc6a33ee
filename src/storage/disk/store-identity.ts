/**
 * Does this volume belong to this catalog? `.cloudroid/store.json` on the volume must equal what the catalog says;
 * a missing mount or another disk must never look like "all files deleted".
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isPlanted } from '../../system/planted-bug.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { INTERNAL_NAME } from '../path-check.ts';
import { errnoOf, message } from '../store-errors.ts';
import { flushDirectory } from './volume.ts';

export interface VolumeIdentity {
  readonly member: string;
  readonly store: string;
}

/** Null: fit for writing. Else why this replica takes no writes, and what to do. */
export type ReadOnlyReason = string | null;

/** Settles who we are; on a first start makes the identity on both sides. Throws disk and catalog errors. */
export async function settleIdentity(
  catalog: Catalog,
  filesDir: string,
  member: string,
): Promise<ReadOnlyReason> {
  const { store, member: catalogued } = catalog.state;
  const file = join(filesDir, INTERNAL_NAME, 'store.json');
  let found: VolumeIdentity | undefined;
  try {
    found = readIdentity(file);
  } catch (error) {
    return `${file} cannot be read (${message(error)}): check the disk, or restore the file from a backup.`;
  }
  if (store === '') {
    if (found !== undefined) {
      return (
        `The volume ${filesDir} holds files of store ${found.store}, but the catalog ${catalog.file} is new or lost: restore ` +
        'the catalog from a backup, or move the volume aside to start empty and pull everything from the other members.'
      );
    }
    catalog.setIdentity({ member, store: randomBytes(8).toString('hex'), volume: 'new' });
  } else if (catalogued !== member) {
    return `The catalog ${catalog.file} belongs to member ${catalogued}, this is ${member}: it is another member's state.`;
  }
  if (catalog.state.volume === 'new' && found === undefined) await writeIdentity(file, catalog.state);
  else if (found === undefined) {
    return `The volume ${filesDir} is missing or not mounted (no ${file}): mount it and restart; nothing was deleted.`;
  } else if ((found.store !== store || found.member !== member) && !isPlanted('stale disk marker accepted')) {
    return (
      `The volume ${filesDir} belongs to store ${found.store} of member ${found.member}, the catalog to store ${store} of ` +
      `${member}: mount the right disk and restart.`
    );
  }
  if (catalog.state.volume !== 'ready') {
    catalog.setIdentity({ member, store: catalog.state.store, volume: 'ready' });
  }
  return null;
}

/** Undefined when there is no such file. */
function readIdentity(file: string): VolumeIdentity | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('member' in value) || !('store' in value)) {
    throw new Error('not an identity');
  }
  return { member: String(value.member), store: String(value.store) };
}

async function writeIdentity(file: string, { member, store }: VolumeIdentity): Promise<void> {
  const dir = dirname(file);
  await mkdir(dir, { recursive: true });
  const handle = await open(`${file}.new`, 'w');
  try {
    await handle.writeFile(`${JSON.stringify({ member, store })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  for (const each of [dir, dirname(dir), dirname(dirname(dir))]) await flushDirectory(each);
}

/** The directories a store needs on its volume. */
export function makeInternalDirectories(filesDir: string): void {
  for (const name of ['staging', 'trash', 'hidden']) {
    mkdirSync(join(filesDir, INTERNAL_NAME, name), { recursive: true });
  }
}
