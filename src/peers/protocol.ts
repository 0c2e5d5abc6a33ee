/**
 * The peer protocol: what proxies, sweeps and the command say to a storage server, over FTP with implicit mutual TLS.
 *
 * Verbs are `SITE <NAME> <base64url(JSON request)>`; the reply is `200 <JSON>` on one line, or 450 / 550 with
 * `{"error": RefusalKind, "message", "path"?}`. Bulk travels on data connections, with paths base64url-encoded:
 *
 *   STOR /staging/<id>            bytes nobody sees yet; REST n or APPE goes on; SIZE tells how much is there; DELE
 *   RETR /staging/<id>            an NDJSON batch the server prepared
 *   RETR /objects/<sha256>        content by hash; REST n
 *   RETR /list/<base64url(dir)>   NDJSON of Entry
 *   RETR /changes/<n>             NDJSON: first line ChangesHeader, then one ReplicaRecord a line, by change number
 *
 * A request line is at most MAX_LINE_BYTES; what is longer travels as a staged file named in the request.
 */
import type { Operation, PushedRecord } from '../replication/operation.ts';
import type { MergeOutcome } from '../replication/plan.ts';
import type { ReplicaRecord, VersionVector } from '../replication/record.ts';
import type { ChainRequest } from './protocol-chain.ts';

export const PROTOCOL_VERSION = 3;
export const MAX_LINE_BYTES = 128 * 1024;
/** Files up to this many bytes travel inside COMMIT and MERGE, so that a small upload costs one round trip a member. */
export const INLINE_LIMIT_BYTES = 32 * 1024;
/** Replies with records above this many bytes (as JSON) are put in a staged NDJSON file instead. */
export const INLINE_RECORDS_BYTES = 32 * 1024;

/** `SITE HELLO` {from?: HelloFrom} */
export interface HelloRequest {
  readonly protocol: number;
  readonly from?: { readonly member: string; readonly store: string; readonly boot: string };
}
export interface Hello {
  readonly protocol: number;
  /** Permanent id of the member, `[a-z0-9-]{1,40}`. */
  readonly member: string;
  /** What people call it (`--name`). */
  readonly name: string;
  /** Id of the disk's contents; new with every new volume. */
  readonly store: string;
  /** New at every start of the storage server. */
  readonly incarnation: string;
  /** Random, new at every start; two different ones with one member id at the same time mean a cloned board. */
  readonly boot: string;
  readonly knowledge: VersionVector;
  /** Member ids met and not retired, own included. */
  readonly members: readonly string[];
  /** Member ids retired by an operator: never again taken for members. */
  readonly retired: readonly string[];
  /** A new store that has not got from the others what they have. A member that never had others stays so. */
  readonly joining: boolean;
  /** Root of the hash tree (replication/hash-tree.ts), of the same moment as `knowledge` and `changes`. */
  readonly tree: string;
  readonly freeBytes: number;
  /** Its clock, milliseconds since 1970. */
  readonly now: number;
  /** Why this replica takes no writes, or null. */
  readonly readOnly: string | null;
  /** Highest local change number. */
  readonly changes: number;
  /** Ids of members that it can pass the bytes of an upload on to (protocol-chain.ts). Absent: a member that cannot. */
  readonly passesTo?: readonly string[];
}

/** What users see at a path: a listing line. */
export interface Entry {
  /** The path it is shown at; a shadowed file is shown at its conflict name. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly size: number;
  readonly sha256: string;
  readonly mtime: number;
  /** The record behind it; absent for the root and for directories that exist only because something is in them. */
  readonly record?: ReplicaRecord;
}

/**
 * `SITE RECORD {path, local?, folder?}`. `local: true` (only from this member's own processes) adds where the bytes are,
 * `folder: true` what is at the folder the path is in: an upload asks for both at once.
 */
export interface RecordRequest {
  readonly path: string;
  readonly local?: boolean;
  readonly folder?: boolean;
}
export interface RecordReply {
  readonly entry: Entry | null;
  /** The record exactly at the path (tombstones too): what fail-over sends as `seen`. */
  readonly record: ReplicaRecord | null;
  readonly disk?: DiskFile;
  /** Without the record behind it; null: nothing is there. */
  readonly folder?: Entry | null;
}
/** A file for a process on the same machine: check dev/ino/size after opening; another one means: ask again. */
export interface DiskFile {
  readonly path: string;
  /** Decimal, as bigint stat gives it. */
  readonly ino: string;
  readonly size: number;
  /** Decimal nanoseconds. */
  readonly mtimeNs: string;
}

/**
 * `SITE STAGE {id, prefix?, chain?}`: makes (or finds) a staging file; with `prefix` it starts with the first `length` bytes
 * of that content, refused with `missing-content` when this replica lacks it. A member's own processes get the
 * path and write the bytes themselves; everybody else follows with STOR/APPE /staging/<id>.
 */
export interface StageRequest {
  /** `[A-Za-z0-9_-]{8,80}`; random. `sha-<sha256>` for pulled content, found again by hash. */
  readonly id: string;
  readonly prefix?: { readonly sha256: string; readonly length: number };
  /** The bytes that follow are to be passed on. */
  readonly chain?: ChainRequest;
}
export interface StageReply {
  readonly size: number;
  /** Only for this member's own processes. */
  readonly path?: string;
  /** With `path`: bytes to write at most before asking again, which is refused when only the reserve is left. */
  readonly room?: number;
}

/** Where the bytes of a put are. */
export interface Content {
  /** A staging id. */
  readonly staged?: string;
  /** base64, at most INLINE_LIMIT_BYTES decoded. */
  readonly inline?: string;
}

/** `SITE COMMIT`: assign a new version, make it durable. Done once for each `id`, remembered 24 h. */
export interface CommitRequest {
  readonly id: string;
  readonly operation: Operation;
  readonly content?: Content;
  /** Fail-over: records the proxy last saw elsewhere; merged first. */
  readonly seen?: readonly ReplicaRecord[];
}
export interface CommitReply {
  /** What to MERGE on the others; or `batch`: staging id of an NDJSON of PushedRecord. */
  readonly pushed?: readonly PushedRecord[];
  readonly batch?: string;
  readonly count: number;
}

/**
 * `SITE MERGE`: take records decided elsewhere. Modes:
 * push: from a commit; a record whose base is unknown here answers `behind` and nothing of the batch is applied.
 * partial: from a pull under way; what only adds is applied as its bytes are here, the rest is `deferred`.
 * complete: the end of a pull: all or nothing in one transaction, then K and the cursor of `exchange` are joined.
 */
export interface MergeRequest {
  readonly mode: 'push' | 'partial' | 'complete';
  readonly records?: readonly PushedRecord[];
  /** Instead of `records`: staging id of an NDJSON of PushedRecord (base null in pulls). */
  readonly batch?: string;
  /** By sha256. Staged `sha-<sha256>` files and this replica's own files are found without being named. */
  readonly content?: { readonly [sha256: string]: Content };
  readonly exchange?: ExchangeEnd;
  /**
   * Incarnation of the receiving store when the exchange began. Another one by now (restarted, perhaps from a backup that
   * lacks what was taken before): refused, and pulled again.
   */
  readonly receiver?: string;
}
export interface ExchangeEnd {
  /** The peer is joining itself: what it knows may be little of what there is. */
  readonly joining?: boolean;
  readonly store: string;
  readonly incarnation: string;
  readonly knowledge: VersionVector;
  /** That of the ChangesHeader: who takes over K must write later than what K lets it forget. */
  readonly collectedStamp: number;
  /** The cursor reached: ChangesHeader.upTo. */
  readonly upTo: number;
}
export interface MergeReply {
  /**
   * One outcome a record, in order; left out (with `counts` instead) when the reply would be over
   * INLINE_RECORDS_BYTES, then `outcomesBatch` names a staged NDJSON with one outcome string a line.
   */
  readonly outcomes?: readonly MergeOutcome[];
  readonly outcomesBatch?: string;
  readonly counts: { readonly [outcome in MergeOutcome]?: number };
  /** Hashes (with sizes) to stage as `sha-<hash>` before asking again; at most 500 at a time. */
  readonly need: readonly { readonly sha256: string; readonly size: number }[];
}

/** First line of RETR /changes/<n>; taken in the same snapshot as the records. */
export interface ChangesHeader {
  readonly store: string;
  readonly incarnation: string;
  readonly knowledge: VersionVector;
  /** Highest stamp of any tombstone that this store, or one whose knowledge it took over, has collected. */
  readonly collectedStamp: number;
  readonly upTo: number;
  readonly count: number;
}

/** `SITE CURSOR {store, incarnation}` -> {after}: where to go on pulling from that peer; 0 at first. */
export interface CursorRequest {
  readonly store: string;
  readonly incarnation: string;
}
export interface CursorReply {
  readonly after: number;
}
