/** One pull: the feed of a peer since the cursor, what adds in chunks, then everything else in one go with K and cursor. */
import type { PushedRecord } from '../../../src/replication/operation.ts';
import type { MergeOutcome } from '../../../src/replication/plan.ts';
import type { VersionVector } from '../../../src/replication/record.ts';
import type { Board } from './board.ts';
import type { Task } from './scheduler.ts';
import type { MergeAnswer, MergeRequest, SimStorage } from './storage.ts';

const TRIES = 3;

interface Feed {
  readonly position: string;
  readonly knowledge: VersionVector;
  readonly upTo: number;
  readonly receiver: number;
  readonly records: readonly PushedRecord[];
}

/** False when it broke off; then it begins again from the cursor. `breaks`: how often a chunk is the last. */
export function* pull(board: Board, peer: SimStorage, breaks: number): Task<boolean> {
  const { random, storage } = board;
  const feed = yield* readFeed(board, peer);
  if (feed === undefined) return false;
  const rest: PushedRecord[] = [];
  for (let from = 0; from < feed.records.length; ) {
    const chunk = feed.records.slice(from, from + 1 + random.below(6));
    from += chunk.length;
    if (random.chance(breaks)) return false;
    const outcomes = yield* take(board, peer, { mode: 'partial', records: chunk, exchange: feed });
    if (outcomes === undefined) return false;
    rest.push(...chunk.filter((_, at) => outcomes[at] === 'deferred' || outcomes[at] === 'send-content'));
  }
  if (random.chance(breaks)) return false;
  const end = yield* take(board, peer, { mode: 'complete', records: rest, exchange: feed });
  if (end === undefined || end.includes('send-content') || end.includes('behind')) return false;
  board.tell(`${storage.member} has all that ${peer.member} had (${feed.records.length} records)`);
  return true;
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
  const { table, incarnation } = durable;
  const records = table.changedAfter(after).map((record) => ({ record, base: null }));
  const position = `${member} ${incarnation}`;
  return { position, knowledge: table.knowledge, upTo: table.changes, receiver, records };
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
