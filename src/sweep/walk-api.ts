/** What a walk of the volume is told, and what it says. */
import type { ReplicaClient } from '../peers/replica-client-api.ts';

export interface WalkOptions {
  readonly local: ReplicaClient;
  readonly filesDir: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Look only. */
  readonly dryRun: boolean;
  /** What a file that is gone from outside means. */
  readonly outsideDeletions: 'restore' | 'propagate';
  /** The side that was restored from a backup: an old volume is not edited, an old catalog does not know what it knew. */
  readonly distrust: 'catalog' | 'volume' | null;
  /** No peer was reached: what is newer elsewhere could not be had. */
  readonly alone: boolean;
  /** How long a file must not have changed before it is taken over. */
  readonly restMs: number;
  readonly onFolder?: () => void;
}

export interface WalkResult {
  /** New versions made of files from outside, folders and outside deletions included. */
  adopted: number;
  damaged: number;
  /** Files that somebody may be writing right now. */
  restless: number;
  /** Everything that was not as the catalog says. */
  differences: number;
  /** For the operator. */
  readonly notices: string[];
}
