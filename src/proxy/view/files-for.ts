/** An account's view of the members' files: its rights, its quota, its home folder as `/`. */
import type { Account } from '../../accounts/account.ts';
import type { ClientFiles } from './client-files.ts';
import { HomeFiles } from './home-files.ts';
import { type OwnUploads, permittedFiles } from './permitted-files.ts';
import { limitedFiles } from './quota-files.ts';
import type { QuotaLedger } from './quota-ledger.ts';

export function filesFor(
  account: Account,
  all: ClientFiles,
  ledger: QuotaLedger,
  own: OwnUploads,
): ClientFiles {
  const { home, quotaBytes, rights } = account;
  const limited = quotaBytes === null ? all : limitedFiles(all, { home, bytes: quotaBytes }, ledger);
  return permittedFiles(home === '/' ? limited : new HomeFiles(limited, home), rights, own);
}
