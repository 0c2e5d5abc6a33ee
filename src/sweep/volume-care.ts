/** When the volume is walked, and what comes of it. */
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { RoundProgress } from './progress.ts';
import { walk } from './walk.ts';

/** The volume of the member that sweeps. */
export interface VolumeCare {
  readonly filesDir: string;
  readonly outsideDeletions: 'restore' | 'propagate';
  /** How long a file from outside must not have changed before it is taken over; default a minute. */
  readonly restMs?: number;
}

const WALK_EVERY_MS = 24 * 60 * 60 * 1000;
const REST_MS = 60_000;

interface WalkRequest {
  readonly local: ReplicaClient;
  readonly volume: VolumeCare;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly dryRun: boolean;
  /** A peer was pulled completely in this round, or none was reached. */
  readonly caughtUp: boolean;
  /** None was reached. */
  readonly alone: boolean;
  /** PEERS.txt lists nobody. */
  readonly noPeers: boolean;
  readonly always: boolean;
  readonly progress: RoundProgress;
}

/** Resolves with how many changes from outside became versions. */
export async function walkWhenDue(request: WalkRequest): Promise<number> {
  const { local, volume, signal, now, dryRun, caughtUp, alone, noPeers, always, progress } = request;
  const { walkedAt, distrust } = await local.upkeep.state();
  // A time in the future was written down while the clock was wrong.
  const due = distrust !== null || walkedAt === null || walkedAt > now() || now() - walkedAt >= WALK_EVERY_MS;
  if (!due && !always) return 0;
  // What a restored side should know may be with a peer; otherwise nothing waits for the peers: an exchange may be stuck for
  // the very bytes that somebody edited here.
  if (distrust !== null && !caughtUp) return 0;
  // What a restored side has forgotten only the others can tell.
  if (distrust !== null && alone && !noPeers) return 0;
  const result = await walk({
    local,
    signal,
    now,
    dryRun,
    filesDir: volume.filesDir,
    outsideDeletions: volume.outsideDeletions,
    alone,
    distrust,
    // What an old catalog does not know was written by ourselves.
    restMs: distrust === 'catalog' ? 0 : (volume.restMs ?? REST_MS),
    onFolder: () => {
      progress.done += 1;
    },
  });
  progress.adopted += result.adopted;
  progress.notices.push(...result.notices);
  if (always && result.restless > 0) {
    const files = result.restless === 1 ? '1 file' : `${result.restless} files`;
    progress.notices.push(
      `${files} changed from outside a moment ago: taken over by a later sweep, once at rest`,
    );
  }
  if (dryRun) progress.differences += result.differences;
  else {
    // Compared with what a peer knows; without peers there is nothing better than what is here.
    const trust = distrust === null || result.restless > 0 ? {} : { distrust: null };
    await local.upkeep.state({ walkedAt: result.restless > 0 ? null : now(), ...trust });
  }
  return result.adopted;
}
