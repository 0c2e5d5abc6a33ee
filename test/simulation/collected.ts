/** All tombstones that anybody ever collected: what may be forgotten without being lost. */
import type { Dot, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isLive } from '../../src/replication/tree-view.ts';
import { covers, join } from '../../src/replication/version.ts';
import type { MemoryTable } from './memory-table.ts';

export class Collected {
  readonly #seen = new Map<string, VersionVector>();
  readonly #dots = new Set<string>();

  /** `tables`: of everybody, who may have more to say of the same deletion. */
  add(tombstone: ReplicaRecord, tables: readonly MemoryTable[] = []): void {
    const { path, dot, context } = tombstone;
    this.#seen.set(path, join(this.#seen.get(path) ?? {}, context));
    this.#dots.add(`${path} ${dot.join(' ')}`);
    for (const table of tables) this.meet(table.get(path));
  }

  /**
   * Where the same tombstone still stands it goes on to settle what comes late. Whoever has forgotten it takes that for
   * known, and the outcome (the copies) from the others.
   */
  meet(record: ReplicaRecord | undefined): void {
    if (record === undefined || !this.#dots.has(`${record.path} ${record.dot.join(' ')}`)) return;
    this.#seen.set(record.path, join(this.#seen.get(record.path) ?? {}, record.context));
  }

  /** What the tombstones that stood at a path had seen. */
  seenAt(path: string): VersionVector {
    return this.#seen.get(path) ?? {};
  }

  /** A deletion of which no record need be left, or something it ended. */
  has({ path, dot }: { readonly path: string; readonly dot: Dot }): boolean {
    return covers(this.#seen.get(path) ?? {}, dot);
  }

  /** The replica does not need the tombstone to know what it said, and nothing stands there that it ended. */
  isKnownBy(table: MemoryTable, write: ReplicaRecord): boolean {
    const here = table.get(write.path);
    const standsAgain = isLive(here) && this.has(here);
    return this.has(write) && covers(table.knowledge, write.dot) && !standsAgain;
  }
}
