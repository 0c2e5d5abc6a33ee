/**
 * Steps of committed transactions that are done and whose directories have yet to be flushed. Nobody waits for that flush:
 * the intents stay in the catalog until it is over, so that a start after a power cut does again whatever the disk has
 * forgotten. It serves all the groups since the last one, which on a card is most of what small files cost.
 *
 * A place is in it once at most: whoever changes it again flushes first, so that steps of several groups can be done again
 * in their order like those of one.
 */

import { failpoint } from '../system/failpoint.ts';
import type { StoredIntent } from './catalog/catalog-ledger.ts';
import { LATE_FAILPOINT } from './commit-failpoints.ts';
import { flushDirectories } from './disk/flush-directories.ts';
import type { Volume } from './disk/volume.ts';
import { FlushFailed } from './store-errors.ts';

/** As long as a power cut may make the next start work; no promise rests on it. */
const LATE_MS = 100;
const MOST_STEPS = 1_000;

class Batch {
  readonly directories = new Set<string>();
  readonly places = new Set<string>();
  upTo = 0;
}

export interface LateFlushOptions {
  readonly volume: Volume;
  /** All intents up to this id are done and durable. */
  readonly flushed: (upTo: number) => void;
  /** Nobody knows any more what is durable. */
  readonly failed: (error: unknown) => void;
}

export class LateFlush {
  readonly #options: LateFlushOptions;
  #waiting = new Batch();
  #underWay: Batch | null = null;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #failure: unknown;

  constructor(options: LateFlushOptions) {
    this.#options = options;
  }

  /** Done, in this order, after all that were added before. */
  add(intents: readonly StoredIntent[], directories: Iterable<string>): void {
    const last = intents.at(-1);
    if (last === undefined) return;
    for (const directory of directories) this.#waiting.directories.add(directory);
    for (const { intent } of intents) this.#waiting.places.add(intent.place);
    this.#waiting.upTo = Math.max(this.#waiting.upTo, last.id);
    if (this.#waiting.places.size > MOST_STEPS) this.#flushInBackground();
    else this.#timer ??= setTimeout(() => this.#flushInBackground(), LATE_MS).unref();
  }

  has(place: string): boolean {
    return this.#waiting.places.has(place) || this.#underWay?.places.has(place) === true;
  }

  /** All that was added so far. Rejects with FlushFailed. */
  async flush(): Promise<void> {
    const { upTo } = this.#waiting;
    while (this.#running !== null) await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
    if (upTo > 0 && this.#waiting.upTo >= upTo) await this.#start();
  }

  #flushInBackground(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // A failure has been told through `failed`.
    this.flush().catch(() => undefined);
  }

  #start(): Promise<void> {
    this.#running = this.#flushWaiting().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #flushWaiting(): Promise<void> {
    const batch = this.#waiting;
    this.#underWay = batch;
    this.#waiting = new Batch();
    try {
      const { volume } = this.#options;
      await flushDirectories(batch.directories);
      // A folder that is gone has nothing to flush: but with the whole disk the steps are gone too.
      if (!volume.isPresent()) throw new FlushFailed(volume.filesDir, new Error('the volume has gone'));
    } catch (error) {
      this.#failure = error;
      this.#options.failed(error);
      throw error;
    }
    failpoint(LATE_FAILPOINT);
    this.#underWay = null;
    this.#options.flushed(batch.upTo);
  }
}
