/**
 * Accounts travel as files under `/.cloudroid/users/`, which clients can neither see nor name: same records, same
 * rules, but no conflict copies (of two concurrent changes of one account the later stands).
 *
 *   SITE ACCOUNTS AccountsRequest -> AccountsReply
 *   SITE USAGE {path}             -> Usage
 */

/** `digest` is that of the last reply, '' at first. */
export interface AccountsRequest {
  readonly digest: string;
}

export interface AccountsReply {
  /** Of all account files; '' only when there is none and never was. */
  readonly digest: string;
  /**
   * False on a new store that has not got from the others what they have: that it has no accounts means nothing, and
   * nobody may log in on its word.
   */
  readonly complete: boolean;
  /** Null when the digest of the request still holds. Sorted by name. */
  readonly accounts: readonly AccountFile[] | null;
}

export interface AccountFile {
  /** The user's name; of the path its last component. */
  readonly name: string;
  /** What is in the file: JSON of src/accounts/account.ts. */
  readonly text: string;
}

/** What a directory and everything in it takes up, of files that users can see. */
export interface Usage {
  readonly bytes: number;
  readonly files: number;
}
