/**
 * What a replica knows of a path, and the words for it.
 *
 * A record is never edited: a write makes a new one with a new dot. Two members hold the same state of a path
 * exactly when they hold records with the same dot.
 */

/** The name of one write: [actor, seq]. Actor = `<memberId>.<incarnation>`; `*<actor>` for conflict copies. */
export type Dot = readonly [actor: string, seq: number];

/** Per actor the highest seq known, every lower one included (Parker et al. 1983, version vectors). */
export type VersionVector = { readonly [actor: string]: number };

export type RecordKind = 'directory' | 'file' | 'tombstone';

/** The record of one path; `size` 0 and `sha256` '' unless kind is 'file'. */
export interface ReplicaRecord {
  /** Absolute virtual path, `/a/b`: normalised, no trailing slash, never `/` itself. */
  readonly path: string;
  readonly kind: RecordKind;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex, 64 characters, or ''. */
  readonly sha256: string;
  /** Milliseconds since 1970, whole. What the user sees; decides nothing. */
  readonly mtime: number;
  readonly dot: Dot;
  /** Milliseconds, hybrid logical clock: orders concurrent names, never survival. */
  readonly stamp: number;
  /** Every write this one has seen of this path (and the assigner's knowledge where it had no record), itself included. */
  readonly context: VersionVector;
  /** Dots of files that lost to this record or a predecessor and live on as conflict copies. */
  readonly kept: readonly Dot[];
}
