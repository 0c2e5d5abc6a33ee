/** What is on the disk of a simulated board. */
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { Files } from '../leftovers.ts';
import { MemoryTable } from '../memory-table.ts';

export interface State {
  readonly table: MemoryTable;
  readonly cursors: Map<string, number>;
  readonly operations: Map<string, readonly PushedRecord[]>;
  /** Hashes fetched and not yet used. */
  readonly staged: Set<string>;
  incarnation: string;
  lastSeq: number;
  /** The catalog was lost; these files wait to be looked at. Null: it is whole. */
  leftovers: Files | null;
}

export function emptyState(): State {
  return {
    table: new MemoryTable(),
    cursors: new Map(),
    operations: new Map(),
    staged: new Set(),
    incarnation: '',
    lastSeq: 0,
    leftovers: null,
  };
}

export function cloneState(state: State): State {
  return {
    table: state.table.clone(),
    cursors: new Map(state.cursors),
    operations: new Map(state.operations),
    staged: new Set(state.staged),
    incarnation: state.incarnation,
    lastSeq: state.lastSeq,
    leftovers: state.leftovers,
  };
}
