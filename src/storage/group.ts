/**
 * One group commit while it is being put together: what its jobs have prepared on disk and still have to do there after
 * the transaction. A job that fails takes its own part back.
 */
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CatalogLedger, Intent, StoredIntent, TrashRow } from './catalog/catalog-ledger.ts';
import type { ClaimedNames } from './disk/claimed-names.ts';
import type { Volume } from './disk/volume.ts';

/** The job needs disk places that an earlier job of the group has yet to change: it goes into the next group. */
export class GroupConflict extends Error {
  override readonly name = 'GroupConflict';
}

export class Group {
  readonly intents: StoredIntent[] = [];
  /** Directories of names made before the transaction. */
  readonly dirtyBefore = new Set<string>();
  readonly #volume: Volume;
  readonly #ledger: CatalogLedger;
  readonly #addTrashBytes: (bytes: number) => void;
  readonly #claims: ClaimedNames;
  readonly #touchedPlaces = new Set<string>();
  readonly #usedStaged = new Set<string>();
  #made: string[] = [];

  constructor(
    volume: Volume,
    ledger: CatalogLedger,
    claims: ClaimedNames,
    addTrashBytes: (bytes: number) => void,
  ) {
    this.#volume = volume;
    this.#ledger = ledger;
    this.#addTrashBytes = addTrashBytes;
    this.#claims = claims;
  }

  /** Throws GroupConflict when an earlier job changes that place. */
  checkUntouched(place: string): void {
    if (this.#touchedPlaces.has(place)) throw new GroupConflict(place);
  }

  /** Staged names that this group renames away. */
  get usedStaged(): ReadonlySet<string> {
    return this.#usedStaged;
  }

  useStaged(name: string): void {
    if (this.#usedStaged.has(name)) throw new GroupConflict(name);
    this.#usedStaged.add(name);
    this.#claims.claim(name);
  }

  /** A name was made on disk for this job: removed again if the job fails. */
  made(diskPath: string, dir: string): void {
    this.#made.push(diskPath);
    this.dirtyBefore.add(dir);
  }

  addTrash(row: TrashRow): void {
    this.#ledger.addTrash(row);
    this.#addTrashBytes(row.size);
  }

  addIntents(intents: readonly Intent[]): void {
    for (const intent of intents) this.intents.push(this.#ledger.addIntent(intent));
  }

  /** Marks the present, to which a failing job goes back. */
  mark(): { back(): void } {
    const intents = this.intents.length;
    const made = this.#made.length;
    const used = new Set(this.#usedStaged);
    return {
      back: () => {
        this.intents.length = intents;
        removeNames(this.#made.splice(made));
        const given = [...this.#usedStaged].filter((name) => !used.has(name));
        for (const name of given) {
          this.#usedStaged.delete(name);
          this.#claims.release(name);
        }
      },
    };
  }

  /** The job is in: what it changes is closed to the jobs after it in this group. */
  closePlaces(from: number): void {
    for (const { intent } of this.intents.slice(from)) this.#touchedPlaces.add(intent.place);
  }

  /** The transaction failed: nothing of the group happened. */
  abandon(): void {
    removeNames(this.#made);
    this.#made = [];
    for (const name of this.#usedStaged) this.#claims.release(name);
  }

  stagedPath(name: string): string {
    return join(this.#volume.stagingDir, name);
  }
}

/** As far as the disk lets us: why the job failed must be told, not this; a start clears the rest away. */
function removeNames(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      unlinkSync(path);
    } catch {
      // See above.
    }
  }
}
