/** What must hold when everybody has pulled from everybody. */
import { isLive, shownPath } from '../../../src/replication/tree-view.ts';
import { includes } from '../../../src/replication/version.ts';
import type { Collected } from '../collected.ts';
import type { MemoryTable } from '../memory-table.ts';
import { differingBuckets, sumsOf } from '../trees.ts';
import type { Ledger } from './ledger.ts';

export interface Survivor {
  readonly id: string;
  readonly table: MemoryTable;
}

export function healedPromises(
  survivors: readonly Survivor[],
  ledger: Ledger,
  collected: Collected,
): string[] {
  const [first] = survivors;
  if (first === undefined) return [];
  const tables = survivors.map(({ table }) => table);
  return [
    ...survivors.flatMap((survivor) => differences(first, survivor, collected)),
    ...ledger.lost([first.table]),
    ...ledger.undone(tables),
    ...ledger.namesTaken(first.table),
    ...samePlaces(first.table),
  ];
}

function differences(first: Survivor, { id, table }: Survivor, collected: Collected): string[] {
  const wrong: string[] = [];
  const paths = new Set([...first.table.all(), ...table.all()].map(({ path }) => path));
  for (const path of paths) {
    const [one, other] = [first.table, table].map((each) => portrait(each, path, collected));
    if (one !== other) wrong.push(`${first.id} and ${id} differ: ${one} / ${other}`);
  }
  if (differingBuckets(sumsOf(first.table), sumsOf(table)).size > 0)
    wrong.push(`${first.id} and ${id} have different trees`);
  const { knowledge } = first.table;
  if (!includes(table.knowledge, knowledge) || !includes(knowledge, table.knowledge))
    wrong.push(`${first.id} and ${id} know different writes`);
  return wrong;
}

/** A tombstone that others have forgotten counts for nothing. */
function portrait(table: MemoryTable, path: string, collected: Collected): string {
  const record = table.get(path);
  if (record === undefined || (!isLive(record) && collected.has(record))) return 'nothing';
  const context = Object.entries(record.context).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...record, context });
}

/**
 * No two shadowed files are shown under one name. (Somebody may store a file under a name that elsewhere already shows a
 * shadowed one: that one waits, unseen, until the name or its own path is free.)
 */
function samePlaces(table: MemoryTable): string[] {
  const taken = new Set<string>();
  return table
    .all()
    .filter((record) => isLive(record) && shownPath(record, table) !== record.path)
    .map((record) => shownPath(record, table))
    .filter((place) => taken.has(place) || !taken.add(place))
    .map((place) => `two files are shown at ${place}`);
}
