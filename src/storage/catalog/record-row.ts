/** A record as a row of the catalog, with where its bytes are on this disk. */
import type { RecordKind, ReplicaRecord } from '../../replication/record.ts';
import { KIND_DIRECTORY, KIND_FILE, KIND_TOMBSTONE } from './catalog-schema.ts';

/** Where and what a file was when it was published, to notice changes behind our back. */
export interface LocalFile {
  /** Virtual path of the disk place: the record's path, or its conflict name while it is shadowed. */
  readonly place: string;
  /** Decimal, as a bigint stat gives it. */
  readonly ino: string;
  /** Nanoseconds since 1970, decimal. */
  readonly mtimeNs: string;
}

export interface StoredRecord {
  readonly record: ReplicaRecord;
  /** Undefined unless the record is a file. */
  readonly local: LocalFile | undefined;
}

export type Row = Record<string, unknown>;

export const RECORD_COLUMNS =
  'path, kind, size, sha256, mtime, actor, seq, stamp, context, kept, place, ino, disk_mtime_ns';

const KINDS: readonly RecordKind[] = ['tombstone', 'directory', 'file'];

export function kindNumber(kind: RecordKind): number {
  switch (kind) {
    case 'tombstone':
      return KIND_TOMBSTONE;
    case 'directory':
      return KIND_DIRECTORY;
    case 'file':
      return KIND_FILE;
  }
}

export function recordOf(row: Row): ReplicaRecord {
  const kind = KINDS[Number(row['kind'])];
  if (kind === undefined)
    throw new Error(`catalog: unknown kind ${String(row['kind'])} at ${String(row['path'])}`);
  return {
    path: String(row['path']),
    kind,
    size: Number(row['size']),
    sha256: String(row['sha256']),
    mtime: Number(row['mtime']),
    dot: [String(row['actor']), Number(row['seq'])],
    stamp: Number(row['stamp']),
    context: JSON.parse(String(row['context'])),
    kept: row['kept'] === '[]' ? [] : JSON.parse(String(row['kept'])),
  };
}

export function storedOf(row: Row): StoredRecord {
  const record = recordOf(row);
  if (record.kind !== 'file' || row['ino'] === null) return { record, local: undefined };
  return {
    record,
    local: {
      place: typeof row['place'] === 'string' ? row['place'] : record.path,
      ino: String(row['ino']),
      mtimeNs: String(row['disk_mtime_ns']),
    },
  };
}

/** `/a/b` -> `/a`; `/a` -> `/`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
