/** What `cloudroid users` needs of the member that runs on this data folder: its accounts, and changes of them. */
import { createHash, randomUUID } from 'node:crypto';
import type { Settings } from '../config/settings-api.ts';
import type { AccountsReply } from '../peers/protocol-accounts.ts';
import { ACCOUNT_LIMIT_BYTES, accountPath, isAccountName } from '../replication/account-path.ts';
import { type Operation, Refusal } from '../replication/operation.ts';
import { withRunningMember } from './running-member.ts';
import { tellMembers } from './tell-members.ts';

/**
 * As the member on this folder knows them. `complete: false`: it has not got yet what the others have, or never had
 * others. Rejects with CommandError when it is not running.
 */
export async function readAccounts(settings: Settings): Promise<AccountsReply> {
  return await withRunningMember(settings, (replica) => replica.accounts.read(''));
}

/**
 * Makes, changes or (`text` null) removes an account, durable here when this resolves; the other members are asked to fetch
 * it now, those that are away get it with their next sweep.
 *
 * `was`: the text that the new one is made from, null: there must be no such account; absent: whatever is there. Resolves
 * with the line about the other members, '' without any. Rejects with CommandError: not running, no such account, changed by
 * somebody else meanwhile.
 */
export async function changeAccount(
  settings: Settings,
  name: string,
  text: string | null,
  was?: string | null,
): Promise<string> {
  return await withRunningMember(settings, async (replica) => {
    await replica.commit({ id: randomUUID(), ...changeOf(name, text, was) });
    return await tellMembers(settings, replica, 'an account was changed');
  });
}

function changeOf(name: string, text: string | null, was: string | null | undefined) {
  if (!isAccountName(name)) throw new Refusal('forbidden-name', `not a name for a user: ${name}`);
  const path = accountPath(name);
  if (text === null) return { operation: { op: 'delete', path } satisfies Operation };
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > ACCOUNT_LIMIT_BYTES) throw new Refusal('invalid', 'too much for an account');
  const operation: Operation = {
    op: 'put',
    path,
    size: bytes.length,
    sha256: sha256Of(bytes),
    ...(was !== undefined && { baseSha256: was === null ? null : sha256Of(Buffer.from(was, 'utf8')) }),
  };
  return { operation, content: { inline: bytes.toString('base64') } };
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
