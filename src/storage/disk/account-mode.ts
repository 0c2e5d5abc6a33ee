/** Accounts hold password hashes: their files are for nobody but this program's user. */
import { chmodSync, fchmodSync, lstatSync, mkdirSync } from 'node:fs';
import { ACCOUNTS_DIR, isAccountPath } from '../../replication/account-path.ts';
import { errnoOf } from '../store-errors.ts';

/** File systems without modes say so. */
const NO_MODES: readonly string[] = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];

/** Of a file that is made for this path. */
export function modeFor(path: string): number {
  return isAccountPath(path) ? 0o600 : 0o666;
}

/** Of a folder at this path. */
export function directoryModeFor(path: string): number {
  return path === ACCOUNTS_DIR ? 0o700 : 0o777;
}

/** The file that is to become an account; where the file system has no modes it stays as it is. */
export function closeAccount(file: number, path: string): void {
  if (!isAccountPath(path)) return;
  try {
    fchmodSync(file, 0o600);
  } catch (error) {
    if (!NO_MODES.includes(errnoOf(error) ?? '')) throw error;
  }
}

/** A folder that only this program's user may enter, made unless it is there. */
export function makeClosedDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Where somebody has put a link, what it leads to is not ours.
  if (!lstatSync(path).isDirectory()) return;
  try {
    chmodSync(path, 0o700);
  } catch (error) {
    if (!NO_MODES.includes(errnoOf(error) ?? '')) throw error;
  }
}
