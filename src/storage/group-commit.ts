/**
 * The one writer. Commits and merges queue here; whatever has gathered while the last group was flushed becomes the next
 * group: one transaction, one flush of the staging directory before it. The changed directories are flushed later
 * (disk-steps.ts): what the catalog still has to do on disk is as durable as what was done.
 *
 *   jobs (records, links in staging, intents) -> flush staging -> COMMIT -> steps on disk -> answers    flush directories
 *                                                              `-- one tick: nobody here sees the moment between
 *
 * Invariants: only `#runGroup` is between catalog.begin() and commit()/rollback(); intents of a committed group stay in
 * the catalog until their directories are flushed; no two groups with intents in the catalog change one place; after a
 * failed flush nothing is written any more.
 */

import { Refusal } from '../replication/operation.ts';
import { failpoint } from '../system/failpoint.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { Ballast } from './disk/ballast.ts';
import { flushDirectories } from './disk/flush-directories.ts';
import type { Staging } from './disk/staging.ts';
import type { Trash } from './disk/trash.ts';
import type { Displaced, Volume } from './disk/volume.ts';
import { DiskSteps } from './disk-steps.ts';
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
  readonly #steps: DiskSteps;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #broken: string | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#steps = new DiskSteps({
      ...options,
      failed: (error) => this.#break(`this member's disk failed: ${message(error)}`, error),
      // What the disk says was told, and is in `refusal`.
      again: () => void this.run({ path: undefined, execute: async () => undefined }).catch(() => undefined),
    });
  }

  /** Resolves when the job's changes are durable and visible. Rejects with Refusal. */
  run<T>(job: Job<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(queuedJob(job, resolve, reject));
      this.#running ??= this.#drain();
    });
  }

  /** Why nothing can be written for now, null when something can. */
  get refusal(): string | null {
    return this.#steps.refusal;
  }

  /** Resolves when the queue is empty; clears the intents that are done. Nothing runs after it. */
  async finish(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#steps.end();
    const { catalog, displaced, trash, volume } = this.#options;
    if (!volume.isPresent()) return; // what is still to be done on it must not be forgotten
    const left = this.#steps.canClear || displaced.length > 0 || trash.hasGone();
    if (this.#broken !== undefined || this.#steps.hasUnfinished || !left) return;
    catalog.transaction(() => this.#housekeeping());
    this.#housekept();
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
    this.#requireVolume();
    await this.#steps.retryUnfinished();
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
      await this.#steps.settleFor(group);
      await flushDirectories(group.dirtyBefore);
      failpoint('commit:linked');
      failpoint('commit:in-transaction');
      // Something may have failed in the background meanwhile.
      if (this.#broken !== undefined) throw new Refusal('read-only', this.#broken);
    } catch (error) {
      catalog.rollback();
      group.abandon();
      throw error;
    }
    this.#commit(group);
    failpoint('commit:after-transaction');
    this.#housekept();
    const failed = this.#steps.carryOut(group);
    this.#requireVolume();
    if (failed !== null) await failed();
    failpoint('commit:before-reply');
    for (const answer of answers) answer();
  }

  /** Throws Refusal when the disk was taken away: nothing is decided, and nothing is said to be done. */
  #requireVolume(): void {
    const { volume } = this.#options;
    if (volume.isPresent()) return;
    this.#break(`the volume ${volume.filesDir} has gone: mount it and restart`);
    throw new Refusal('read-only', 'the volume has gone');
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

  /** Small things that ride on the next transaction. */
  #housekeeping(): void {
    const { catalog, displaced, now, log, trash } = this.#options;
    trash.dropRows();
    this.#steps.clearDone();
    for (const { id, place, size } of displaced) {
      log('warn', 'moved something unknown out of the way into the trash', { path: place, trash: id, size });
      catalog.ledger.addTrash({ id, path: place, sha256: '', size, at: now(), why: 'unknown' });
      catalog.addTrashBytes(size);
    }
  }

  /** They are durable. */
  #housekept(): void {
    this.#steps.cleared();
    this.#options.displaced.length = 0;
    this.#options.trash.rowsDropped();
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
