/**
 * A change on all members: one replica assigns the new versions (the local one, else a peer in step), the others take
 * the same records. The answer says on how many members it is, truthfully: a member counts when it has said so.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { acknowledge, type MemberResult } from '../replication/acknowledgement.ts';
import { type Operation, type PushedRecord, Refusal } from '../replication/operation.ts';
import type { Members } from './members.ts';
import type { Peer } from './peer.ts';
import type { CommitReply, CommitRequest, Content, MergeReply } from './protocol.ts';
import { type ReplicaClient, ReplicaUnreachable } from './replica-client-api.ts';
import { NoReplicaError, type Outcome } from './replica-set-api.ts';

/** How the bytes of a put reach each member. */
export interface Delivery {
  readonly sha256: string;
  /** The local staging file is whole. Undefined: there is none. */
  readonly local: Content | undefined;
  /** Resolves when the peer has the bytes; undefined: it has not, and will pull. */
  toPeer(peer: Peer): Promise<Content | undefined>;
  /** Changes as long as bytes move. */
  progress(): number;
}

/** For peers in step, while nothing moves. */
const WAIT_MS = 5_000;
/** While bytes move. */
const LONGEST_WAIT_MS = 30_000;
const LOOK_MS = 100;

type Result = MemberResult['result'];

export async function commitEverywhere(
  members: Members,
  operation: Operation,
  verb: string,
  delivery?: Delivery,
): Promise<Outcome> {
  const { primary, pushed } = await assign(members, operation, delivery);
  for (const { record } of pushed) members.seen.note(record.path, record);
  const results = new Map<Peer, Result>();
  const waited: Promise<void>[] = [];
  const peers = members.peers();
  const wasInStep = new Map(peers.map((peer) => [peer, peer.isInStep]));
  for (const peer of peers) {
    if (peer === primary) {
      results.set(peer, 'stored');
    } else if (!peer.isReachable) {
      results.set(peer, peer.state.kind === 'refused' ? 'refused' : 'away');
    } else {
      const done = push(peer, pushed, delivery).then((result) => {
        results.set(peer, result);
        if (result !== 'stored') members.fellBehind(peer, 'it missed a change');
      });
      if (peer.isInStep || members.ack !== 'reachable') waited.push(done);
    }
  }
  if (members.ack !== 'local') await waitFor(waited, delivery);
  const told: MemberResult[] = peers.map((peer) => ({
    name: peer.name,
    local: false,
    result:
      results.get(peer) ?? (wasInStep.get(peer) === true && members.ack !== 'local' ? 'slow' : 'behind'),
  }));
  for (const [index, { result }] of told.entries()) {
    const peer = peers[index];
    if (result === 'slow' && peer !== undefined) members.fellBehind(peer, 'it did not answer in time');
  }
  const here: MemberResult = {
    name: members.name,
    local: true,
    result: primary === null ? 'stored' : 'away',
  };
  return acknowledge(members.ack, verb, [here, ...told]);
}

/** `primary`: null for the local replica. Rejects with Refusal, NoReplicaError. */
async function assign(
  members: Members,
  operation: Operation,
  delivery: Delivery | undefined,
): Promise<{ readonly primary: Peer | null; readonly pushed: readonly PushedRecord[] }> {
  const request: CommitRequest = { id: randomBytes(18).toString('base64url'), operation };
  if (delivery === undefined || delivery.local !== undefined) {
    const answer = await members.local.attemptFor((client) =>
      commitLocally(client, request, delivery?.local),
    );
    if (answer !== null && answer.value !== 'takes no writes') {
      return { primary: null, pushed: await recordsOf(answer.value, members.local.client) };
    }
  }
  for (const peer of members.peers().filter(({ isInStep }) => isInStep)) {
    const content = await delivery?.toPeer(peer);
    if (delivery !== undefined && content === undefined) continue;
    const seen = members.seen.of(pathsOf(operation));
    try {
      const withContent = { ...request, ...(content && { content }), ...(seen.length > 0 && { seen }) };
      const reply = await peer.client.commit(withContent);
      members.logger.warn('the own storage server does not answer: a peer stored instead', {
        peer: peer.name,
      });
      return { primary: peer, pushed: await recordsOf(reply, peer.client) };
    } catch (error) {
      if (!(error instanceof ReplicaUnreachable)) throw error;
      peer.lost(error);
    }
  }
  throw new NoReplicaError('neither the own storage server nor a peer in step answers');
}

/** A replica that is read-only is as good as down for a write. */
async function commitLocally(
  client: ReplicaClient,
  request: CommitRequest,
  content: Content | undefined,
): Promise<CommitReply | 'takes no writes'> {
  try {
    return await client.commit({ ...request, ...(content && { content }) });
  } catch (error) {
    if (error instanceof Refusal && error.kind === 'read-only') return 'takes no writes';
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
  peer: Peer,
  pushed: readonly PushedRecord[],
  delivery: Delivery | undefined,
): Promise<Result> {
  try {
    const content = await delivery?.toPeer(peer);
    if (delivery !== undefined && content === undefined) return 'behind';
    return resultOf(
      await peer.client.merge({
        mode: 'push',
        records: pushed,
        ...(delivery && content && { content: { [delivery.sha256]: content } }),
      }),
    );
  } catch (error) {
    if (error instanceof Refusal) return 'behind';
    peer.lost(error);
    return 'away';
  }
}

function resultOf({ counts, need }: MergeReply): Result {
  const missed = (counts.behind ?? 0) + (counts['send-content'] ?? 0) + (counts.deferred ?? 0);
  return missed === 0 && need.length === 0 ? 'stored' : 'behind';
}

/** Until all are done, or nothing has moved for WAIT_MS, or LONGEST_WAIT_MS are over. */
async function waitFor(tasks: readonly Promise<void>[], delivery: Delivery | undefined): Promise<void> {
  let open = true;
  const all = Promise.all(tasks).then(() => {
    open = false;
  });
  const started = performance.now();
  let movedAt = started;
  let progress = delivery?.progress();
  while (open) {
    const now = performance.now();
    if (now - movedAt > WAIT_MS || now - started > LONGEST_WAIT_MS) return;
    await Promise.race([all, sleep(LOOK_MS)]);
    const next = delivery?.progress();
    if (next !== progress) movedAt = performance.now();
    progress = next;
  }
}
