/**
 * A change on all members: one replica assigns the new versions (the local one, else a peer in step), the others take
 * the same records. The answer says on how many members it is, truthfully: a member counts when it has said so.
 */
import { randomBytes } from 'node:crypto';
import { isAccountPath } from '../replication/account-path.ts';
import { acknowledge, type MemberResult } from '../replication/acknowledgement.ts';
import { type Operation, type PushedRecord, Refusal } from '../replication/operation.ts';
import { peersAhead } from './joining.ts';
import { type Members, reachablePeers, requireMembership } from './members.ts';
import type { Peer } from './peer.ts';
import type { CommitReply, CommitRequest, Content, MergeReply } from './protocol.ts';
import type { ReplicaClient } from './replica-client-api.ts';
import { NoReplicaError, type Outcome } from './replica-set-api.ts';
import { waitFor } from './wait-for-progress.ts';

/** How the bytes of a put reach each member. */
export interface Delivery {
  readonly sha256: string;
  /** The local staging file is whole. Undefined: there is none. */
  readonly local: Content | undefined;
  /** Resolves when the peer has the bytes; undefined: it has not, and will pull. */
  toPeer(peer: Peer): Promise<Content | undefined>;
  /** Changes as long as bytes move. */
  progress(): number;
  /** The peer (null: the local replica) did not take the bytes that it has, or will have: they may go. */
  notWanted(peer: Peer | null): void;
}

type Result = MemberResult['result'];

export async function commitEverywhere(
  members: Members,
  operation: Operation,
  verb: string,
  delivery?: Delivery,
): Promise<Outcome> {
  await members.peers.looked();
  requireMembership(members);
  const { primary, pushed, heldHere } = await assign(members, operation, delivery);
  for (const { record } of pushed) members.seen.note(record.path, record);
  const peers = members.peers.all().filter(({ isRetired }) => !isRetired);
  const results = new Map<Peer, Result>();
  const waited: Promise<void>[] = [];
  const expected = new Set<Peer>();
  for (const peer of peers) {
    if (peer === primary) {
      results.set(peer, 'stored');
      continue;
    }
    if (!peer.isReachable) {
      results.set(peer, peer.state.kind === 'refused' ? 'refused' : 'away');
      continue;
    }
    const done = push(members, peer, pushed, delivery).then((result) => {
      results.set(peer, result);
      if (result === 'stored') return;
      members.peers.missed(peer, pushed, 'it missed a change');
      // Only after a clear answer: a peer that went away may be storing these very bytes right now.
      if (result === 'behind') delivery?.notWanted(peer);
    });
    const waitsFor = members.ack === 'reachable' ? peer.isInStep : members.ack !== 'local';
    if (!waitsFor) continue;
    waited.push(done);
    expected.add(peer);
  }
  await waitFor(waited, () => delivery?.progress());
  for (const peer of expected) {
    if (results.has(peer)) continue;
    results.set(peer, 'slow');
    members.peers.missed(peer, pushed, 'it did not answer in time');
  }
  const here: MemberResult = {
    name: members.name,
    local: true,
    result: heldHere ? 'stored' : 'away',
  };
  const told = peers.map((peer) => ({
    name: peer.name,
    local: false,
    result: results.get(peer) ?? 'behind',
  }));
  return acknowledge(members.ack, verb, [here, ...told]);
}

interface Assigned {
  /** Null for the local replica. */
  readonly primary: Peer | null;
  readonly pushed: readonly PushedRecord[];
  /** On the local replica too. */
  readonly heldHere: boolean;
}

/** Rejects with Refusal, NoReplicaError. */
async function assign(
  members: Members,
  operation: Operation,
  delivery: Delivery | undefined,
): Promise<Assigned> {
  let readOnly: Refusal | null = null;
  const request: CommitRequest = { id: randomBytes(18).toString('base64url'), operation };
  if (delivery === undefined || isAccountPath(pathsOf(operation)[0] ?? '')) {
    // Still joining: what is to be deleted, renamed or changed, or what lies in it, may not be here yet.
    const there = await assignAtPeer(members, await peersAhead(members), request, delivery, null);
    if (there !== null) return { ...there, heldHere: await heldHere(members, there.pushed, delivery) };
  }
  if (delivery === undefined || delivery.local !== undefined) {
    const alone = !reachablePeers(members).some(({ isInStep }) => isInStep);
    const answer = await members.local.attemptFor(
      (client) => commitLocally(client, request, delivery?.local),
      alone,
    );
    if (answer?.value instanceof Refusal) readOnly = answer.value;
    else if (answer !== null) {
      return { primary: null, pushed: await recordsOf(answer.value, members.local.client), heldHere: true };
    }
  }
  const there = await assignAtPeer(members, reachablePeers(members), request, delivery, readOnly);
  if (there !== null) return { ...there, heldHere: false };
  if (readOnly !== null) throw readOnly;
  throw new NoReplicaError('neither the own storage server nor a peer in step answers');
}

/** Null: no peer in step answers. */
async function assignAtPeer(
  members: Members,
  peers: readonly Peer[],
  request: CommitRequest,
  delivery: Delivery | undefined,
  readOnly: Refusal | null,
): Promise<Omit<Assigned, 'heldHere'> | null> {
  const { operation } = request;
  for (const peer of peers.filter(({ isInStep }) => isInStep)) {
    const content = await promptly(delivery, peer);
    if (delivery !== undefined && content === undefined) continue;
    const seen = members.seen.of(pathsOf(operation));
    try {
      const withContent = { ...request, ...(content && { content }), ...(seen.length > 0 && { seen }) };
      const reply = await peer.client.commit(withContent);
      members.logger.warn('a peer stored instead of the own storage server', {
        peer: peer.name,
        reason: readOnly?.message ?? (members.local.isUp ? 'it is joining' : members.local.reason),
      });
      if (delivery?.local !== undefined) delivery.notWanted(null);
      return { primary: peer, pushed: await recordsOf(reply, peer.client) };
    } catch (error) {
      if (error instanceof Refusal) throw error;
      members.peers.lost(peer, error);
    }
  }
  return null;
}

/** Undefined also when nothing moves any more: another peer may have all of it. */
async function promptly(delivery: Delivery | undefined, peer: Peer): Promise<Content | undefined> {
  if (delivery === undefined) return undefined;
  let content: Content | undefined;
  const came = delivery.toPeer(peer).then((there) => {
    content = there;
  });
  await waitFor([came], delivery.progress);
  return content;
}

/** Takes over what a peer decided, as far as what it replaces is here already; a pull brings the rest. */
async function heldHere(
  { local, logger }: Members,
  pushed: readonly PushedRecord[],
  delivery: Delivery | undefined,
): Promise<boolean> {
  const content = delivery?.local && { content: { [delivery.sha256]: delivery.local } };
  try {
    const answer = await local.attempt((client) =>
      client.merge({ mode: 'push', records: pushed, ...content }),
    );
    return answer !== null && resultOf(pushed.length, answer.value) === 'stored';
  } catch (error) {
    logger.debug('what a peer decided could not be taken over here', { error });
    return false;
  }
}

/** A replica that is read-only is as good as down for a write. */
async function commitLocally(
  client: ReplicaClient,
  request: CommitRequest,
  content: Content | undefined,
): Promise<CommitReply | Refusal> {
  try {
    return await client.commit({ ...request, ...(content && { content }) });
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'read-only') return error;
    throw error;
  }
}

async function recordsOf(
  { pushed, batch }: CommitReply,
  client: ReplicaClient,
): Promise<readonly PushedRecord[]> {
  return pushed ?? (batch === undefined ? [] : await client.readBatch(batch));
}

function pathsOf(operation: Operation): string[] {
  return operation.op === 'rename' ? [operation.from, operation.to] : [operation.path];
}

/** Never rejects. */
async function push(
  members: Members,
  peer: Peer,
  pushed: readonly PushedRecord[],
  delivery: Delivery | undefined,
): Promise<Result> {
  try {
    const content = await delivery?.toPeer(peer);
    if (delivery !== undefined && content === undefined) return 'behind';
    return resultOf(
      pushed.length,
      await peer.client.merge({
        mode: 'push',
        records: pushed,
        ...(delivery && content && { content: { [delivery.sha256]: content } }),
      }),
    );
  } catch (error) {
    if (error instanceof Refusal) {
      members.logger.warn('a peer refuses a change', { peer: peer.name, reason: error.message });
      return 'behind';
    }
    members.peers.lost(peer, error);
    return peer.state.kind === 'refused' ? 'refused' : 'away';
  }
}

/** Stored is what the peer says of every single record. */
function resultOf(pushed: number, { counts, need }: MergeReply): Result {
  const { applied = 0, known = 0, superseded = 0, conflict = 0 } = counts;
  const stored = applied + known + superseded + conflict;
  return stored === pushed && need.length === 0 ? 'stored' : 'behind';
}
