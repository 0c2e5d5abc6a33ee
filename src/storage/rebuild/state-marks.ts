/**
 * Small files beside the catalog that outlive it: what the operator said about the disk, and that a catalog was lost. And
 * the catalogs themselves, moved aside under a name that says why and when; they are never deleted.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from '../store-errors.ts';

/** empty: a new disk takes the place of the old one. files: the files of the disk that is there are taken in. */
export type AcceptedDisk = 'empty' | 'files';

const ACCEPTED = 'accept-disk';
/** The catalog was found damaged, by its opening or by a process that used it. */
const LOST = 'catalog-lost';

export function acceptedDisk(stateDir: string): AcceptedDisk | undefined {
  const said = readMark(stateDir, ACCEPTED)?.trim();
  return said === 'empty' || said === 'files' ? said : undefined;
}

export function acceptDisk(stateDir: string, what: AcceptedDisk): void {
  writeMark(stateDir, ACCEPTED, `${what}\n`);
}

export function dropAcceptedDisk(stateDir: string): void {
  dropMark(stateDir, ACCEPTED);
}

/** Why; undefined when nothing was noticed. */
export function lostCatalog(stateDir: string): string | undefined {
  return readMark(stateDir, LOST);
}

export function noteLostCatalog(stateDir: string, why: string): void {
  writeMark(stateDir, LOST, `${why}\n`);
}

export function dropLostCatalog(stateDir: string): void {
  dropMark(stateDir, LOST);
}

/** `catalog.sqlite` becomes `catalog.sqlite.<why>-<time>`, and -wal and -shm with it. Resolves to the new name. */
export function moveCatalogAside(file: string, why: 'damaged' | 'replaced', now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:.]/g, '');
  let aside = `${file}.${why}-${time}`;
  for (let n = 2; existsSync(aside); n += 1) aside = `${file}.${why}-${time}-${n}`;
  // The file itself first: without its -wal a catalog would be taken for an old but sound one.
  for (const end of ['', '-wal', '-shm']) {
    try {
      renameSync(`${file}${end}`, `${aside}${end}`);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  flush(dirname(file));
  return aside;
}

function readMark(stateDir: string, name: string): string | undefined {
  try {
    return readFileSync(join(stateDir, name), 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function writeMark(stateDir: string, name: string, text: string): void {
  writeFileSync(join(stateDir, name), text, { flush: true });
  flush(stateDir);
}

function dropMark(stateDir: string, name: string): void {
  if (!existsSync(join(stateDir, name))) return;
  rmSync(join(stateDir, name));
  flush(stateDir);
}

function flush(dir: string): void {
  const descriptor = openSync(dir, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
