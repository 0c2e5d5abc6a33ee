/** Forgets old tombstones that every member knows (replication/tombstones.ts), a bounded number in each transaction. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CollectReply, CollectRequest } from '../peers/protocol-members.ts';
import { Refusal } from '../replication/operation.ts';
import { isCollectable, TOMBSTONE_KEEP_MS } from '../replication/tombstones.ts';
import type { Catalog } from './catalog/catalog.ts';
import type { StoredTombstone } from './catalog/tombstone-table.ts';
import type { GroupCommit } from './group-commit.ts';
import { checkVector } from './record-check.ts';
import type { StoreOptions } from './store-api.ts';

/** Commits that come meanwhile wait for no more than these. */
const BATCH = 1000;

export interface CollectorParts {
  readonly catalog: Catalog;
  readonly queue: GroupCommit;
  readonly options: StoreOptions;
}

export class TombstoneCollector {
  readonly #parts: CollectorParts;
  /** Met and not retired, at the moment. */
  readonly #present: () => readonly string[];
  #running = false;

  constructor(parts: CollectorParts, present: () => readonly string[]) {
    this.#parts = parts;
    this.#present = present;
  }

  async collect(request: CollectRequest): Promise<CollectReply> {
    const { catalog, options } = this.#parts;
    checkVector(request.knowledge);
    const until = options.now() - TOMBSTONE_KEEP_MS;
    const due = catalog.tombstones.hasOld(until);
    const waitsFor = this.#without(request);
    if (!due || waitsFor.length > 0) return { collected: 0, due, waitsFor };
    if (this.#running) throw new Refusal('busy', 'tombstones are being collected');
    this.#running = true;
    try {
      const collected = await this.#collect(request, until);
      if (collected > 0) options.log('info', 'forgot deletions that every member knows', { collected });
      return { collected, due, waitsFor: this.#without(request) };
    } finally {
      this.#running = false;
    }
  }

  /** Members that nothing is said of. */
  #without({ members }: CollectRequest): string[] {
    const { options } = this.#parts;
    return this.#present().filter((id) => id !== options.member && !members.includes(id));
  }

  async #collect(request: CollectRequest, until: number): Promise<number> {
    const { catalog, queue } = this.#parts;
    let collected = 0;
    let last: StoredTombstone | undefined;
    for (;;) {
      const page = catalog.tombstones.old(until, last, BATCH);
      last = page.at(-1);
      if (last === undefined) return collected;
      const changes = page.filter((each) => this.#mayGo(each, request)).map(({ change }) => change);
      if (changes.length === 0) {
        await nextTurn();
        continue;
      }
      collected += await queue.run({
        path: undefined,
        // Somebody may have been met meanwhile. What was changed meanwhile has another change number.
        execute: async () => (this.#without(request).length > 0 ? 0 : catalog.forgetTombstones(changes)),
      });
    }
  }

  #mayGo({ record, storedAt }: StoredTombstone, { members, knowledge }: CollectRequest): boolean {
    const own = this.#parts.catalog.committed.knowledge;
    const known = members.length === 0 ? [own] : [own, knowledge];
    return isCollectable(record, storedAt, this.#parts.options.now(), known);
  }
}
