/** Where the bytes of a hash are in this replica: a published file, what a rebuild saved, the trash. Looked at, not believed. */

import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogLedger } from '../catalog/catalog-ledger.ts';
import type { RecordReader } from '../catalog/record-reader.ts';
import type { StoredRecord } from '../catalog/record-row.ts';
import type { SalvageTable } from '../catalog/salvage-table.ts';
import { isOurs } from './file-steps.ts';
import { salvageDirOf } from './salvage-dir.ts';
import type { Volume } from './volume.ts';

/** A file on disk that holds the wanted bytes. */
export interface ContentSource {
  readonly diskPath: string;
  /** Virtual path of a published file; undefined for one in the trash. */
  readonly place: string | undefined;
  readonly ino: string;
  readonly size: number;
  readonly mtimeNs: string;
  /** The record's modification time; undefined for one in the trash. */
  readonly mtime: number | undefined;
  /** Nothing else has this inode: it may be given another modification time. */
  readonly free?: boolean;
}

/** True when the file is as the catalog says (size, mtime, inode); else it was changed or lost behind our back. */
export function isIntact(volume: Volume, stored: StoredRecord): boolean {
  return sourceAt(volume, stored) !== undefined;
}

export function sourceAt(volume: Volume, { record, local }: StoredRecord): ContentSource | undefined {
  if (local === undefined || volume.isDistrusted(local)) return undefined;
  const diskPath = volume.diskPath(local.place);
  const found = statOf(diskPath);
  if (
    found === undefined ||
    String(found.ino) !== local.ino ||
    String(found.mtimeNs) !== local.mtimeNs ||
    Number(found.size) !== record.size
  ) {
    return undefined;
  }
  return {
    diskPath,
    place: local.place,
    ino: local.ino,
    size: record.size,
    mtimeNs: local.mtimeNs,
    mtime: record.mtime,
  };
}

export function trashSource(
  volume: Volume,
  ledger: CatalogLedger,
  sha256: string,
): ContentSource | undefined {
  for (const row of ledger.trashWithContent(sha256)) {
    const diskPath = join(volume.trashDir, row.id);
    const found = statOf(diskPath);
    if (found === undefined || Number(found.size) !== row.size) continue;
    const look = { ino: String(found.ino), mtimeNs: String(found.mtimeNs) };
    if (volume.isDistrusted(look)) continue;
    return { diskPath, place: undefined, size: row.size, mtime: undefined, ...look };
  }
  return undefined;
}

/** Candidates in the order of preference; published files with the wanted modification time first. */
export function findSource(
  volume: Volume,
  { table, ledger, salvage }: Pick<Catalog, 'ledger' | 'salvage'> & { readonly table: RecordReader },
  sha256: string,
  mtime?: number,
): ContentSource | undefined {
  let other: ContentSource | undefined;
  for (const stored of table.withContent(sha256)) {
    const source = sourceAt(volume, stored);
    if (source !== undefined && (mtime === undefined || source.mtime === mtime)) return source;
    other ??= source;
  }
  const saved = salvageSource(volume, salvage, sha256, mtime);
  // What is free needs no copy.
  if (saved !== undefined && (saved.free === true || saved.mtime === mtime)) return saved;
  return other ?? saved ?? trashSource(volume, ledger, sha256);
}

/** One with the wanted time, else one that may get it, else any. */
function salvageSource(
  volume: Volume,
  salvage: SalvageTable,
  sha256: string,
  mtime: number | undefined,
): ContentSource | undefined {
  let best: ContentSource | undefined;
  for (const { path, size } of salvage.withContent(sha256)) {
    const diskPath = salvageDirOf(volume) + path;
    const found = statOf(diskPath);
    if (found === undefined || Number(found.size) !== size) continue;
    const look = { ino: String(found.ino), mtimeNs: String(found.mtimeNs) };
    if (volume.isDistrusted(look)) continue;
    const source: ContentSource = {
      diskPath,
      place: undefined,
      size,
      ...look,
      mtime: Math.round(Number(found.mtimeNs) / 1e6),
      free: found.nlink === 1n && isOurs(found),
    };
    if (mtime === undefined || source.mtime === mtime) return source;
    if (best === undefined || (source.free === true && best.free !== true)) best = source;
  }
  return best;
}

function statOf(diskPath: string) {
  try {
    const found = lstatSync(diskPath, { bigint: true, throwIfNoEntry: false });
    return found?.isFile() === true ? found : undefined;
  } catch (error) {
    // A file where a directory of the path should be: the wanted file is not there.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
