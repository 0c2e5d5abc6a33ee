/** What a store says of its disk and catalog, and what the operator says to it (`cloudroid disk`). */

export interface StoreDisk {
  /** The disk that is there takes the place of the old one, at the next start. */
  accept(what: 'empty' | 'files'): void;
  /** A rebuild waits for no other member. False: none is under way. */
  rebuildAlone(): Promise<boolean>;
  /** A round of this member's own sweep is over. */
  roundOver(): void;
  /** Called when the own sweep should look: a rebuild is ready to take records. */
  onSweepWanted(call: () => void): void;
  /** An error that somebody met who read from the store. */
  noticeError(error: unknown): void;
  /** The side that was restored from a backup, until `trustAgain`. */
  distrust(): 'catalog' | 'volume' | null;
  trustAgain(): Promise<void>;
  notices(): readonly string[];
}
