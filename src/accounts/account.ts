/** One user's account, as it stands in its file (`/.cloudroid/users/<name>`, replication/account-path.ts): JSON, one line. */
import { isPasswordHash, type PasswordHash } from './password-hash.ts';

/**
 * full: everything under the home folder. read-only: nothing is changed. upload-only: for cameras; files and folders are made, and
 * nothing is listed, read or deleted.
 */
export type Rights = 'full' | 'read-only' | 'upload-only';

export interface Account {
  readonly name: string;
  /** Null: nobody logs in under this name. */
  readonly password: PasswordHash | null;
  /** Absolute path of the folder that is `/` for this user. */
  readonly home: string;
  readonly rights: Rights;
  /** Bytes that everything under the home folder may take up; null: no limit. */
  readonly quotaBytes: number | null;
  /** Milliseconds since 1970, for people. */
  readonly changedAt: number;
}

export const GUEST = 'guest';
/** Names under which other servers let everybody in; here nobody. */
export const ANONYMOUS_NAMES: readonly string[] = ['anonymous', 'ftp'];

const FORMAT = 1;
const RIGHTS: readonly string[] = ['full', 'read-only', 'upload-only'] satisfies readonly Rights[];

export function isRights(value: unknown): value is Rights {
  return typeof value === 'string' && RIGHTS.includes(value);
}

export function formatAccount({ password, home, rights, quotaBytes, changedAt }: Account): string {
  return `${JSON.stringify({ format: FORMAT, password, home, rights, quotaBytes, changedAt })}\n`;
}

/**
 * Null for anything that is no account of a format known here: then nobody logs in under the name. Never more rights than
 * were written: what is missing is no account, and what a later version added must raise the format if leaving it out
 * would grant something.
 */
export function parseAccount(name: string, text: string): Account | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { format, password, home, rights, quotaBytes, changedAt } = value as {
    readonly [key: string]: unknown;
  };
  if (format !== FORMAT || typeof changedAt !== 'number') return null;
  if (password !== null && !isPasswordHash(password)) return null;
  if (typeof home !== 'string' || !isHome(home) || !isRights(rights)) return null;
  if (quotaBytes !== null && !isByteCount(quotaBytes)) return null;
  return { name, password, home, rights, quotaBytes, changedAt };
}

/** Absolute and normalised, nothing of ours, at most 4096 bytes. */
export function isHome(path: string): boolean {
  if (path === '/') return true;
  if (!path.startsWith('/') || Buffer.byteLength(path) > 4096) return false;
  return path
    .slice(1)
    .split('/')
    .every(
      (name) => name !== '' && name !== '.' && name !== '..' && !name.toLowerCase().startsWith('.cloudroid'),
    );
}

function isByteCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** Whether one who logged in with `before` may stay: who changes a password wants others out. */
export function isSameLogin(before: Account, now: Account | null): boolean {
  return now !== null && now.home === before.home && now.password?.hash === before.password?.hash;
}
