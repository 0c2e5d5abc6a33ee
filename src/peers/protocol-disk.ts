/** `SITE DISK`: what the operator says about this member's disk (`cloudroid disk`). Only from the member's own processes. */

export interface DiskRequest {
  /** At the next start the disk that is there takes the place of the old one: as an empty one, or with its files. */
  readonly accept?: 'empty' | 'files';
  /** A rebuild waits for no other member. */
  readonly rebuild?: 'alone';
}
export interface DiskReply {
  /** A rebuild was under way. */
  readonly rebuilding: boolean;
}
