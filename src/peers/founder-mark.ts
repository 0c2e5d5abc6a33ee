/**
 * Remembers that this store began a network: it was alone, or met nobody but others as new as itself, when it was asked for
 * accounts. From then on it may say that there are none although a peer that was listed later does not answer. Tied to the
 * store: a new disk, or a catalog that was made anew, has founded nothing.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export class FounderMark {
  readonly #file: string | null;
  #store: string | null = null;

  /** `file` null: kept in memory only. */
  constructor(file: string | null) {
    this.#file = file;
    if (file === null) return;
    try {
      this.#store = readFileSync(file, 'utf8').trim();
    } catch {
      // None, or unreadable: then it is asked for again, and nobody logs in meanwhile.
    }
  }

  has(store: string): boolean {
    return store !== '' && this.#store === store;
  }

  set(store: string): void {
    if (this.has(store) || store === '') return;
    this.#store = store;
    if (this.#file === null) return;
    try {
      writeFileSync(`${this.#file}.new`, `${store}\n`);
      renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // A full disk: the next start asks again.
    }
  }
}
