/** What committed transactions have to do on disk: done at once, flushed later, and only then cleared from the catalog. */

import { failpoint } from '../system/failpoint.ts';
import { carryOut } from './carry-out.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { StoredIntent } from './catalog/catalog-ledger.ts';
import { flushDirectories } from './disk/flush-directories.ts';
import type { Staging } from './disk/staging.ts';
import type { Trash } from './disk/trash.ts';
import type { Volume } from './disk/volume.ts';
import type { Group } from './group.ts';
import { LateFlush } from './late-flush.ts';

export interface DiskStepsOptions {
  readonly catalog: Catalog;
  readonly volume: Volume;
  readonly staging: Staging;
  readonly trash: Trash;
  /** A flush failed: nobody knows any more what is durable. */
  readonly failed: (error: unknown) => void;
  /** Runs a transaction, be it empty: there are steps to be tried again, or done ones to be cleared. */
  readonly again: () => void;
}

/** Nothing else may come for hours, and done intents of long ago would be no help to any start. */
const CLEAR_MS = 5_000;
const LONGEST_RETRY_MS = 60_000;

export class DiskSteps {
  readonly #options: DiskStepsOptions;
  readonly #late: LateFlush;
  /** Those that the disk has refused so far. */
  #unfinished: StoredIntent[] = [];
  /** Highest intent that is done and flushed, to be cleared with the next transaction. */
  #doneUpTo = 0;
  /** How far the transaction under way has cleared them. */
  #clearing = 0;
  #refusal: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = CLEAR_MS;
  #ended = false;

  constructor(options: DiskStepsOptions) {
    this.#options = options;
    this.#late = new LateFlush({
      ...options,
      flushed: (upTo) => {
        this.#doneUpTo = upTo;
        this.#later(CLEAR_MS);
      },
    });
  }

  get hasUnfinished(): boolean {
    return this.#unfinished.length > 0;
  }

  /** Why nothing can be written for now: what the disk said to steps that are already decided. */
  get refusal(): string | null {
    return this.hasUnfinished ? this.#refusal : null;
  }

  /** True: there are intents that the next transaction can clear. */
  get canClear(): boolean {
    return this.#doneUpTo > 0;
  }

  /** Inside a transaction. */
  clearDone(): void {
    this.#clearing = this.#doneUpTo;
    if (this.#clearing > 0) this.#options.catalog.ledger.clearIntents(this.#clearing);
  }

  /** The transaction that cleared them is durable. */
  cleared(): void {
    if (this.#doneUpTo === this.#clearing) this.#doneUpTo = 0;
  }

  /**
   * Inside the transaction of the group: no place is left to be flushed for an earlier group and changed by this one, for
   * the intents of both could not be redone. Rejects with FlushFailed.
   */
  async settleFor({ intents }: Group): Promise<void> {
    if (intents.some(({ intent }) => this.#late.has(intent.place))) await this.#late.flush();
    // Also what was flushed since this transaction began: its place may be one of these. Not twice: ids are used again.
    if (this.#doneUpTo > this.#clearing) this.clearDone();
  }

  /**
   * After the transaction; in one tick. What fails stays open, and is tried again before the next group and at the next
   * start: then a function that flushes what was done and throws what the disk said.
   */
  carryOut(group: Group): (() => Promise<never>) | null {
    const { staging } = this.#options;
    const dirty = new Set<string>();
    const failure = this.#do(group.intents, dirty);
    for (const name of group.usedStaged) staging.forget(name);
    const open = new Set(
      this.#unfinished.map(({ intent }) => (intent.action === 'publish' ? intent.staged : '')),
    );
    for (const name of group.usedStaged) if (!open.has(name)) staging.claims.release(name);
    failpoint('commit:renamed');
    if (failure === undefined) {
      this.#late.add(group.intents, dirty);
      return null;
    }
    return async () => {
      await flushDirectories(dirty);
      throw failure;
    };
  }

  /** Throws what the disk says: then nothing new may be decided. */
  async retryUnfinished(): Promise<void> {
    if (!this.hasUnfinished) return;
    const { staging } = this.#options;
    const intents = this.#unfinished;
    this.#unfinished = [];
    const dirty = new Set<string>();
    const failure = this.#do(intents, dirty);
    if (failure !== undefined) {
      await flushDirectories(dirty);
      throw failure;
    }
    for (const { intent } of intents) {
      if (intent.action === 'publish') staging.claims.release(intent.staged);
    }
    this.#late.add(intents, dirty);
    // What was done of that group before it failed is not among the places: nothing may be changed before all of it is durable.
    await this.#late.flush();
  }

  /** Resolves when everything done is flushed, as far as the disk can. */
  async flush(): Promise<void> {
    // A failure has been told already.
    await this.#late.flush().catch(() => undefined);
  }

  /** The catalog is about to be closed. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  #later(ms: number): void {
    if (this.#ended) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.hasUnfinished || this.canClear) this.#options.again();
    }, ms).unref();
  }

  #do(intents: readonly StoredIntent[], dirty: Set<string>): Error | undefined {
    const { volume, trash } = this.#options;
    const failed = carryOut(intents, dirty, volume, trash);
    if (failed === undefined) {
      this.#retryMs = CLEAR_MS;
      return undefined;
    }
    this.#unfinished.push(...failed.left);
    const place = failed.left[0]?.intent.place ?? '';
    this.#refusal = `the disk refuses a change that was decided (${place}: ${failed.error.message}); it is tried again until it works`;
    this.#later(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
    return failed.error;
  }
}
