/**
 * The hash tree of the catalog's records: sums in the table `tree`, changed in the transaction that changes the records,
 * and the committed ones in memory (2 MiB), so that answering a peer reads nothing.
 *
 * Invariants: `committed` is what the file holds. Differences of the open transaction wait in a list, so that going back
 * to a savepoint is cutting it short.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { HashTree, type TreeChange, treeChange } from '../../replication/hash-tree.ts';
import { RECORD_COLUMNS, recordOf } from './record-row.ts';

export class HashTreeTable {
  readonly committed = new HashTree();
  readonly #database: DatabaseSync;
  readonly #set: StatementSync;
  #open: TreeChange[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#set = database.prepare('INSERT OR REPLACE INTO tree (bucket, digest) VALUES (?, ?)');
    for (const { bucket, digest } of database.prepare('SELECT bucket, digest FROM tree').iterate()) {
      this.committed.apply({ bucket: Number(bucket), difference: Buffer.from(digest as Uint8Array) });
    }
  }

  /** Changes noted since the last commit: what `cutTo` goes back to. */
  get noted(): number {
    return this.#open.length;
  }

  note(change: TreeChange | undefined): void {
    if (change !== undefined) this.#open.push(change);
  }

  cutTo(noted: number): void {
    this.#open.length = noted;
  }

  /** Inside the transaction, before its end. Call `saved` when it is durable, `cutTo(0)` when it failed. */
  save(): void {
    const sums = new Map<number, Buffer>();
    for (const { bucket, difference } of this.#open) {
      const sum = sums.get(bucket) ?? this.committed.bucket(bucket);
      for (const [i, byte] of difference.entries()) sum[i] = (sum[i] ?? 0) ^ byte;
      sums.set(bucket, sum);
    }
    for (const [bucket, sum] of sums) this.#set.run(bucket, sum);
  }

  saved(): void {
    for (const change of this.#open) this.committed.apply(change);
    this.#open = [];
  }

  /** Inside a transaction: notes what makes the sums those of the records. How many buckets were wrong. */
  rebuild(): number {
    const right = new HashTree();
    for (const row of this.#database
      .prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE kind <> 0`)
      .iterate()) {
      const change = treeChange(undefined, recordOf(row));
      if (change !== undefined) right.apply(change);
    }
    return this.#noteDifferences(right);
  }

  #noteDifferences(right: HashTree): number {
    let wrong = 0;
    for (let bucket = 0; bucket < 65_536; bucket += 1) {
      const difference = right.bucket(bucket);
      const is = this.committed.bucket(bucket);
      if (difference.equals(is)) continue;
      for (const [i, byte] of is.entries()) difference[i] = (difference[i] ?? 0) ^ byte;
      this.note({ bucket, difference });
      wrong += 1;
    }
    return wrong;
  }
}
