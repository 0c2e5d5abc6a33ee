/** What was replaced or deleted, kept 30 days or until space is short. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from './catalog.ts';
import type { TrashRow } from './catalog-ledger.ts';
import type { DiskSpace } from './disk-space.ts';
import type { Volume } from './volume.ts';

const KEEP_MS = 30 * 24 * 60 * 60 * 1000;
const BATCH = 100;

export class Trash {
  readonly #catalog: Catalog;
  readonly #volume: Volume;
  readonly #space: DiskSpace;

  constructor(catalog: Catalog, volume: Volume, space: DiskSpace) {
    this.#catalog = catalog;
    this.#volume = volume;
    this.#space = space;
  }

  /** Frees space at once, oldest first; the rows go with the next `expire`. */
  makeRoom(): void {
    for (const row of this.#catalog.ledger.oldTrash(Number.MAX_SAFE_INTEGER, BATCH)) this.#remove(row);
  }

  /** Inside a transaction: takes away what is too old, or the oldest while space is short. */
  expire(now: number): void {
    const { ledger } = this.#catalog;
    const old = ledger.oldTrash(now - KEEP_MS, BATCH);
    const rows =
      old.length === 0 && this.#space.isShort() ? ledger.oldTrash(Number.MAX_SAFE_INTEGER, BATCH) : old;
    for (const row of rows) {
      this.#remove(row);
      ledger.dropTrash(row.id);
      this.#catalog.addTrashBytes(-row.size);
    }
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
  }
}
