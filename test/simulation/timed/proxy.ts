/** What a gateway does with a change of a client: commit at one member, push to all others, tell who stores it. */
import type { Operation, PushedRecord } from '../../../src/replication/operation.ts';
import type { ReplicaRecord, VersionVector } from '../../../src/replication/record.ts';
import type { Board, Holder } from './board.ts';
import type { Task } from './scheduler.ts';
import type { CommitAnswer, SimStorage } from './storage.ts';

const STORED = new Set(['applied', 'known', 'superseded', 'conflict']);
const ACK_WAIT_MS = 300;

/** `id`: of the operation, so that a retry after an unknown outcome is not done twice. */
export function* change(board: Board, id: string, operation: Operation): Task<void> {
  const { random, storage } = board;
  const seen = lastSeen(storage, operation);
  const bytes = new Set(operation.op === 'put' ? [operation.sha256] : []);
  for (const target of [storage, ...random.shuffle(board.peers()).slice(0, 2)]) {
    // Once the outcome at one member is unknown, the next must know what that one had.
    const brought = target === storage ? [] : seen;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const answer: CommitAnswer | undefined = yield* board.call(target, () =>
        target.commit(id, operation, bytes, brought),
      );
      if (answer !== undefined && 'pushed' in answer) {
        yield* spread(board, target, answer, bytes);
        return;
      }
      if (answer !== undefined && answer.refused !== 'busy' && answer.refused !== 'read-only') return;
      if (!random.chance(0.5)) break;
    }
  }
}

function lastSeen({ durable }: SimStorage, operation: Operation): ReplicaRecord[] {
  const paths = operation.op === 'rename' ? [operation.from, operation.to] : [operation.path];
  return paths.map((path) => durable.table.get(path)).filter((record) => record !== undefined);
}

function* spread(
  board: Board,
  committed: SimStorage,
  { pushed, knowledge, disk }: Extract<CommitAnswer, { pushed: readonly PushedRecord[] }>,
  bytes: ReadonlySet<string>,
): Task<void> {
  const stored: Holder[] = [{ storage: committed, disk }];
  const others = [board.storage, ...board.peers()].filter((other) => other !== committed);
  yield (resume) => {
    let left = others.length;
    if (left === 0) resume(undefined);
    board.later(ACK_WAIT_MS, () => resume(undefined));
    for (const other of others) {
      board.run(push(board, other, pushed, bytes, knowledge), (taken) => {
        if (taken !== undefined) stored.push({ storage: other, disk: taken });
        left -= 1;
        if (left === 0) resume(undefined);
      });
    }
  };
  board.acknowledge(pushed, stored);
}

/** The disk that has it now. A peer that fell behind in the upload has no bytes. */
function* push(
  board: Board,
  other: SimStorage,
  records: readonly PushedRecord[],
  bytes: ReadonlySet<string>,
  sender: VersionVector,
): Task<number | undefined> {
  const sent = board.random.chance(0.85) ? bytes : new Set<string>();
  const answer = yield* board.call(other, () => other.merge({ mode: 'push', records, bytes: sent, sender }));
  return answer?.outcomes.every((outcome) => STORED.has(outcome)) === true ? answer.disk : undefined;
}
