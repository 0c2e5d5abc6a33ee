/** What clients of a network ask for: a small tree in which everybody works. */
import type { Operation } from '../../src/replication/operation.ts';
import type { Random } from './random.ts';

const PATHS = ['/x', '/y.txt', '/d', '/d/x', '/d/y.txt', '/d/e', '/d/e/x', '/e', '/e/x'];

export class Clients {
  readonly paths: readonly string[];
  readonly #random: Random;
  /** Of all operations. */
  readonly #deletions: number;
  #contents = 0;

  constructor(random: Random) {
    this.#random = random;
    // The fewer the names, the more the conflicts.
    this.paths = random.chance(0.5) ? PATHS : random.shuffle(PATHS).slice(0, 1 + random.below(3));
    this.#deletions = random.pick([0.15, 0.35]);
  }

  operation(): Operation {
    const random = this.#random;
    const path = random.pick(this.paths);
    if (random.chance(this.#deletions)) return { op: 'delete', path };
    const dice = random.next();
    // Now and then two people store the same bytes.
    if (dice < 0.55) {
      return { op: 'put', path, size: 1, sha256: random.chance(0.1) ? 'content-0' : this.content() };
    }
    if (dice < 0.67) return { op: 'mkdir', path };
    if (dice < 0.76) return { op: 'rmdir', path };
    if (dice < 0.82) return { op: 'touch', path, mtime: random.below(1000) };
    return { op: 'rename', from: path, to: random.pick(this.paths) };
  }

  /** Of a new file. */
  content(): string {
    this.#contents += 1;
    return `content-${this.#contents}`;
  }
}
