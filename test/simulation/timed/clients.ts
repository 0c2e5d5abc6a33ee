/** What clients ask for: a small tree that everybody works in, and names that they see. */
import type { Operation } from '../../../src/replication/operation.ts';
import { isLive, shownPath } from '../../../src/replication/tree-view.ts';
import type { MemoryTable } from '../memory-table.ts';
import type { Random } from '../random.ts';

const PATHS = ['/a', '/b.txt', '/d', '/d/x', '/d/y.txt', '/d/s', '/d/s/f', '/e', '/e/x'];

export class Clients {
  readonly #random: Random;
  readonly #paths: readonly string[];
  #contents = 0;

  constructor(random: Random) {
    this.#random = random;
    // The fewer the names, the more the conflicts.
    this.#paths = random.chance(0.5) ? PATHS : random.shuffle(PATHS).slice(0, 1 + random.below(3));
  }

  operation(table: MemoryTable): Operation {
    const random = this.#random;
    const shown = table
      .all()
      .filter(isLive)
      .map((record) => shownPath(record, table));
    const path = random.pick(random.chance(0.5) && shown.length > 0 ? shown : this.#paths);
    const size = 1;
    switch (
      random.weighted({ put: 10, append: 2, new: 1, delete: 5, mkdir: 2, rmdir: 2, touch: 1, rename: 5 })
    ) {
      case 'put':
        return { op: 'put', path, size, sha256: this.#content() };
      case 'append':
        return {
          op: 'put',
          path,
          size,
          sha256: this.#content(),
          baseSha256: table.get(path)?.sha256 || null,
        };
      case 'new':
        return { op: 'put', path, size, sha256: this.#content(), exclusive: true };
      case 'delete':
        return { op: 'delete', path };
      case 'mkdir':
        return { op: 'mkdir', path };
      case 'rmdir':
        return { op: 'rmdir', path };
      case 'touch':
        return { op: 'touch', path, mtime: random.below(1000) };
      case 'rename':
        return { op: 'rename', from: path, to: random.pick(this.#paths) };
    }
  }

  /** Now and then two people store the same bytes. */
  #content(): string {
    this.#contents += 1;
    return `content-${this.#random.chance(0.1) ? 0 : this.#contents}`;
  }
}
