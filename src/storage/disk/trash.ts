/** What was replaced or deleted, kept 30 days or until space is short. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import type { TrashRow } from '../catalog/catalog-ledger.ts';
import type { Volume } from './volume.ts';

const KEEP_MS = 30 * 24 * 60 * 60 * 1000;
const BATCH = 100;

export interface Freed {
  readonly files: number;
  readonly bytes: number;
}

export class Trash {
  readonly #catalog: Catalog;
  readonly #volume: Volume;
  /** Removed from disk, their rows still there: sizes by id. */
  readonly #gone = new Map<string, number>();
  /** Those of them whose rows the open transaction has dropped; more may go from disk before it ends. */
  #dropped: readonly string[] = [];
  /** Being restored: they stay, however short space is. */
  readonly #held = new Set<string>();

  constructor(catalog: Catalog, volume: Volume) {
    this.#catalog = catalog;
    this.#volume = volume;
  }

  diskPath(id: string): string {
    return join(this.#volume.trashDir, id);
  }

  /** Its file is removed, although the row may still be there. */
  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** Nothing takes it away before `release`. False: another one holds it. */
  hold(id: string): boolean {
    if (this.#held.has(id)) return false;
    this.#held.add(id);
    return true;
  }

  release(id: string): void {
    this.#held.delete(id);
  }

  /**
   * Frees space at once, oldest first, at any moment; the rows go with the next transaction (`dropRows`). False when there
   * is nothing left to free. A file that lives on under another name frees nothing, so the caller looks again.
   */
  makeRoom(bytes: number): boolean {
    let freed = 0;
    let removed = false;
    for (const row of this.#oldest(Number.MAX_SAFE_INTEGER)) {
      if (freed >= bytes && removed) break;
      this.#remove(row);
      freed += row.size;
      removed = true;
    }
    return removed;
  }

  /** Inside a transaction: takes away what is too old. */
  expire(now: number): void {
    this.removeBatch(now - KEEP_MS);
  }

  /** Inside a transaction: takes away some of what came before that moment; nothing is left when it frees no files. */
  removeBatch(before: number): Freed {
    const rows = this.#oldest(before);
    for (const row of rows) this.#remove(row);
    return { files: rows.length, bytes: rows.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Inside a transaction: takes away one. */
  remove(id: string): void {
    const row = this.#catalog.ledger.trash(id);
    if (row !== undefined) this.#remove(row);
  }

  /** Inside a transaction: forgets what was removed. */
  dropRows(): void {
    this.#dropped = [...this.#gone.keys()];
    for (const [id, size] of this.#gone) {
      // Without a row when the transaction that would have put it there never was.
      if (this.#catalog.ledger.dropTrash(id)) this.#catalog.addTrashBytes(-size);
    }
  }

  /** The transaction of `dropRows` is durable. */
  rowsDropped(): void {
    for (const id of this.#dropped) this.#gone.delete(id);
    this.#dropped = [];
  }

  hasGone(): boolean {
    return this.#gone.size > 0;
  }

  /**
   * After a crash: names without a row, and rows without a name. A name whose bytes live on elsewhere was made for a
   * commit that never happened; the only name of its bytes is kept like any other trash. A row alone is what a removal
   * left that had not come to its transaction yet.
   */
  adoptOrphans(now: number): void {
    const { ledger } = this.#catalog;
    const alone = new Set(ledger.allTrashIds());
    for (const id of readdirSync(this.#volume.trashDir)) {
      if (alone.delete(id)) continue;
      const path = this.diskPath(id);
      const found = lstatSync(path);
      if (found.isFile() && found.nlink > 1) rmSync(path);
      else {
        ledger.addTrash({ id, path: '', sha256: '', size: found.size, at: now, why: 'unknown' });
        this.#catalog.addTrashBytes(found.size);
      }
    }
    for (const id of alone) {
      const size = ledger.trash(id)?.size ?? 0;
      if (ledger.dropTrash(id)) this.#catalog.addTrashBytes(-size);
    }
  }

  /** At most BATCH that are there and that nobody holds. */
  #oldest(before: number): readonly TrashRow[] {
    const rows = this.#catalog.ledger.oldTrash(before, BATCH + this.#gone.size + this.#held.size);
    const free = rows.filter((row) => !this.#gone.has(row.id) && !this.#held.has(row.id));
    return free.filter((row) => !this.#isLastHope(row)).slice(0, BATCH);
  }

  /** Damaged, and nobody has brought better bytes so far. */
  #isLastHope({ id, why }: TrashRow): boolean {
    return why === 'damaged' && this.#catalog.reader.missingWith(id.slice(-64), 1).length > 0;
  }

  #remove(row: TrashRow): void {
    rmSync(this.diskPath(row.id), { recursive: true, force: true });
    this.#gone.set(row.id, row.size);
  }
}
