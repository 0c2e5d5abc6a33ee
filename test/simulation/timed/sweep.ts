/**
 * A sweep's exchange with a peer. The pull: the feed since the cursor, what adds in chunks, then everything else in one go
 * with K and cursor. Then the trees are compared, and what the peer has forgotten is ended here.
 */
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { MergeOutcome } from '../../../src/replication/plan.ts';
import type { ReplicaRecord, VersionVector } from '../../../src/replication/record.ts';
import { isLive } from '../../../src/replication/tree-view.ts';
import { differingBuckets, forgottenThere, recordsIn, type Sums, sumsOf } from '../trees.ts';
import type { Board } from './board.ts';
import type { Task } from './scheduler.ts';
import type { MergeAnswer, MergeRequest, SimStorage } from './storage.ts';

const TRIES = 3;

interface Feed {
  readonly position: string;
  readonly knowledge: VersionVector;
  readonly collectedStamp: number;
  readonly upTo: number;
  readonly receiver: number;
  /** The peer's catalog is being rebuilt: it has less than the network. */
  readonly rebuilding: boolean;
  readonly records: readonly PushedRecord[];
}

/** Where a peer stood when it showed something of its tree. */
interface Standing {
  readonly life: string;
  readonly disk: number;
  readonly changes: number;
  readonly knowledge: VersionVector;
}

/** False when it broke off; then it begins again from the cursor. `breaks`: how often a step is the last. */
export function* exchange(board: Board, peer: SimStorage, breaks: number): Task<boolean> {
  const receiver = yield* pull(board, peer, breaks);
  if (receiver === undefined || board.random.chance(breaks)) return false;
  return yield* compare(board, peer, receiver);
}

/** The disk that has it all; undefined when it broke off. */
function* pull(board: Board, peer: SimStorage, breaks: number): Task<number | undefined> {
  const { random, storage } = board;
  const feed = yield* readFeed(board, peer);
  if (feed === undefined) return undefined;
  const { receiver } = feed;
  const rest: PushedRecord[] = [];
  for (let from = 0; from < feed.records.length; ) {
    const chunk = feed.records.slice(from, from + 1 + random.below(6));
    from += chunk.length;
    if (random.chance(breaks)) return undefined;
    const outcomes = yield* take(board, peer, { mode: 'partial', records: chunk, exchange: feed, receiver });
    if (outcomes === undefined) return undefined;
    rest.push(...chunk.filter((_, at) => outcomes[at] === 'deferred' || outcomes[at] === 'send-content'));
  }
  if (random.chance(breaks)) return undefined;
  const end = yield* take(board, peer, { mode: 'complete', records: rest, exchange: feed, receiver });
  if (!isTaken(end)) return undefined;
  if (feed.records.length > 0)
    board.tell(`${storage.member} has all that ${peer.member} had (${feed.records.length} records)`);
  if (!feed.rebuilding) yield* board.call(storage, () => storage.settleLeftovers(receiver));
  return receiver;
}

function isTaken(outcomes: readonly MergeOutcome[] | undefined): boolean {
  return outcomes !== undefined && !outcomes.includes('send-content') && !outcomes.includes('behind');
}

function* readFeed(board: Board, peer: SimStorage): Task<Feed | undefined> {
  const hello = yield* board.ask(peer, () => incarnationOf(peer));
  if (hello === undefined) return undefined;
  const position = `${peer.member} ${hello}`;
  const own = yield* board.ask(board.storage, () => cursorOf(board.storage, position));
  if (own === undefined) return undefined;
  const feed = yield* board.ask(peer, () => feedOf(peer, own));
  // A restart between the two: the cursor is of another life.
  return feed?.position === position ? feed : undefined;
}

function incarnationOf({ durable }: SimStorage): string {
  return durable.incarnation;
}

interface Cursor {
  readonly after: number;
  readonly receiver: number;
}

function cursorOf({ durable, disk }: SimStorage, position: string): Cursor {
  return { after: durable.cursors.get(position) ?? 0, receiver: disk };
}

function feedOf({ member, durable }: SimStorage, { after, receiver }: Cursor): Feed {
  const { table, incarnation, leftovers } = durable;
  const records = table.changedAfter(after).map((record) => ({ record, base: null }));
  const position = `${member} ${incarnation}`;
  const rebuilding = leftovers !== null;
  const { knowledge, collectedStamp, changes: upTo } = table;
  return { position, knowledge, collectedStamp, upTo, receiver, rebuilding, records };
}

/** False when it broke off. `receiver`: the disk that has all that the peer's feed told. */
function* compare(board: Board, peer: SimStorage, receiver: number): Task<boolean> {
  const { storage } = board;
  const { rules } = board;
  const digest = yield* board.ask(peer, () => digestOf(peer));
  const own = yield* board.ask(storage, () => sumsOf(storage.durable.table));
  if (digest === undefined || own === undefined) return false;
  const buckets = differingBuckets(own, digest.sums);
  if (buckets.size === 0) return true;
  const answer = yield* board.ask(peer, () => bucketsOf(peer, buckets));
  if (answer === undefined) return false;
  const stoodStill = !rules.judgedAtStandstill || isSame(digest, answer);
  const shown = answer.shown.filter((record) => isLive(record) || rules.tombstonesAreShown);
  const records = shown.map((record) => ({ record, base: null }));
  // Not all that the peer has: neither K nor the cursor moves.
  const mode = stoodStill ? 'complete' : 'partial';
  if (!isTaken(yield* take(board, peer, { mode, records, receiver }))) return false;
  if (!stoodStill) return true;
  const now = rules.judgedAtStandstill ? digest : yield* board.ask(peer, () => standingOf(peer));
  const ours = yield* board.ask(storage, () => recordsIn(storage.durable.table, buckets));
  if (ours === undefined || now === undefined) return false;
  const judged = forgottenThere(ours, shown, now.knowledge);
  if (judged.length === 0) return true;
  board.tell(`${storage.member} sees that ${peer.member} forgot ${judged.map(({ path }) => path).join(' ')}`);
  return (yield* board.call(storage, () => storage.endForgotten(judged, receiver))) === true;
}

function standingOf({ durable: { incarnation, table }, disk }: SimStorage): Standing {
  return { life: incarnation, disk, changes: table.changes, knowledge: table.knowledge };
}

function isSame(one: Standing, other: Standing): boolean {
  return one.life === other.life && one.disk === other.disk && one.changes === other.changes;
}

function digestOf(peer: SimStorage): Standing & { readonly sums: Sums } {
  return { ...standingOf(peer), sums: sumsOf(peer.durable.table) };
}

function bucketsOf(
  peer: SimStorage,
  buckets: ReadonlySet<number>,
): Standing & { readonly shown: readonly ReplicaRecord[] } {
  return { ...standingOf(peer), shown: recordsIn(peer.durable.table, buckets) };
}

/** One round of collection: everybody is asked, one after the other, and only if all answer anything goes. */
export function* collect(board: Board, keepMs: number): Task<void> {
  const { storage, rules } = board;
  const { disk } = storage;
  const known: VersionVector[] = [];
  for (const member of rules.everybodyIsAsked ? [storage, ...board.everMet()] : []) {
    const knowledge = yield* board.ask(member, () => member.durable.table.knowledge);
    if (knowledge === undefined) return;
    known.push(knowledge);
  }
  yield* board.call(storage, () => storage.collect(known, keepMs, disk));
}

/** Merges at home, fetching bytes that are missing; undefined when home does not answer. */
function* take(
  board: Board,
  peer: SimStorage,
  request: MergeRequest,
): Task<readonly MergeOutcome[] | undefined> {
  const { storage } = board;
  let answer: MergeAnswer | undefined;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    answer = yield* board.call(storage, () => storage.merge(request));
    if (answer === undefined || answer.need.length === 0) break;
    for (const sha256 of answer.need) yield* fetchBytes(board, peer, sha256);
  }
  return answer?.outcomes;
}

function* fetchBytes(board: Board, peer: SimStorage, sha256: string): Task<void> {
  for (const source of [peer, ...board.peers().filter((each) => each !== peer)]) {
    const found = yield* board.ask(source, () => source.hasObject(sha256));
    if (found !== true) continue;
    yield* board.ask(board.storage, () => board.storage.stage(sha256));
    return;
  }
}
