/**
 * One replica: catalog + volume + staging behind one door. The storage server puts FTP in front of it; nothing else
 * writes to the volume.
 */
import type { FileHandle } from 'node:fs/promises';
import type {
  ChangesHeader,
  CommitReply,
  CommitRequest,
  CursorReply,
  CursorRequest,
  DiskFile,
  Entry,
  Hello,
  MergeReply,
  MergeRequest,
  RecordReply,
  StageRequest,
} from '../peers/protocol.ts';
import type { AccountsReply, AccountsRequest, Usage } from '../peers/protocol-accounts.ts';
import type { ConflictEntry, EmptyReply, RestoreReply, TrashEntry } from '../peers/protocol-attic.ts';
import type { CollectReply, CollectRequest, MemberLists, MembersRequest } from '../peers/protocol-members.ts';
import type { ReplicaRecord } from '../replication/record.ts';

import type { StoreDisk } from './store-disk-api.ts';
import type { StoreParts } from './store-parts-api.ts';
import type { Upkeep } from './upkeep/upkeep-api.ts';

export interface StoreOptions {
  /** The volume: plain files as users see them, and `.cloudroid/` (staging, trash, store.json) on the same file system. */
  readonly filesDir: string;
  /** Catalog, identity. */
  readonly stateDir: string;
  /** Where the volume's disk must be mounted; without it the volume counts as missing. Null or absent: anywhere. */
  readonly mountDir?: string | null;
  readonly member: string;
  readonly name: string;
  /** Free bytes that new files may not use; default: 64 MiB or 1 % of the file system, whichever is more. */
  readonly reserveBytes?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The catalog turned out to be damaged: nothing is written any more, and the process should end. */
  readonly onCatalogDamaged?: (why: string) => void;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, details?: object) => void;
}

export interface StagedFile {
  readonly id: string;
  /** Absolute path on disk, for the member's own processes. */
  readonly diskPath: string;
  readonly size: number;
  /** Bytes to write at most before asking again whether there is room. */
  readonly room: number;
}

/** An upload into staging through this process; hashes while it writes. */
export interface StagingWriter {
  write(chunk: Uint8Array): Promise<void>;
  /** Closes the file; the hash of the whole file is remembered for the commit. Does not fsync: commit does. */
  end(): Promise<{ size: number; sha256: string }>;
  /** Keeps what came so far (a later REST goes on), closes the file. */
  abort(): Promise<void>;
}

export interface OpenedObject {
  readonly handle: FileHandle;
  readonly size: number;
  readonly disk: DiskFile;
}

/** What a person looks after: trash and conflict copies. The iterables are snapshots; read them to the end or `return`. */
export interface AtticStore {
  /** Newest first. */
  trash(): Iterable<TrashEntry>;
  conflicts(): Iterable<ConflictEntry>;
  /** Resolves when it is durable. Throws not-found, exists, invalid, hash-mismatch, no-space. */
  restore(request: {
    readonly id: string;
    readonly to?: string;
    readonly replace?: boolean;
  }): Promise<RestoreReply>;
  /** What came before that moment (milliseconds); absent: what is there now. */
  empty(before?: number): Promise<EmptyReply>;
}

/** Who belongs to the network, and what may be forgotten because all of them know it. */
export interface StoreMembers {
  /** Before a member is served for the first time. Never rejects. */
  meet(member: string): Promise<void>;
  isRetired(member: string): boolean;
  /** Throws Refusal invalid, read-only. */
  join(request: MembersRequest): Promise<MemberLists>;
  /** Throws Refusal not-found, invalid, read-only. */
  retire(member: string): Promise<MemberLists>;
  collect(request: CollectRequest): Promise<CollectReply>;
}

/** For gateways. */
export interface StoreAccounts {
  /** A part of them when they are many: see `more`. */
  read(request: AccountsRequest): Promise<AccountsReply>;
  /** `dir`: normalised. */
  usage(dir: string): Promise<Usage>;
}

/** All methods throw `Refusal` (replication/operation.ts) for what a client may be told; anything else is a defect or a broken disk. */
export interface Store {
  hello(): Hello;
  record(path: string): RecordReply;
  /** Entries of a directory in no particular order; throws not-found, not-a-directory. Safe to consume slowly. */
  list(dir: string): Iterable<Entry>;
  /** The same in pages of JSON, without the records (peers/shown-listing.ts). */
  listShown(dir: string): Iterable<string>;
  counts(): { files: number; directories: number; bytes: number; conflicts: number; trashBytes: number };

  /** `by`: a peer gets no path, so a hash that it names is never believed unseen. */
  stage(request: StageRequest, by?: 'own process' | 'peer'): Promise<StagedFile>;
  stagedSize(id: string): Promise<number | null>;
  /** Writes from `offset`, which must be the present size (or 0: start again). */
  writeStaging(id: string, offset: number): Promise<StagingWriter>;
  openStaging(id: string): Promise<FileHandle>;
  dropStaging(id: string): Promise<void>;

  commit(request: CommitRequest): Promise<CommitReply>;
  merge(request: MergeRequest): Promise<MergeReply>;

  /** A snapshot: header and records of one moment, however slowly they are read. Call `return` or read to the end. */
  changes(after: number): { header: ChangesHeader; records: Iterable<ReplicaRecord> };
  /** Digests of the hash tree as committed, and the records of its buckets with their header, as `changes`. */
  readonly tree: {
    nodes(): Buffer;
    bucketsBelow(nodes: readonly number[]): Buffer;
    records(buckets: readonly number[]): { header: ChangesHeader; records: Iterable<ReplicaRecord> };
  };
  readonly upkeep: Upkeep;
  readonly disk: StoreDisk;
  cursor(request: CursorRequest): CursorReply;
  readonly members: StoreMembers;
  readonly accounts: StoreAccounts;

  /** Throws missing-content. */
  openObject(sha256: string): Promise<OpenedObject>;

  readonly attic: AtticStore;
  readonly parts: StoreParts;

  /** Finishes what runs, closes files and catalog. */
  close(): Promise<void>;
}
