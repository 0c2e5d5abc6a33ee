/**
 * Accounts of all members as one. Whom to believe is the whole point: "nobody has an account" opens the door to guests, so
 * only a member that has what the others have may say it.
 */
import { createHash } from 'node:crypto';
import { ACCOUNT_LIMIT_BYTES, accountPath, isAccountName } from '../replication/account-path.ts';
import { Refusal } from '../replication/operation.ts';
import { commitEverywhere } from './commit-everywhere.ts';
import { isAlone, type Members, reachablePeers } from './members.ts';
import type { Peer } from './peer.ts';
import type { Content } from './protocol.ts';
import type { AccountsReply } from './protocol-accounts.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { NoReplicaError, type Outcome } from './replica-set-api.ts';

/** Of the own replica, or else of a peer, those in step first. Rejects with NoReplicaError when nobody can say. */
export async function readAccounts(members: Members, digest: string): Promise<AccountsReply> {
  // A refusal (its catalog is damaged, it is stopping) is no answer: a peer may have one.
  const ask = (client: ReplicaClient) =>
    client.accounts.read(digest).catch((error: unknown) => {
      if (error instanceof Refusal) return null;
      throw error;
    });
  const here = await believable(members, await members.local.attempt(ask));
  if (here !== null && isWhole(here)) return here;
  const inStep = (peer: Peer) => peer.isInStep;
  return (
    (await askPeers(members, inStep, digest)) ??
    // An account whose bytes are lost is one with which nobody logs in; the others are as they should be.
    here ??
    (await believable(members, await members.local.attemptFor(ask, isAlone(members)))) ??
    // One that lags may have missed who was removed: it is asked only by who knows nothing yet.
    (digest === '' ? await askPeers(members, (peer) => !inStep(peer), digest) : null) ??
    fail()
  );
}

function fail(): never {
  throw new NoReplicaError('no member that answers knows the accounts');
}

/** A text that is lost here may be with another member. */
function isWhole({ accounts }: AccountsReply): boolean {
  return accounts?.every(({ text }) => text !== '') ?? true;
}

async function believable(
  members: Members,
  answer: { readonly value: AccountsReply | null } | null,
): Promise<AccountsReply | null> {
  if (answer === null || answer.value === null) return null;
  if (answer.value.complete) return answer.value;
  return (await isAllThereIs(members, answer.value)) ? { ...answer.value, complete: true } : null;
}

/**
 * A member that never had others, and lists none; or a network that is new altogether: whoever is listed here, and whoever
 * any of them has ever met, answers now and is new, and nobody but this member has an account: there is nobody who could know
 * of another. Once that was so it stays so for this store (FounderMark), although somebody who is listed later does not answer:
 * a mistyped address must not lock everybody out. While a catalog is rebuilt, or a disk is away, the accounts are not there yet.
 */
async function isAllThereIs({ local, peers, founder }: Members, { digest }: AccountsReply): Promise<boolean> {
  const own = await local.hello();
  if (!peers.isSet || own === null || own.readOnly !== null) return false;
  const others = peers.all();
  if (others.length > 0) await peers.looked();
  const hellos = [own, ...others.flatMap(({ hello, isReachable }) => (isReachable && hello ? [hello] : []))];
  const here = new Set(hellos.map(({ member }) => member));
  const allHere =
    hellos.length === 1 + others.length && hellos.every((each) => each.members.every((id) => here.has(id)));
  if (!allHere && !founder.has(own.store)) return false;
  // One that has joined knows better.
  if (hellos.some(({ joining, readOnly }) => !joining || readOnly !== null)) return false;
  // It knows of accounts, and there is nobody who has joined and knows others: only "none" needs the word of all.
  if (digest !== '' && founder.has(own.store)) return true;
  const asked = others.filter(({ isReachable }) => isReachable);
  try {
    const replies = await Promise.all(asked.map(({ client }) => client.accounts.read('')));
    if (!replies.every((reply) => reply.digest === '')) return false;
    founder.set(own.store);
    return true;
  } catch {
    // Away by now, or of another version: then it is not known.
    return false;
  }
}

async function askPeers(
  members: Members,
  which: (peer: Peer) => boolean,
  digest: string,
): Promise<AccountsReply | null> {
  await members.peers.looked();
  for (const peer of reachablePeers(members).filter(which)) {
    try {
      const reply = await peer.client.accounts.read(digest);
      if (reply.complete && isWhole(reply)) return reply;
    } catch (error) {
      if (!(error instanceof Refusal)) members.peers.lost(peer, error);
    }
  }
  return null;
}

/** Null: the account is removed. Rejects with Refusal, NoReplicaError. */
export async function setAccount(members: Members, name: string, text: string | null): Promise<Outcome> {
  if (!isAccountName(name)) throw new Refusal('forbidden-name', 'not a name for a user');
  const path = accountPath(name);
  if (text === null) return await commitEverywhere(members, { op: 'delete', path }, 'Removed');
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > ACCOUNT_LIMIT_BYTES) throw new Refusal('invalid', 'too much for an account');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const content: Content = { inline: bytes.toString('base64') };
  return await commitEverywhere(members, { op: 'put', path, size: bytes.length, sha256 }, 'Stored', {
    sha256,
    local: content,
    toPeer: () => Promise.resolve(content),
    progress: () => 0,
    notWanted: () => undefined,
  });
}
