/** A record table with changes on top that are not carried out yet: a plan of several steps sees its own steps. */
import { conflictPath } from './conflict-name.ts';
import type { Change, RecordTable } from './plan.ts';
import type { ReplicaRecord, VersionVector } from './record.ts';
import { isLive } from './tree-view.ts';

export class Overlay implements RecordTable {
  readonly #table: RecordTable;
  readonly #changed = new Map<string, ReplicaRecord>();

  constructor(table: RecordTable) {
    this.#table = table;
  }

  get knowledge(): VersionVector {
    return this.#table.knowledge;
  }

  get collectedStamp(): number {
    return this.#table.collectedStamp;
  }

  put(record: ReplicaRecord): void {
    if (this.get(record.path) !== record) this.#changed.set(record.path, record);
  }

  get(path: string): ReplicaRecord | undefined {
    return this.#changed.get(path) ?? this.#table.get(path);
  }

  hasLiveDescendant(path: string): boolean {
    const prefix = below(path);
    let covered = false;
    for (const [changed, record] of this.#changed) {
      if (!changed.startsWith(prefix)) continue;
      if (isLive(record)) return true;
      covered = true;
    }
    if (!covered) return this.#table.hasLiveDescendant(path);
    for (const record of this.#table.liveDescendants(path)) {
      if (!this.#changed.has(record.path)) return true;
    }
    return false;
  }

  *liveDescendants(path: string): Iterable<ReplicaRecord> {
    const prefix = below(path);
    for (const record of this.#table.liveDescendants(path)) {
      if (!this.#changed.has(record.path)) yield record;
    }
    for (const [changed, record] of this.#changed) {
      if (changed.startsWith(prefix) && isLive(record)) yield record;
    }
  }

  shadowedFileShownAt(path: string): ReplicaRecord | undefined {
    const stored = this.#table.shadowedFileShownAt(path);
    const candidates = [...(stored === undefined ? [] : [this.get(stored.path)]), ...this.#changed.values()];
    return candidates.find(
      (record) =>
        record?.kind === 'file' && conflictPath(record) === path && this.hasLiveDescendant(record.path),
    );
  }

  /** What the plan changes, in the order of first touch. */
  changes(): Change[] {
    return [...this.#changed].map(([path, after]) => ({ before: this.#table.get(path), after }));
  }

  /** Hashes of the files the changes bring to their paths. */
  needs(): string[] {
    const needs = new Set<string>();
    for (const { before, after } of this.changes()) {
      if (after.kind === 'file' && before?.sha256 !== after.sha256) needs.add(after.sha256);
    }
    return [...needs];
  }
}

function below(path: string): string {
  return path === '/' ? '/' : `${path}/`;
}
