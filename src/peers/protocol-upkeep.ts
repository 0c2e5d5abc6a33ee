/**
 * What only a member's own processes say to its storage server (the sweep, the proxy, the command):
 *
 *   RETR /files/<base64url(after)>   NDJSON of FileOnDisk: the next FILES_PAGE files by path, for the scrub
 *   RETR /disk/<base64url(dir)>      NDJSON of PlacedEntry: what belongs into a folder of the volume, for the walk
 *   RETR /missing/<base64url(after)> NDJSON of FileOnDisk: the next FILES_PAGE files whose bytes this replica lacks
 *   SITE FORGET {forgotten}          -> {ended}: deletes records of which a peer knows that they were deleted
 *   SITE DAMAGED {DamageReport}      -> {quarantined}
 *   SITE REPAIR {sha256}             -> {repaired}: puts staged `sha-<sha256>` where it is missing
 *   SITE REMAKE {path}               -> {}: makes a folder again that the catalog knows and the volume lacks
 *   SITE DISCARD {Unknown}           -> {discarded}: a file that the catalog does not know goes to the trash
 *   SITE ADOPT {Adoption}            -> {adopted}: a file added or changed behind our back becomes a version
 *   SITE SUSPECT {path}              -> {}: somebody met damage: the next round looks, and is asked for
 *   SITE SUSPECTS {}                 -> {paths}: takes the list
 *   SITE UPKEEP {set?}               -> UpkeepState
 */
import type { Dot } from '../replication/record.ts';

export const FILES_PAGE = 1000;

/** A file as the catalog knows it. */
export interface FileOnDisk {
  readonly path: string;
  /** Virtual path of its place in the volume. */
  readonly place: string;
  readonly size: number;
  readonly sha256: string;
  /** Decimal, as bigint stat gives them when all is well; null: the bytes are missing here. */
  readonly ino: string | null;
  readonly mtimeNs: string | null;
}

export type PlacedEntry =
  | ({ readonly kind: 'file' } & FileOnDisk)
  | { readonly kind: 'directory'; readonly path: string };

/** Why the bytes on disk are no good. */
export type DamageKind = 'missing' | 'changed' | 'rotten' | 'unreadable';

/** `ino`, `mtimeNs`: as the catalog said when it was looked at, so that a file replaced meanwhile is left alone. */
export interface DamageReport {
  readonly path: string;
  readonly sha256: string;
  readonly ino: string;
  readonly mtimeNs: string;
  readonly why: DamageKind;
}

/** A file in the volume as it was before and after it was hashed. Its place is its path. */
export interface Adoption {
  readonly path: string;
  readonly ino: string;
  readonly mtimeNs: string;
  readonly size: number;
  readonly sha256: string;
}
/** A file as it was seen that no record speaks of. */
export type Unknown = Pick<Adoption, 'path' | 'ino' | 'mtimeNs'>;
/** refreshed: the same content in another file on disk, so no new version. gone: it is not as described any more. */
export type AdoptionOutcome = 'new version' | 'refreshed' | 'gone';

export interface Forgotten {
  readonly path: string;
  readonly dot: Dot;
}

/** How far the slow checks are; kept over restarts. Milliseconds since 1970. */
export interface UpkeepState {
  /** When the last walk of the volume ended. */
  readonly walkedAt: number | null;
  /** When the last scrub of all files ended. */
  readonly scrubbedAt: number | null;
  /** The scrub under way: its begin, the path it has reached, and what it has read. */
  readonly scrubStartedAt: number | null;
  readonly scrubAfter: string;
  readonly scrubbedBytes: number;
  /** Files whose bytes are missing or damaged here, to be fetched from a peer. */
  readonly missing: number;
  /** The side that was restored from a backup and not compared with the other since; `volume`: what differs is old. */
  readonly distrust: 'catalog' | 'volume' | null;
}
/** `distrust: null`: volume and catalog were compared. */
export type UpkeepChange = Partial<Omit<UpkeepState, 'missing' | 'distrust'>> & { readonly distrust?: null };

/** The upkeep of a member's own replica, as calls. */
export interface UpkeepCalls {
  /** The next files after a path; fewer than FILES_PAGE: these were the last. */
  files(after: string): Promise<FileOnDisk[]>;
  /** What belongs into a folder of the volume, as the catalog knows it. */
  folder(dir: string): Promise<PlacedEntry[]>;
  /** The same of files whose bytes this replica lacks. */
  missing(after: string): Promise<FileOnDisk[]>;
  /** How many were still as named. A request is one line of at most 128 KiB. */
  forget(forgotten: readonly Forgotten[]): Promise<number>;
  /** False: the file was replaced meanwhile, or was known to be missing. */
  damaged(report: DamageReport): Promise<boolean>;
  /** False: there is a record for it, or it is another file by now. */
  discard(unknown: Unknown): Promise<boolean>;
  /** How many files have their bytes again. @throws Refusal missing-content, hash-mismatch */
  repair(sha256: string): Promise<number>;
  /** Makes a folder again that the catalog knows and the volume lacks. */
  remakeFolder(path: string): Promise<void>;
  /** @throws Refusal when the tree does not allow a file there */
  adopt(adoption: Adoption): Promise<AdoptionOutcome>;
  suspect(path: string): Promise<void>;
  /** Taken: the next call gives only newer ones. */
  suspects(): Promise<readonly string[]>;
  state(set?: UpkeepChange): Promise<UpkeepState>;
}
