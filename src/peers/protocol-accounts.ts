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
  /** The rest of a reply that was too long: those behind this name. */
  readonly after?: string;
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
  /** Only between members: it was too long for one line; ask again with `after`. */
  readonly more?: true;
}

export interface AccountFile {
  /** The user's name; of the path its last component. */
  readonly name: string;
  /** What is in the file: JSON of src/accounts/account.ts. '': its bytes are lost for now; the account exists, but nobody may log in with it. */
  readonly text: string;
}

/** What a directory and everything in it takes up, of files that users can see. */
export interface Usage {
  readonly bytes: number;
  readonly files: number;
}

/** The same as calls; accounts-client.ts makes them over the link. */
export interface AccountsCalls {
  /** All of them, however many replies that takes. */
  read(digest: string): Promise<AccountsReply>;
  /** `/` or a directory; one that is not there takes up nothing. Throws Refusal forbidden-name, invalid. */
  usage(path: string): Promise<Usage>;
}
