/** Makers of records for tests. */
import type { Dot, RecordKind, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';

export interface Sketch {
  readonly path?: string;
  readonly kind?: RecordKind;
  readonly content?: string;
  readonly stamp?: number;
  readonly seen?: VersionVector;
  readonly kept?: readonly Dot[];
}

/** A record with its own dot in its context, as assigners make them. `content` stands for the hash. */
export function record(actor: string, seq: number, sketch: Sketch = {}): ReplicaRecord {
  const {
    path = '/report.txt',
    kind = 'file',
    content = `${actor}${seq}`,
    stamp = seq,
    seen = {},
    kept = [],
  } = sketch;
  const file = kind === 'file';
  return {
    path,
    kind,
    size: file ? content.length : 0,
    sha256: file ? content : '',
    mtime: stamp,
    dot: [actor, seq],
    stamp,
    context: { ...seen, [actor]: seq },
    kept,
  };
}
