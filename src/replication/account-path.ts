/**
 * Accounts are files in one folder of our own, `/.cloudroid/users/<name>`: replicated by the rules for every file, but
 * without conflict copies (merge.ts), and never seen or named by clients.
 */

export const ACCOUNTS_DIR = '/.cloudroid/users';
/** Content of one account. */
export const ACCOUNT_LIMIT_BYTES = 16 * 1024;

const NAME = /^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,63}$/;

/** Whether a user may be called that; it is the name of a file on every member's disk. */
export function isAccountName(name: string): boolean {
  return NAME.test(name);
}

/** The virtual path of an account. `name`: checked with isAccountName. */
export function accountPath(name: string): string {
  return `${ACCOUNTS_DIR}/${name}`;
}

/** Null: not the path of an account. */
export function accountNameOf(path: string): string | null {
  if (!path.startsWith(`${ACCOUNTS_DIR}/`)) return null;
  const name = path.slice(ACCOUNTS_DIR.length + 1);
  return isAccountName(name) ? name : null;
}

export function isAccountPath(path: string): boolean {
  return accountNameOf(path) !== null;
}
