/**
 * Does this volume belong to this catalog? `.cloudroid/store.json` on the volume must equal what the catalog says; a
 * missing mount or another disk must never look like "all files deleted".
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { INTERNAL_NAME } from '../path-check.ts';
import { errnoOf, message } from '../store-errors.ts';
import { makeClosedDirectory } from './account-mode.ts';
import { flushDirectory } from './flush-directories.ts';

export interface VolumeIdentity {
  readonly member: string;
  readonly store: string;
  /** How often the store was opened or closed, and a word made up for the last time (opening-token.ts). */
  readonly opening?: number;
  readonly token?: string;
}

/** Null: fit for writing. Else why this replica takes no writes, and what to do. */
export type ReadOnlyReason = string | null;

/** What lies where the volume should be. */
export interface VolumeLook {
  readonly identity: VolumeIdentity | undefined;
  /** Why store.json, or the directory, cannot be read. */
  readonly unreadable: string | undefined;
  readonly exists: boolean;
  /** Names at the top, those of ours and an empty lost+found left out. */
  readonly entries: readonly string[];
}

export function identityFile(filesDir: string): string {
  return join(filesDir, INTERNAL_NAME, 'store.json');
}

export function lookAtVolume(filesDir: string): VolumeLook {
  const file = identityFile(filesDir);
  const nothing = { identity: undefined, unreadable: undefined, exists: false, entries: [] };
  let entries: readonly string[];
  try {
    entries = userEntries(filesDir);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return nothing;
    return { ...nothing, exists: true, unreadable: `${filesDir} cannot be read (${message(error)})` };
  }
  try {
    return { identity: readIdentity(file), unreadable: undefined, exists: true, entries };
  } catch (error) {
    const unreadable = `${file} cannot be read (${message(error)})`;
    return { identity: undefined, unreadable, exists: true, entries };
  }
}

/** Top names of the volume that are users' files and folders. */
export function userEntries(filesDir: string): string[] {
  return readdirSync(filesDir).filter((name) => {
    if (name === INTERNAL_NAME) return false;
    return name !== 'lost+found' || !isEmptyOrClosed(join(filesDir, name));
  });
}

/** mkfs makes a lost+found that only root may read. */
function isEmptyOrClosed(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch (error) {
    return errnoOf(error) === 'EACCES';
  }
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
  return {
    member: String(value.member),
    store: String(value.store),
    ...('opening' in value && { opening: Number(value.opening) }),
    ...('token' in value && { token: String(value.token) }),
  };
}

/** Durable when this resolves. */
export async function writeIdentity(filesDir: string, identity: VolumeIdentity): Promise<void> {
  const file = identityFile(filesDir);
  const dir = dirname(file);
  const made = await mkdir(dir, { recursive: true });
  const handle = await open(`${file}.new`, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(identity)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  const above = made === undefined ? [] : [filesDir, dirname(filesDir)];
  for (const each of [dir, ...above]) await flushDirectory(each);
}

/** The directories a store needs on its volume. */
export function makeInternalDirectories(filesDir: string): void {
  for (const name of ['trash', 'hidden', 'parts']) {
    mkdirSync(join(filesDir, INTERNAL_NAME, name), { recursive: true });
  }
  // What nobody may see yet, and what nobody else may ever read.
  for (const name of ['staging', 'users']) makeClosedDirectory(join(filesDir, INTERNAL_NAME, name));
}
