/** What must hold when all wires are joined again and everybody has pulled from everybody. */
import { conflictCopy } from '../../src/replication/merge.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { isLive } from '../../src/replication/tree-view.ts';
import { compareDots, covers, includes, sameDot } from '../../src/replication/version.ts';
import type { Collected } from './collected.ts';
import type { MemoryTable } from './memory-table.ts';
import type { Write } from './sim-member.ts';
import { differingBuckets, sumsOf } from './trees.ts';

export interface Survivor {
  readonly id: string;
  readonly table: MemoryTable;
  readonly bytes: ReadonlySet<string>;
}

/** One sentence for each broken promise. `excused`: writes that went with a disk before anybody else had them. */
export function brokenPromises(
  survivors: readonly Survivor[],
  all: readonly Write[],
  excused: ReadonlySet<Write>,
  withoutBytes: ReadonlySet<Write>,
  collected: Collected,
): string[] {
  const [first] = survivors;
  if (first === undefined) return [];
  const writes = all.filter((write) => !excused.has(write));
  // Somebody removed a file by hand from every disk that was left.
  const excusedBytes = new Set([...excused, ...withoutBytes].map(({ record }) => record.sha256));
  const gone = (sha256: string) =>
    excusedBytes.has(sha256) && !survivors.some(({ bytes }) => bytes.has(sha256));
  return [
    ...differences(first, survivors, collected),
    ...survivors.flatMap((survivor) => missingBytes(survivor, gone)),
    ...writes
      .filter((write) => !withoutBytes.has(write) && isLost(first.table, write, writes))
      .map((write) => `lost ${tell(write.record)}`),
    ...first.table
      .all()
      .filter((record) => isLive(record) && wasDeleted(record, writes))
      .map((record) => `came back: ${tell(record)}`),
    ...writes
      .filter((write) => !collected.has(write.record) && lostItsName(first.table, write, writes))
      .map(({ record }) => `a deletion took the name of ${tell(record)}`),
  ];
}

/** A file that was found when its catalog was lost. */
export interface LeftFile {
  readonly member: unknown;
  readonly record: ReplicaRecord;
  readonly shown: string;
}

/** Its bytes stand somewhere, unless somebody replaced or deleted them, here or under the name they were given then. */
export function filesLeftBehind(
  files: readonly LeftFile[],
  table: MemoryTable,
  writes: readonly Write[],
): string[] {
  const isSafe = ({ record: { sha256 }, shown }: LeftFile): boolean => {
    if (table.all().some((record) => record.kind === 'file' && record.sha256 === sha256)) return true;
    const ended = ({ record }: Write) =>
      record.sha256 === sha256 && (replacedKnowingly(record, writes) || hasItsCopy(table, record));
    return (
      writes.some(ended) || writes.some(({ record }) => record.kind === 'tombstone' && record.path === shown)
    );
  };
  return files.filter((file) => !isSafe(file)).map(({ record }) => `left behind: ${tell(record)}`);
}

function differences(first: Survivor, survivors: readonly Survivor[], collected: Collected): string[] {
  const wanted = portrait(first.table, collected);
  const sums = sumsOf(first.table);
  const known = first.table.knowledge;
  return survivors.flatMap(({ id, table }) => [
    ...(portrait(table, collected) === wanted ? [] : [`${first.id} and ${id} hold different records`]),
    ...(differingBuckets(sumsOf(table), sums).size === 0
      ? []
      : [`${first.id} and ${id} have different trees`]),
    ...(includes(table.knowledge, known) && includes(known, table.knowledge)
      ? []
      : [`${first.id} and ${id} know different writes`]),
  ]);
}

/** Without the tombstones that one member has forgotten before the other. */
function portrait(table: MemoryTable, collected: Collected): string {
  const counting = table.all().filter((record) => isLive(record) || !collected.has(record));
  const lines = counting.map((record) => {
    const context = Object.entries(record.context).sort(compareDots);
    return JSON.stringify({ ...record, context });
  });
  return lines.sort().join('\n');
}

function missingBytes({ id, table, bytes }: Survivor, gone: (sha256: string) => boolean): string[] {
  return table
    .all()
    .filter(({ kind, sha256 }) => kind === 'file' && !bytes.has(sha256) && !gone(sha256))
    .map((record) => `${id} has no bytes for ${tell(record)}`);
}

/** A file is safe when it stands at its path, or somebody who had it there replaced it, or its copy was made. */
function isLost(table: MemoryTable, { record }: Write, writes: readonly Write[]): boolean {
  if (record.kind !== 'file') return false;
  const now = table.get(record.path);
  // The same bytes at the same place: a conflict copy may have met the file that a lost catalog left there.
  if (now !== undefined && (sameDot(now.dot, record.dot) || now.sha256 === record.sha256)) return false;
  // The same bytes written by somebody else under the same name; that write answers for itself.
  const twin = writes.some(
    ({ record: other }) =>
      other.path === record.path && other.sha256 === record.sha256 && !sameDot(other.dot, record.dot),
  );
  if (twin || replacedKnowingly(record, writes)) return false;
  return !hasItsCopy(table, record);
}

/** Or the same bytes there, found when a catalog was lost; or somebody who saw the copy replaced it in its turn. */
function hasItsCopy(table: MemoryTable, record: ReplicaRecord): boolean {
  const copy = conflictCopy(record);
  const there = table.get(copy.path);
  return there?.sha256 === record.sha256 || covers(there?.context ?? {}, copy.dot);
}

function replacedKnowingly(record: ReplicaRecord, writes: readonly Write[]): boolean {
  return writes.some(
    ({ record: next, replaced }) => next.path === record.path && covers(replaced, record.dot),
  );
}

function wasDeleted(record: ReplicaRecord, writes: readonly Write[]): boolean {
  return writes.some(
    ({ record: next, replaced }) =>
      next.kind === 'tombstone' && next.path === record.path && covers(replaced, record.dot),
  );
}

/**
 * A deletion must not win over a write on the same base that it did not know of. Not asked of writes that were settled and
 * forgotten: the tombstone there may be of somebody's old copy of the base (rule 6).
 */
function lostItsName(table: MemoryTable, { record, base }: Write, writes: readonly Write[]): boolean {
  const now = table.get(record.path);
  if (record.kind !== 'file' || base === null || now?.kind !== 'tombstone') return false;
  const deletion = writes.find((write) => sameDot(write.record.dot, now.dot));
  // Rule 6 has seen more than the base; what it did not see has its copy.
  return deletion?.base != null && deletion.forgotten !== true && sameDot(deletion.base, base);
}

function tell({ kind, path, sha256, dot, stamp }: ReplicaRecord): string {
  return `${kind} ${path} ${sha256} [${dot.join(' ')}] stamp ${stamp}`;
}
