/** A record table with changes on top that are not carried out yet: a plan of several steps sees its own steps. */
import { conflictPath } from './conflict-name.ts';
import type { Change, RecordTable } from './plan.ts';
import type { ReplicaRecord, VersionVector } from './record.ts';
import { isLive, parentOf } from './tree-view.ts';

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
    const candidates = new Set(stored === undefined ? [] : [stored.path]);
    // A file is shown beside its own path: only siblings of `path` count, changed themselves or by what is below.
    const parent = below(parentOf(path));
    for (const changed of this.#changed.keys()) {
      if (!changed.startsWith(parent)) continue;
      const end = changed.indexOf('/', parent.length);
      candidates.add(end === -1 ? changed : changed.slice(0, end));
    }
    for (const candidate of candidates) {
      const record = this.get(candidate);
      if (record?.kind !== 'file' || conflictPath(record) !== path) continue;
      if (this.hasLiveDescendant(candidate)) return record;
    }
    return undefined;
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
