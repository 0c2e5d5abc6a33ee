/**
 * Whether this replica may be written to, by whom, and what an error of disk or catalog means for it. A damaged catalog
 * ends the process: the next one moves it aside and rebuilds it.
 */
import { Refusal } from '../replication/operation.ts';
import type { ReadOnlyReason } from './disk/store-identity.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Rebuild } from './rebuild/rebuild.ts';
import type { StoreOptions } from './store-api.ts';
import { CatalogDamaged, diskTrouble, isDamage, message, refusalFor } from './store-errors.ts';

export class WriteGuard {
  readonly #options: StoreOptions;
  readonly #queue: GroupCommit;
  #stopped: ReadOnlyReason;
  #closing = false;
  #damaged = false;
  /** While one is under way. */
  rebuild: Rebuild | undefined;

  constructor(options: StoreOptions, queue: GroupCommit, readOnly: ReadOnlyReason) {
    this.#options = options;
    this.#queue = queue;
    this.#stopped = readOnly;
  }

  /** Why clients can write nothing here; also what passes by itself. */
  get readOnly(): ReadOnlyReason {
    return this.#decided ?? this.#queue.refusal;
  }

  get #decided(): ReadOnlyReason {
    return this.#stopped ?? this.rebuild?.reason ?? null;
  }

  /** Nothing at all is written any more, or the store is closing. */
  get stopped(): boolean {
    return this.#stopped !== null || this.#closing;
  }

  close(): void {
    this.#closing = true;
  }

  /** Nothing is written from now on, until a restart. */
  stop(reason: string): void {
    this.#stopped ??= reason;
    this.#options.log('error', 'this member takes no more writes until it is restarted', { reason });
  }

  /** Call with whatever a reader or writer met. */
  notice(error: unknown): void {
    const found = error instanceof Refusal ? error.cause : error;
    const damage = found instanceof CatalogDamaged ? found.cause : found;
    if (this.#damaged || !(isDamage(damage) || found instanceof CatalogDamaged)) return;
    this.#damaged = true;
    const why = message(damage);
    this.stop(`The catalog is damaged (${why}): it is moved aside and rebuilt at the next start.`);
    this.#options.log('error', 'ALARM: the catalog is damaged', { why });
    this.#options.onCatalogDamaged?.(why);
  }

  /** What clients write. Refused when read-only, rebuilding or closing. */
  async client<T>(path: string | undefined, action: () => Promise<T>): Promise<T> {
    // Not for the disk's refusal: each attempt tries again.
    const reason = this.#decided;
    if (!this.#closing && reason !== null) throw new Refusal('read-only', reason);
    return await this.writing(path, action);
  }

  /** What comes from members and from this member's own processes: during a rebuild, when it is ready for that. */
  async writing<T>(path: string | undefined, action: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new Refusal('busy', 'this member is stopping');
    if (this.#stopped !== null) throw new Refusal('read-only', this.#stopped);
    if (this.rebuild?.takesRecords === false) throw new Refusal('read-only', this.rebuild.reason);
    return await this.guarded(path, action);
  }

  /** Disk and catalog errors become refusals that name the client's path; the log names the disk's. */
  async guarded<T>(path: string | undefined, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      this.notice(error);
      const trouble = error instanceof Refusal ? undefined : diskTrouble(error);
      if (trouble === undefined) throw error;
      this.#options.log('error', 'the disk or catalog failed', { path, error: message(error) });
      if (trouble === 'flush') {
        // Also for what is in the queue already: it may rest on what was not flushed.
        this.#queue.stop(message(error));
        this.stop(`this member's disk failed: ${message(error)}`);
      }
      throw refusalFor(trouble, error, path);
    }
  }
}
