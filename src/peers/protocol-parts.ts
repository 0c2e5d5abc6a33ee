/**
 * Uploads that broke off: what had come of them, kept on the member that the client was connected to until the client goes
 * on, a day has passed, or the disk needs the room. They were never acknowledged, so they are nobody else's business:
 *
 *   SITE KEEP {KeepRequest}        -> Part: staged bytes become the part of (user, path), in place of an older one
 *   SITE PART {PartOwner}          -> {part: FoundPart | null}
 *   SITE ADOPT-PART {AdoptRequest} -> StageReply: a staging file that begins with the whole part
 *   SITE DROP-PART {PartOwner}     -> {dropped}
 *   SITE PARTS {}                  -> {keys}: the `partKey` of each
 *
 * Only for the member's own processes.
 */
import { createHash } from 'node:crypto';
import type { StageReply } from './protocol.ts';

/** Whose it is. */
export interface PartOwner {
  readonly user: string;
  /** Where it was to be stored; the real path, not the one in a user's home folder. */
  readonly path: string;
}

export interface Part {
  readonly id: string;
  readonly size: number;
  /** Of these bytes; checked before anything is built on them. */
  readonly sha256: string;
  /**
   * Hash of the file that was at the path when the upload began, null: there was none. The part is of use only as long as
   * that is still so.
   */
  readonly over: string | null;
}

export interface KeepRequest extends PartOwner, Omit<Part, 'id'> {
  /** Staging id. Its first `size` bytes count. */
  readonly staged: string;
  readonly keepMs: number;
  /** The older parts of this user go until all together are no more than that. */
  readonly mostBytes?: number;
}

export interface FoundPart extends Part {
  /** Absolute path on disk; only the first `size` bytes are the part. */
  readonly diskPath: string;
}

/** `staged`: the id of the new staging file. */
export interface AdoptRequest extends PartOwner {
  readonly part: string;
  readonly staged: string;
}

export interface PartCalls {
  keep(request: KeepRequest): Promise<Part>;
  find(owner: PartOwner): Promise<FoundPart | null>;
  /** Throws Refusal missing-content when it is not there any more. */
  adopt(request: AdoptRequest): Promise<StageReply>;
  /** False: there was none. Durable. */
  drop(owner: PartOwner): Promise<boolean>;
  keys(): Promise<readonly string[]>;
}

/** The name of (user, path) in a list. */
export function partKey({ user, path }: PartOwner): string {
  return createHash('sha256').update(`${user}\0${path}`).digest('hex').slice(0, 32);
}
