/**
 * What cloudroid.txt wants for guest / guest, left by `cloudroid setup` in the state folder. Accounts are the same on all
 * members, so it is carried out once, when this member knows what the others have, and not again at every start.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, formatAccount, GUEST, parseAccount } from '../accounts/account.ts';
import { hashPassword } from '../accounts/password-hash.ts';
import { parsePeersFile } from '../config/peers-file.ts';
import type { Settings } from '../config/settings-api.ts';
import { CommandError, exitStatus, systemCodeOf } from '../system/exit-status.ts';
import { changeAccount, readAccounts } from './change-account.ts';
import { peersFileText } from './peers-file-text.ts';

export const GUEST_WISH = 'guest-wish';

function readWish(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The account as it is to be; null: no password opens it. Undefined: it is so already. */
function accountFor(
  wish: string,
  open: boolean,
  now: Account | null,
): 'closed' | 'full' | 'read-only' | undefined {
  const opened = open || (now !== null && now.password !== null);
  if (wish === 'off') return opened ? 'closed' : undefined;
  const rights = wish === 'read-only' ? 'read-only' : 'full';
  if (open) return rights === 'full' ? undefined : rights;
  return now?.password != null && now.rights === rights ? undefined : rights;
}

/**
 * Resolves with what was done, in a line. Rejects with CommandError, to be tried again, when the member is not running or has
 * yet to fetch what the others have: what they decided about guest is not to be overruled unseen.
 */
export async function carryOutGuestWish(settings: Settings): Promise<string> {
  const file = join(settings.stateDir, GUEST_WISH);
  const wish = readWish(file);
  if (wish === null) return 'There is no wish for guest.\n';
  const { digest, accounts, complete } = await readAccounts(settings);
  if (!complete && parsePeersFile(peersFileText(settings.peersFile)).peers.length > 0) {
    throw new CommandError(
      exitStatus.failed,
      `guest = ${wish} waits until this member has fetched the accounts of the others.`,
    );
  }
  const text = accounts?.find(({ name }) => name === GUEST)?.text ?? null;
  const now = text === null ? null : parseAccount(GUEST, text);
  const wanted = accountFor(wish, digest === '', now);
  if (wanted !== undefined) {
    const account: Account = {
      name: GUEST,
      home: now?.home ?? '/',
      quotaBytes: now?.quotaBytes ?? null,
      password: wanted === 'closed' ? null : await hashPassword(GUEST),
      rights: wanted === 'closed' ? 'full' : wanted,
      changedAt: Date.now(),
    };
    await changeAccount(settings, GUEST, formatAccount(account), text);
  }
  rmSync(file, { force: true });
  return wanted === undefined ? `guest is ${wish} already.\n` : `guest is ${wish} now, on all members.\n`;
}
