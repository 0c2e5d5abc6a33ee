/** What the gateway needs from the members, all of them together: the door between proxy/ and peers/. */
import type { Bytes } from '../ftp/data-stream.ts';
import type { Operation } from '../replication/operation.ts';
import type { Entry } from './protocol.ts';
import type { AccountsReply, Usage } from './protocol-accounts.ts';
import type { FoundPart, PartOwner } from './protocol-parts.ts';
import type { MemberStatus } from './protocol-reports.ts';
import type { EntryPage } from './shown-listing.ts';

/** What became of a change on the members; `sentence` is ready for the reply, in the words of docs/ARCHITECTURE.md. */
export interface Outcome {
  /** False when the mode of acknowledgement (`--ack`) is not met: answer 451 although it is kept here. */
  readonly acknowledged: boolean;
  readonly stored: number;
  readonly total: number;
  /** "Stored on 3 of 3 members." / "Deleted on 2 of 3 members (odroid-c is away and will catch up)." */
  readonly sentence: string;
}

export interface UploadOptions {
  /** APPE, REST: what the new content begins with: the first `length` bytes of this file. */
  readonly prefix?: { readonly entry: Entry; readonly length: number };
  /** Going on with an upload that broke off: the content begins with the first `length` bytes of its part. Not with `prefix`. */
  readonly part?: { readonly owner: PartOwner; readonly found: FoundPart; readonly length: number };
  /** APPE: the hash that the file must still have, null: there must still be none; else `changed`. */
  readonly baseSha256?: string | null;
  /** STOU: nothing may be at the path. */
  readonly exclusive?: boolean;
  /** ALLO: bytes announced; refused with `no-space` before any data where it cannot fit. */
  readonly announcedBytes?: number;
}

/** One upload: visible to nobody until `finish` has succeeded. */
export interface Upload {
  /**
   * Resolves when more may be sent: the pace of the slowest member still in the live fan-out. Rejects with Refusal.
   * `done`: called when nobody needs the memory of the chunk any more, often later; perhaps never.
   */
  write(chunk: Uint8Array, done?: () => void): Promise<void>;
  /** Bytes so far, prefix included. */
  readonly size: number;
  /** Commits everywhere. Rejects with Refusal; then nothing changed anywhere. */
  finish(): Promise<Outcome>;
  /** The old file stays as it was. Safe to call at any time, also after finish (then it does nothing). */
  abort(reason: string): Promise<void>;
  /**
   * Instead of `abort`, when the client is gone and may come back: what came of it, all but
   * the last byte, becomes the part of that user and path.
   * False: nothing was kept (nothing came, the own storage server is down, or the upload was over). Then a part that it went
   * on from is still there. Never rejects for want of members or space.
   */
  keep(as: KeepAs): Promise<boolean>;
}

/** How an upload is kept. */
export interface KeepAs {
  readonly owner: PartOwner;
  /** Hash of the file that was there when it began, null: none. */
  readonly over: string | null;
  readonly keepMs: number;
  /** All parts of this user together; absent: as many as there is room for. */
  readonly mostBytes?: number;
}

/** What was kept of uploads that broke off; only on the member that the client was connected to, and for that user. */
export interface PartsOfUploads {
  /** Null: there is none, or the own storage server is down. */
  find(owner: PartOwner): Promise<FoundPart | null>;
  /** True: there was one, and it is gone for good. */
  drop(owner: PartOwner): Promise<boolean>;
}

export interface InFolder {
  readonly entry: Entry | null;
  readonly folder: Entry | null;
}

/** All methods reject with `Refusal` for what the client may be told, and with `NoReplicaError` when no member answers. */
export interface ReplicaSet {
  /** Null when nothing is there. `/` is a directory. */
  lookup(path: string): Promise<Entry | null>;
  /** The same, and what is at the folder that the path (not `/`) is in: one question instead of two. */
  lookupInFolder(path: string): Promise<InFolder>;
  /**
   * Entries of a directory, some at a time; rejects with not-found / not-a-directory before the first. It holds a connection
   * until it was read to its end, or left early, or `over` fires: that alone helps where nobody has begun to read.
   */
  list(path: string, over?: AbortSignal): Promise<AsyncIterable<EntryPage>>;
  /**
   * The bytes from `offset`, from the local replica or else from a peer. They end with an error when they turn out not to
   * be those of `entry.sha256`: then no 226.
   */
  read(entry: Entry, offset: number): Promise<Bytes>;
  startUpload(path: string, options?: UploadOptions): Promise<Upload>;
  readonly parts: PartsOfUploads;
  /** Everything but put. */
  change(operation: Exclude<Operation, { op: 'put' }>): Promise<Outcome>;
  /**
   * The users' accounts; `digest`: of the last answer, '' at first. Never an incomplete answer: NoReplicaError when nobody
   * can say, and then nobody may log in.
   */
  accounts(digest: string): Promise<AccountsReply>;
  /** Makes, changes or (null) removes an account on all members. Refusal not-found, invalid, forbidden-name. */
  setAccount(name: string, text: string | null): Promise<Outcome>;
  /** What `/` or a directory and all in it takes up. */
  usage(path: string): Promise<Usage>;
  /** This member first. */
  members(): readonly MemberStatus[];
  /** Bytes that an upload may have: the least that is free on this member and on the peers that answer (AVBL). */
  freeBytes(): Promise<number>;
  close(): Promise<void>;
}

export class NoReplicaError extends Error {
  override readonly name = 'NoReplicaError';
}
