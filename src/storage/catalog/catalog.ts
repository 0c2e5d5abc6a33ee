/**
 * The catalog of one replica. The writer connection belongs to group-commit.ts, which is the only one between `begin`
 * and `commit`; everybody else reads through `reader`, a second connection that sees committed transactions only.
 *
 * Invariants: `committed` is what the file holds; `state` is that plus the open transaction; seq, change number,
 * knowledge and totals go to the file in the same transaction as the records they belong to.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { isAccountPath } from '../../replication/account-path.ts';
import { type HashTree, treeChange } from '../../replication/hash-tree.ts';
import type { Change } from '../../replication/plan.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../replication/record.ts';
import { CatalogLedger } from './catalog-ledger.ts';
import { checkReadable, guarded, openReader, openWriter } from './catalog-schema.ts';
import { type CatalogState, loadState, StateWriter } from './catalog-state.ts';
import { HashTreeTable } from './hash-tree-table.ts';
import { RecordReader } from './record-reader.ts';
import { Effects, RecordWriter } from './record-writer.ts';
import { SalvageTable } from './salvage-table.ts';
import { TombstoneTable } from './tombstone-table.ts';
import { UsageTable } from './usage-table.ts';

/** Bigger catalogs are not read through at every start; what is damaged in them shows when it is used. */
const QUICK_CHECK_BYTES = 64 * 1024 * 1024;

export class Catalog {
  readonly file: string;
  /** The conflict path of a file record. */
  readonly shownAt: (record: ReplicaRecord) => string;
  /** Committed state only. */
  readonly reader: RecordReader;
  /** The writer's view, open transaction included. */
  readonly table: RecordReader;
  readonly records: RecordWriter;
  readonly ledger: CatalogLedger;
  readonly tombstones: TombstoneTable;
  readonly salvage: SalvageTable;
  readonly usage: UsageTable;
  readonly #database: DatabaseSync;
  readonly #readDatabase: DatabaseSync;
  readonly #stateWriter: StateWriter;
  readonly #tree: HashTreeTable;
  #state: CatalogState;
  #committed: CatalogState;

  /** `thorough`: every page is looked at. Throws CatalogDamaged; then the file is closed. */
  constructor(
    file: string,
    shownAt: (record: ReplicaRecord) => string,
    { thorough = false }: { thorough?: boolean } = {},
  ) {
    this.file = file;
    this.shownAt = shownAt;
    this.#database = openWriter(file);
    try {
      if (thorough) checkReadable(this.#database, file, 'integrity_check');
      else if (statSync(file).size <= QUICK_CHECK_BYTES) checkReadable(this.#database, file);
      this.#state = guarded(file, () => loadState(this.#database));
      this.#readDatabase = openReader(file);
    } catch (error) {
      this.#database.close();
      throw error;
    }
    this.#stateWriter = new StateWriter(this.#database);
    this.#committed = this.#state;
    this.reader = new RecordReader(this.#readDatabase, () => this.#committed);
    this.table = new RecordReader(this.#database, () => this.#state);
    this.records = new RecordWriter(this.#database, this.table, shownAt);
    this.ledger = new CatalogLedger(this.#database);
    this.tombstones = new TombstoneTable(this.#database, this.#readDatabase);
    this.salvage = new SalvageTable(this.#database);
    this.usage = new UsageTable(file);
    this.#tree = new HashTreeTable(this.#database);
    // A catalog of format 1 has none. A sum of records that is zero belongs to no record at all.
    if (/^0+$/.test(this.#tree.committed.root)) this.rebuildTree();
  }

  /** Committed state only. */
  get tree(): HashTree {
    return this.#tree.committed;
  }

  /** Makes the sums of the hash tree anew from the records; how many of the 65,536 were wrong. */
  rebuildTree(): number {
    return this.transaction(() => this.#tree.rebuild());
  }

  get state(): CatalogState {
    return this.#state;
  }

  get committed(): CatalogState {
    return this.#committed;
  }

  /** False after SQLite has given up a transaction by itself. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.#stateWriter.save(this.#committed, this.#state);
    this.#tree.save();
    this.#database.exec('COMMIT');
    this.#tree.saved();
    this.usage.saved();
    this.#committed = this.#state;
  }

  rollback(): void {
    // SQLite rolls back by itself on a full disk and some I/O errors.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    this.#tree.cutTo(0);
    this.usage.cutTo(0);
    this.#state = this.#committed;
  }

  /** A transaction of its own. */
  transaction<T>(action: () => T): T {
    this.begin();
    try {
      const result = action();
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Marks a point inside the transaction to which `back` of the result returns. */
  savepoint(): { back(): void; release(): void } {
    const state = this.#state;
    const { noted } = this.#tree;
    const usageNoted = this.usage.noted;
    this.#database.exec('SAVEPOINT job');
    return {
      back: () => {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK TO job; RELEASE job');
        this.#tree.cutTo(noted);
        this.usage.cutTo(usageNoted);
        this.#state = state;
      },
      release: () => this.#database.exec('RELEASE job'),
    };
  }

  /** Stores the records of a plan in order, with new change numbers. */
  apply(changes: readonly Change[], now: number): Effects {
    const effects = new Effects();
    const totals = { ...this.#state.totals };
    let { change, lastSeq, accounts } = this.#state;
    for (const { before, after } of changes) {
      change += 1;
      this.#tree.note(treeChange(before, after));
      this.usage.note(before, after);
      this.records.apply(after, change, now, effects, totals);
      if (isAccountPath(after.path)) accounts += 1;
      if (after.dot[0] === this.#state.actor) lastSeq = Math.max(lastSeq, after.dot[1]);
    }
    this.#state = { ...this.#state, change, lastSeq, totals, accounts };
    return effects;
  }

  /** The bytes of an account have come or gone. */
  accountMoved(): void {
    this.#state = { ...this.#state, accounts: this.#state.accounts + 1 };
  }

  /** Joins knowledge; `dots` are single writes that may leave gaps, remembered until the gaps close. */
  learn(knowledge: VersionVector, dots: readonly Dot[] = []): void {
    const known = this.#stateWriter.learn(this.#state.knowledge, knowledge, dots);
    if (known !== this.#state.knowledge) this.#state = { ...this.#state, knowledge: known };
  }

  /** Forgets the tombstones with these change numbers; how many there still were. */
  forgetTombstones(changes: readonly number[]): number {
    const stamps = changes
      .map((change) => this.tombstones.forget(change))
      .filter((each) => each !== undefined);
    for (const stamp of stamps) this.raiseCollectedStamp(stamp);
    return stamps.length;
  }

  /** A write where a tombstone was forgotten must be later than that. */
  raiseCollectedStamp(stamp: number): void {
    if (stamp > this.#state.collectedStamp) this.#state = { ...this.#state, collectedStamp: stamp };
  }

  /** This store is not joining any more. */
  joined(): void {
    this.#state = { ...this.#state, joining: '' };
  }

  /** Durable when this returns. */
  setIdentity(identity: { member: string; store: string; volume: 'new' | 'ready' }): void {
    this.transaction(() => {
      const joining = identity.store === this.#state.store ? this.#state.joining : 'yes';
      this.#state = { ...this.#state, ...identity, joining };
      this.ledger.meet(identity.member, 0);
    });
  }

  /** Takes a new incarnation, so that no dot is ever given out twice; durable when this returns. `also`: in the same transaction. */
  incarnate(incarnation: string, also: () => void = () => undefined): void {
    this.transaction(() => {
      also();
      this.#state = {
        ...this.#state,
        incarnation,
        actor: `${this.#state.member}.${incarnation}`,
        lastSeq: 0,
      };
    });
  }

  addTrashBytes(bytes: number): void {
    this.#state = { ...this.#state, trashBytes: this.#state.trashBytes + bytes };
  }

  /** Committed state of this moment, read by a connection of its own. */
  openSnapshot(): { readonly table: RecordReader; close(): void } {
    const database = openReader(this.file);
    database.exec('BEGIN');
    const { knowledge, collectedStamp } = this.#committed;
    return {
      table: new RecordReader(database, () => ({ knowledge, collectedStamp })),
      close: () => database.close(),
    };
  }

  close(): void {
    this.#readDatabase.close();
    this.#database.close();
  }
}
