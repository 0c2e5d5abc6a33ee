/** What a round works on. */
import type { SweepReport } from '../peers/protocol-reports.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import type { VolumeCare } from './volume-care.ts';

export interface RoundOptions {
  readonly local: ReplicaClient;
  readonly peers: readonly ReplicaClient[];
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** The volume of this member; without it only peers are looked at. */
  readonly volume?: VolumeCare | undefined;
  /** Look, and change nothing. */
  readonly dryRun?: boolean;
  /** Walk the volume now, not only when it is due. */
  readonly walk?: boolean;
  /** Read and hash every file now, as fast as it goes. */
  readonly scrub?: boolean;
  /** Delete what was forgotten elsewhere, however much it is: the operator says so. */
  readonly acceptDeletions?: boolean;
  /** Called now and then while it goes on, and at the end. */
  readonly onProgress?: (report: SweepReport) => void;
}
