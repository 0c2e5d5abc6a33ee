/** One replica at a distance: the peer protocol as calls. ftp-replica.ts speaks it with basic-ftp over mutual TLS. */
import type { Readable } from 'node:stream';
import type { Endpoint } from '../config/settings-api.ts';
import type { PushedRecord } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';
import type {
  ChangesHeader,
  CommitReply,
  CommitRequest,
  CursorReply,
  CursorRequest,
  Entry,
  Hello,
  HelloRequest,
  MergeReply,
  MergeRequest,
  RecordReply,
  RecordRequest,
  StageReply,
  StageRequest,
} from './protocol.ts';
import type { AccountsCalls } from './protocol-accounts.ts';
import type { AtticCalls } from './protocol-attic.ts';
import type { ArrivedReply, ArrivedRequest } from './protocol-chain.ts';
import type { DiskReply, DiskRequest } from './protocol-disk.ts';
import type { MembersCalls } from './protocol-members.ts';
import type { PartCalls } from './protocol-parts.ts';
import type {
  ProxyReport,
  StatusReply,
  SweepCounter,
  SweepReport,
  SweepRequest,
  WaitRequest,
} from './protocol-reports.ts';
import type { TreeCalls } from './protocol-tree.ts';
import type { UpkeepCalls } from './protocol-upkeep.ts';
import type { EntryPage } from './shown-listing.ts';

/**
 * Refusals of the replica arrive as `Refusal`; a replica that cannot be reached, dies midway or answers garbage as
 * `ReplicaUnreachable`; one that fails the handshake (no or another network key) as `ReplicaUntrusted`.
 * Every call takes its connection from a pool (a few for bulk, one kept for short commands) and may run beside others.
 */
export interface ReplicaClient {
  readonly endpoint: Endpoint;
  hello(from?: HelloRequest['from'], signal?: AbortSignal): Promise<Hello>;
  record(request: RecordRequest): Promise<RecordReply>;
  /** Holds a connection until it was read to its end, or left early, or `over` fires. */
  list(dir: string, over?: AbortSignal): Promise<AsyncIterable<Entry>>;
  /** The same without records; only of this member's own storage server. */
  listShown(dir: string, over?: AbortSignal): Promise<AsyncIterable<EntryPage>>;
  stage(request: StageRequest): Promise<StageReply>;
  /**
   * Opens STOR (offset 0) or REST+STOR /staging/<id>; resolves when the data connection is up. `begun`: called when it has got
   * a connection of the pool, which may take as long as other uploads do.
   */
  openUpload(id: string, offset: number, begun?: () => void): Promise<ReplicaUpload>;
  /** Of an upload that comes through a chain. */
  arrived(request: ArrivedRequest): Promise<ArrivedReply>;
  stagedSize(id: string): Promise<number | null>;
  dropStaging(id: string): Promise<void>;
  commit(request: CommitRequest): Promise<CommitReply>;
  /** Sends the request's records as a staged batch by itself when the line would be too long. */
  merge(request: MergeRequest): Promise<MergeReply>;
  /** The records of a `batch` reply. */
  readBatch(id: string): Promise<readonly PushedRecord[]>;
  changes(after: number): Promise<{ header: ChangesHeader; records: AsyncIterable<ReplicaRecord> }>;
  readonly tree: TreeCalls;
  /** Only of this member's own replica. */
  readonly upkeep: UpkeepCalls;
  /** Only of this member's own replica. */
  disk(request: DiskRequest): Promise<DiskReply>;
  readObject(sha256: string, offset: number): Promise<Readable>;
  cursor(request: CursorRequest): Promise<CursorReply>;
  sweep(request: SweepRequest): Promise<SweepCounter>;
  /** Holds a connection of its own. */
  wait(request: WaitRequest, signal?: AbortSignal): Promise<SweepCounter>;
  /** Null when somebody else holds it. Release closes the connection that holds it. */
  lock(name: 'sweep'): Promise<{ release(): Promise<void> } | null>;
  report(report: { sweep?: SweepReport; proxy?: ProxyReport }): Promise<void>;
  status(): Promise<StatusReply>;
  /** Trash and conflict copies, for the command. */
  readonly attic: AtticCalls;
  /** Users, for the gateway. */
  readonly accounts: AccountsCalls;
  /** Only of this member's own storage server. */
  readonly parts: PartCalls;
  /** Only of this member's own storage server. */
  readonly members: MembersCalls;
  close(): void;
}

/** Bytes on their way into a peer's staging. */
export interface ReplicaUpload {
  /** False: wait for `drained` before the next write. `done`: called once, when the memory of the chunk is not needed any more. */
  write(chunk: Uint8Array, done?: () => void): boolean;
  drained(): Promise<void>;
  /** Bytes accepted by `write` and not yet handed to the kernel. */
  readonly queuedBytes: number;
  /** Sends the end, waits for the 226. */
  end(): Promise<void>;
  /** Drops the connection; what came stays in staging. */
  abort(reason: string): void;
  /** Rejects when the transfer breaks; never resolves before `end`. */
  readonly failed: Promise<never>;
}

export class ReplicaUnreachable extends Error {
  override readonly name = 'ReplicaUnreachable';
}
export class ReplicaUntrusted extends Error {
  override readonly name: string = 'ReplicaUntrusted';
}
/** It says that this very member was retired. */
export class MemberRetired extends ReplicaUntrusted {
  override readonly name = 'MemberRetired';
}
