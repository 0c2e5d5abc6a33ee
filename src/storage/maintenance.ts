/** Slow chores of an open store: old trash, forgotten uploads, remembered operations past their time. */

import type { Ballast } from './disk/ballast.ts';
import type { Parts } from './disk/parts.ts';
import type { PublishContext } from './disk/publish-context.ts';
import type { Trash } from './disk/trash.ts';
import type { GroupCommit } from './group-commit.ts';
import { STAGED_KEEP_MS } from './recovery.ts';
import { SteadyClock } from './steady-clock.ts';
import type { StoreOptions } from './store-api.ts';
import { message } from './store-errors.ts';

const INTERVAL_MS = 10 * 60 * 1000;
/** Not while a board is busy with its start. */
const BALLAST_MS = 60 * 1000;
const OPERATIONS_KEEP_MS = 24 * 60 * 60 * 1000;

export interface MaintenanceParts extends PublishContext {
  readonly queue: GroupCommit;
  readonly trash: Trash;
  readonly parts: Parts;
  readonly ballast: Ballast;
  readonly options: StoreOptions;
}

export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #timer: NodeJS.Timeout;
  readonly #ballast: NodeJS.Timeout;
  readonly #clock: SteadyClock;
  #redated = false;
  #running: Promise<void> | undefined;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#clock = new SteadyClock(parts.now);
    this.#timer = setInterval(() => {
      this.#running ??= this.#round().finally(() => {
        this.#running = undefined;
      });
    }, INTERVAL_MS);
    this.#timer.unref();
    this.#ballast = setTimeout(() => {
      parts.ballast.keep();
      parts.volume.keepBallast();
      this.#ballast.refresh();
    }, BALLAST_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#ballast);
    await this.#running;
  }

  async #round(): Promise<void> {
    const { queue, catalog, trash, parts, staging, now, options } = this.#parts;
    try {
      await queue.run({
        path: undefined,
        execute: async () => {
          // Boards boot in 1970, or in the far future: ages of such a time mean nothing.
          if (this.#clock.isUnset()) return;
          if (!this.#redated) catalog.ledger.redateUnset(now());
          this.#redated = true;
          if (this.#clock.hasJumped()) return;
          trash.expire(now());
          parts.expire();
          catalog.ledger.forgetOperations(now() - OPERATIONS_KEEP_MS);
        },
      });
      await staging.sweep(now() - STAGED_KEEP_MS, new Set());
    } catch (error) {
      options.log('warn', 'housekeeping failed; it is tried again', { error: message(error) });
    }
  }
}
