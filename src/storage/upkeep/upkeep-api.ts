/** A replica looking after itself, as the store's own processes ask for it (peers/protocol-upkeep.ts). */
import type {
  Adoption,
  AdoptionOutcome,
  DamageReport,
  FileOnDisk,
  Forgotten,
  PlacedEntry,
  Unknown,
  UpkeepState,
} from '../../peers/protocol-upkeep.ts';

/** What is remembered here; the rest of UpkeepState is the disk's. */
export type Noted = Omit<UpkeepState, 'distrust'>;

/** What writes throws Refusal; then nothing has changed. */
export interface Upkeep {
  /** The next FILES_PAGE files by path. */
  files(after: string): FileOnDisk[];
  missing(after: string): FileOnDisk[];
  /** What belongs into a folder of the volume; a page at a time, so that it may be read slowly. */
  folder(dir: string): Iterable<PlacedEntry>;
  forget(forgotten: readonly Forgotten[]): Promise<number>;
  damaged(report: DamageReport): Promise<boolean>;
  discard(unknown: Unknown): Promise<boolean>;
  repair(sha256: string): Promise<number>;
  remakeFolder(path: string): Promise<void>;
  adopt(adoption: Adoption): Promise<AdoptionOutcome>;
  /** Somebody met damage at the path. True: that is news. */
  suspect(path: string): boolean;
  takeSuspects(): string[];
  state(): Noted;
  setState(change: Partial<Noted>): Promise<void>;
}
