/** What a client asked for, as the assigning replica gets it (`SITE COMMIT`), and what came of it. */
import type { Dot, ReplicaRecord } from './record.ts';

export type Operation =
  | {
      readonly op: 'put';
      readonly path: string;
      readonly size: number;
      readonly sha256: string;
      /** Milliseconds; absent: the assigner's clock. */
      readonly mtime?: number;
      /** STOU: refuse with `exists` when anything is at the path. */
      readonly exclusive?: boolean;
      /**
       * APPE and REST: the content this one extends. When the file there has another hash by now, refuse with
       * `changed` (a retry starts from the new content); null: there must be no file.
       */
      readonly baseSha256?: string | null;
    }
  | { readonly op: 'delete'; readonly path: string }
  | { readonly op: 'mkdir'; readonly path: string }
  | { readonly op: 'rmdir'; readonly path: string }
  /** Files and folders; a file target is replaced, a folder target must not exist. */
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  /** MFMT: another modification time. */
  | { readonly op: 'touch'; readonly path: string; readonly mtime: number };

/** Why an operation or merge was refused. 4xx kinds may succeed when tried again. */
export type RefusalKind =
  | 'not-found'
  | 'exists'
  | 'not-a-directory'
  | 'is-a-directory'
  | 'not-empty'
  | 'forbidden-name'
  | 'changed'
  | 'hash-mismatch'
  | 'missing-content'
  | 'no-space'
  | 'read-only'
  | 'busy'
  | 'invalid'
  | 'io';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;
  /** The client's path, never the disk's. */
  readonly path: string | undefined;
  constructor(kind: RefusalKind, message: string, options: { path?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.path = options.path;
  }
}

/** One record that a commit assigned or a member pushes, and the dot that was at its path before (null: none). */
export interface PushedRecord {
  readonly record: ReplicaRecord;
  readonly base: Dot | null;
}
