/**
 * The one writer. Commits and merges queue here; whatever has gathered while the last group was flushed becomes the next
 * group: one transaction, one flush of the staging directory before it, one of the changed directories after it.
 *
 *   jobs (records, links in staging, intents) -> flush staging -> COMMIT -> steps on disk -> flush directories -> answers
 *                                                              `-- one tick: nobody here sees the moment between
 *
 * Invariants: only `#runGroup` is between catalog.begin() and commit()/rollback(); intents of a committed group stay in
 * the catalog until their directories are flushed; after a failed flush nothing is written any more.
 */

import { Refusal } from '../replication/operation.ts';
import { failpoint } from '../system/failpoint.ts';
import { carryOut } from './carry-out.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { StoredIntent } from './catalog/catalog-ledger.ts';
import type { Ballast } from './disk/ballast.ts';
import type { Staging } from './disk/staging.ts';
import type { Trash } from './disk/trash.ts';
import type { Displaced, Volume } from './disk/volume.ts';
import { Group, GroupConflict } from './group.ts';
import { type Job, type Queued, queuedJob } from './queued-job.ts';
import { diskTrouble, isCatalogFull, message, refusalFor } from './store-errors.ts';

export interface GroupCommitOptions {
  readonly catalog: Catalog;
  readonly volume: Volume;
  readonly staging: Staging;
  readonly now: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;
  /** Called once when nothing may be written any more. */
  readonly onBroken: (reason: string, error?: unknown) => void;
  readonly trash: Trash;
  readonly displaced: Displaced[];
  readonly ballast: Ballast;
}

const MAX_GROUP = 256;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  /** Steps of committed transactions that the disk has refused so far. */
  #unfinished: StoredIntent[] = [];
  /** Highest intent that is done and flushed, to be cleared with the next transaction. */
  #doneUpTo = 0;
  #broken: string | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /** Resolves when the job's changes are durable and visible. Rejects with Refusal. */
  run<T>(job: Job<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(queuedJob(job, resolve, reject));
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when the queue is empty; clears the intents that are done. */
  async finish(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const { catalog, displaced, trash } = this.#options;
    const left = this.#doneUpTo > 0 || displaced.length > 0 || trash.hasGone();
    if (this.#broken !== undefined || this.#unfinished.length > 0 || !left) return;
    catalog.transaction(() => this.#housekeeping());
    trash.rowsDropped();
    displaced.length = 0;
    this.#doneUpTo = 0;
  }

  async #drain(): Promise<void> {
    // Whatever is called in this tick joins the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_GROUP);
      try {
        await this.#runGroup(batch);
      } catch (error) {
        if (isCatalogFull(error) && this.#options.ballast.release()) this.#again(batch);
        else this.#failed(batch, error);
      }
    }
    this.#running = undefined;
  }

  /** Nothing of the group has happened: with the room that the ballast has left it is tried once more. */
  #again(batch: readonly Queued[]): void {
    this.#options.log('warn', 'the disk of the catalog is full; its last reserve is used, for deletions', {});
    this.#queue.unshift(...batch.filter((queued) => !queued.isRejected() && !this.#queue.includes(queued)));
  }

  async #runGroup(batch: readonly Queued[]): Promise<void> {
    const { catalog, volume, staging } = this.#options;
    if (this.#broken !== undefined) throw new Refusal('read-only', this.#broken);
    if (!volume.isPresent()) {
      this.#break(`the volume ${volume.filesDir} has gone: mount it and restart`);
      throw new Refusal('read-only', `the volume has gone`);
    }
    await this.#retryUnfinished();
    const group = new Group(volume, catalog.ledger, staging.claims, (bytes) => catalog.addTrashBytes(bytes));
    let answers: (() => void)[];
    catalog.begin();
    try {
      this.#housekeeping();
      answers = await this.#execute(batch, group);
      if (answers.length === 0) {
        catalog.rollback();
        return;
      }
      await volume.flushDirectories(group.dirtyBefore);
      failpoint('commit:linked');
      failpoint('commit:in-transaction');
    } catch (error) {
      catalog.rollback();
      group.abandon();
      throw error;
    }
    this.#commit(group);
    failpoint('commit:after-transaction');
    this.#doneUpTo = 0;
    this.#options.displaced.length = 0;
    this.#options.trash.rowsDropped();
    const dirty = new Set<string>();
    const left = this.#carryOut(group.intents, dirty);
    for (const name of group.usedStaged) staging.forget(name);
    if (left === undefined) for (const name of group.usedStaged) staging.claims.release(name);
    failpoint('commit:renamed');
    await volume.flushDirectories(dirty);
    failpoint('commit:dirs-flushed');
    if (left !== undefined) throw left;
    this.#doneUpTo = group.intents.at(-1)?.id ?? 0;
    failpoint('commit:before-reply');
    for (const answer of answers) answer();
  }

  /**
   * When COMMIT fails for another reason than a lack of room, nobody knows whether the transaction is durable: the next
   * start may find it done and carry its steps out. So everything made for it stays, and nothing is written any more.
   */
  #commit(group: Group): void {
    const { catalog } = this.#options;
    try {
      catalog.commit();
    } catch (error) {
      const trouble = diskTrouble(error);
      const undone = trouble === 'no-space' || trouble === 'locked';
      if (undone) group.abandon();
      else this.#break(`this member's catalog failed: ${message(error)}`);
      catalog.rollback();
      throw error;
    }
  }

  /** Nothing is written any more, until a restart. */
  stop(reason: string): void {
    this.#broken ??= reason;
  }

  async #execute(batch: readonly Queued[], group: Group): Promise<(() => void)[]> {
    const { catalog } = this.#options;
    const answers: (() => void)[] = [];
    const postponed: Queued[] = [];
    for (const queued of batch) {
      const mark = group.mark();
      const savepoint = catalog.savepoint();
      try {
        answers.push(await queued.start(group));
        savepoint.release();
      } catch (error) {
        savepoint.back();
        mark.back();
        if (!catalog.inTransaction) throw error; // SQLite has rolled back the jobs before it as well
        if (error instanceof GroupConflict) postponed.push(queued);
        else if (error instanceof Refusal) queued.reject(error);
        else this.#failedJob(queued, error);
      }
    }
    this.#queue.unshift(...postponed);
    return answers;
  }

  /** A disk that refuses one job leaves the others alone; a catalog that fails ends the group. */
  #failedJob(queued: Queued, error: unknown): void {
    const trouble = diskTrouble(error);
    if (trouble === 'catalog' || trouble === 'flush') throw error;
    if (trouble !== undefined) this.#report(error, queued.path);
    queued.reject(trouble === undefined ? error : refusalFor(trouble, error, queued.path));
  }

  #failed(batch: readonly Queued[], error: unknown): void {
    const trouble = diskTrouble(error);
    if (trouble !== undefined) this.#report(error, batch[0]?.path);
    if (trouble === 'flush' || trouble === 'catalog') {
      const what = trouble === 'catalog' ? 'catalog' : 'disk';
      this.#break(`this member's ${what} failed: ${message(error)}`, error);
    }
    const waiting = batch.filter((queued) => !this.#queue.includes(queued));
    for (const { reject, path } of waiting) {
      reject(trouble === undefined ? error : refusalFor(trouble, error, path));
    }
  }

  /** Steps that fail stay open and are tried again before the next group, and at the next start. */
  #carryOut(intents: readonly StoredIntent[], dirty: Set<string>): Error | undefined {
    const { volume, trash } = this.#options;
    const failed = carryOut(intents, dirty, volume, trash);
    if (failed === undefined) return undefined;
    this.#unfinished.push(...failed.left);
    return failed.error;
  }

  async #retryUnfinished(): Promise<void> {
    if (this.#unfinished.length === 0) return;
    const intents = this.#unfinished;
    this.#unfinished = [];
    const dirty = new Set<string>();
    const left = this.#carryOut(intents, dirty);
    await this.#options.volume.flushDirectories(dirty);
    if (left !== undefined) throw left;
    for (const { intent } of intents) {
      if (intent.action === 'publish') this.#options.staging.claims.release(intent.staged);
    }
    this.#doneUpTo = intents.at(-1)?.id ?? 0;
  }

  /** Small things that ride on the next transaction. */
  #housekeeping(): void {
    const { catalog, displaced, now, log, trash } = this.#options;
    trash.dropRows();
    if (this.#doneUpTo > 0) catalog.ledger.clearIntents(this.#doneUpTo);
    for (const { id, place, size } of displaced) {
      log('warn', 'moved something unknown out of the way into the trash', { path: place, trash: id, size });
      catalog.ledger.addTrash({ id, path: place, sha256: '', size, at: now(), why: 'unknown' });
      catalog.addTrashBytes(size);
    }
  }

  #report(error: unknown, path: string | undefined): void {
    this.#options.log('error', 'the disk or catalog refused a change', { path, error: message(error) });
  }

  #break(reason: string, error?: unknown): void {
    if (this.#broken !== undefined) return;
    this.#broken = reason;
    this.#options.onBroken(reason, error);
  }
}
