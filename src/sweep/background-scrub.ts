/** Keeps the scrub going beside the rounds, slowly, as long as the sweep runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { Logger } from '../system/logger-api.ts';
import { scrub, scrubDueIn, scrubPace } from './scrub.ts';

export interface BackgroundScrubOptions {
  readonly local: ReplicaClient;
  readonly filesDir: string;
  readonly now: () => number;
  readonly logger: Logger;
  /** Something is to be repaired. */
  readonly onDamage: () => void;
}

/** The rounds after a start come first. */
const FIRST_AFTER_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;
const RETRY_MS = 60_000;

export class BackgroundScrub {
  readonly #options: BackgroundScrubOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: BackgroundScrubOptions) {
    this.#options = options;
    this.#running = this.#work();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs = FIRST_AFTER_MS;
    while (!signal.aborted) {
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        waitMs = await this.#pass();
      } catch (error) {
        waitMs = RETRY_MS;
        if (!signal.aborted)
          this.#options.logger.debug('the scrub was broken off; it goes on later', { error });
      }
    }
  }

  /** Milliseconds until the next look. */
  async #pass(): Promise<number> {
    const { local, filesDir, now, logger, onDamage } = this.#options;
    const state = await local.upkeep.state();
    const dueMs = scrubDueIn(state, now());
    if (dueMs > 0) return Math.min(dueMs, LONGEST_WAIT_MS);
    const { hello, bytes } = await local.status();
    if (hello.readOnly !== null) return RETRY_MS;
    let damaged = 0;
    await scrub({
      local,
      filesDir,
      now,
      signal: this.#stop.signal,
      pace: scrubPace(bytes),
      onDamage: ({ path }) => {
        damaged += 1;
        logger.error('a file is damaged on this disk; it is fetched again from a peer', { path });
        onDamage();
      },
    });
    logger.info('every file was read and checked', { damaged, bytes });
    return RETRY_MS;
  }
}
