/** What was replaced or deleted, kept 30 days or until space is short. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { TrashRow } from '../catalog/catalog-ledger.ts';
import type { Volume } from './volume.ts';

const KEEP_MS = 30 * 24 * 60 * 60 * 1000;
const BATCH = 100;

export class Trash {
  readonly #catalog: Catalog;
  readonly #volume: Volume;
  /** Removed from disk, their rows still there: sizes by id. */
  readonly #gone = new Map<string, number>();

  constructor(catalog: Catalog, volume: Volume) {
    this.#catalog = catalog;
    this.#volume = volume;
  }

  /**
   * Frees space at once, oldest first, at any moment; the rows go with the next transaction (`dropRows`). False when there
   * is nothing left to free. A file that lives on under another name frees nothing, so the caller looks again.
   */
  makeRoom(bytes: number): boolean {
    let freed = 0;
    let removed = false;
    const rows = this.#catalog.ledger.oldTrash(Number.MAX_SAFE_INTEGER, BATCH + this.#gone.size);
    for (const row of rows) {
      if (this.#gone.has(row.id)) continue;
      if (freed >= bytes && removed) break;
      this.#remove(row);
      freed += row.size;
      removed = true;
    }
    return removed;
  }

  /** Inside a transaction: takes away what is too old. */
  expire(now: number): void {
    for (const row of this.#catalog.ledger.oldTrash(now - KEEP_MS, BATCH)) this.#remove(row);
  }

  /** Inside a transaction: forgets what was removed. */
  dropRows(): void {
    for (const [id, size] of this.#gone) {
      this.#catalog.ledger.dropTrash(id);
      this.#catalog.addTrashBytes(-size);
    }
  }

  /** The transaction of `dropRows` is durable. */
  rowsDropped(): void {
    this.#gone.clear();
  }

  hasGone(): boolean {
    return this.#gone.size > 0;
  }

  /**
   * After a crash: names without a row. One whose bytes live on elsewhere was made for a commit that never happened; the
   * only name of its bytes is kept like any other trash.
   */
  adoptOrphans(now: number): void {
    const { ledger } = this.#catalog;
    for (const id of readdirSync(this.#volume.trashDir)) {
      if (ledger.hasTrash(id)) continue;
      const path = join(this.#volume.trashDir, id);
      const found = lstatSync(path);
      if (found.isFile() && found.nlink > 1) rmSync(path);
      else {
        ledger.addTrash({ id, path: '', sha256: '', size: found.size, at: now });
        this.#catalog.addTrashBytes(found.size);
      }
    }
  }

  #remove(row: TrashRow): void {
    rmSync(join(this.#volume.trashDir, row.id), { recursive: true, force: true });
    this.#gone.set(row.id, row.size);
  }
}
