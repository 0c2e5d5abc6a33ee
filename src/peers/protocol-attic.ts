/**
 * What the command asks of its own member to look after it: the trash and the conflict copies.
 *
 *   RETR /trash              NDJSON of TrashEntry, newest first
 *   RETR /conflicts          NDJSON of ConflictEntry
 *   SITE TRASH TrashRequest  -> RestoreReply | EmptyReply
 *
 * All of it only for processes of the member itself: the trash is of this disk, no other member's business.
 */

/** Why something is in the trash; `unknown`: it was found where the catalog knew nothing, or only its name was left. */
export type TrashReason = 'deleted' | 'replaced' | 'damaged' | 'unknown';

export interface TrashEntry {
  readonly id: string;
  /** Where it was; '' when nobody knows. */
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970: when it came here. */
  readonly at: number;
  readonly why: TrashReason;
}

export type TrashRequest =
  /** `to`: another path than its old one. Refused with `exists` when a file is there, unless `replace`. */
  | { readonly restore: string; readonly to?: string; readonly replace?: boolean }
  /** Everything that was there before that moment; absent: everything there now. */
  | { readonly empty: true; readonly before?: number };

export interface RestoreReply {
  readonly path: string;
  readonly size: number;
}
export interface EmptyReply {
  readonly files: number;
  readonly bytes: number;
}

/** The same as calls; attic-client.ts makes them over the link to the own member. */
export interface AtticCalls {
  /** Newest first. */
  trash(): Promise<AsyncIterable<TrashEntry>>;
  /** Resolves when the file is durable at its path again. Throws Refusal not-found, exists, hash-mismatch, no-space. */
  restore(request: Extract<TrashRequest, { restore: string }>): Promise<RestoreReply>;
  emptyTrash(before?: number): Promise<EmptyReply>;
  conflicts(): Promise<AsyncIterable<ConflictEntry>>;
}

/** A file that is shown under a conflict name. */
export interface ConflictEntry {
  /** Where it is shown. */
  readonly path: string;
  /** The path that the two sides disagreed about. */
  readonly original: string;
  /** False: a very long name was cut, and no file was found that it could have come from. */
  readonly originalKnown: boolean;
  /** lost: the losing side of two writes at once. shadowed: its own path is a folder by now. */
  readonly kind: 'lost' | 'shadowed';
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  /** Id of the member through which it was written. */
  readonly member: string;
}
