/** `SITE DISK`: what the operator says about this member's disk (`cloudroid disk`), and the sweep. Only from the member's own processes. */

export interface DiskRequest {
  /** At the next start the disk that is there takes the place of the old one: as an empty one, or with its files. */
  readonly accept?: 'empty' | 'files';
  /** A rebuild waits for no other member. */
  readonly rebuild?: 'alone';
  /** From the sweep: everything was reconciled, neither side is distrusted any more. */
  readonly trust?: 'again';
}
export interface DiskReply {
  /** A rebuild was under way. */
  readonly rebuilding: boolean;
  /** The side that was restored from a backup: where the two differ, the other one is right. */
  readonly distrust: 'catalog' | 'volume' | null;
}
