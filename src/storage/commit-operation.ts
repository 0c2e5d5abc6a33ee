/** SITE COMMIT: assigns a new version on top of what is here and makes it durable. */
import { type CommitReply, type CommitRequest, INLINE_RECORDS_BYTES } from '../peers/protocol.ts';
import { ACCOUNT_LIMIT_BYTES, isAccountPath } from '../replication/account-path.ts';
import { type Operation, type PushedRecord, Refusal } from '../replication/operation.ts';
import { planCommit } from '../replication/plan-commit.ts';
import { failpoint } from '../system/failpoint.ts';
import { dropUnused, hasContent, prepareContent } from './disk/content.ts';
import { placeFiles } from './disk/publish.ts';
import type { PublishContext } from './disk/publish-context.ts';
import type { Prepared, Staging } from './disk/staging.ts';
import type { Group } from './group.ts';
import type { GroupCommit } from './group-commit.ts';
import { checkFilePath, checkNewPath, checkPath } from './path-check.ts';
import { checkRecord, SHA256 } from './record-check.ts';

const MAX_ACCOUNTS = 10_000;
const OPERATION_ID = /^[A-Za-z0-9_-]{8,80}$/;

/** Each id is carried out once; the answer is remembered. Throws Refusal; then nothing has changed. */
export class Committer {
  readonly #context: PublishContext;
  readonly #queue: GroupCommit;
  readonly #running = new Map<string, Promise<CommitReply>>();

  constructor(context: PublishContext, queue: GroupCommit) {
    this.#context = context;
    this.#queue = queue;
  }

  async commit(request: CommitRequest): Promise<CommitReply> {
    const { id } = request;
    if (!OPERATION_ID.test(id)) throw new Refusal('invalid', 'not an operation id');
    const running = this.#running.get(id);
    if (running !== undefined) return await running;
    const answer = this.#commitOnce(request).finally(() => this.#running.delete(id));
    this.#running.set(id, answer);
    return await answer;
  }

  async #commitOnce(request: CommitRequest): Promise<CommitReply> {
    const { catalog, staging, now, volume, space } = this.#context;
    const remembered = catalog.ledger.operation(request.id);
    if (remembered !== undefined) {
      // It was committed; but steps on disk may have failed then, and go first with the next group.
      await this.#queue.run({ path: undefined, execute: async () => undefined });
      return await replyOf(JSON.parse(remembered), staging);
    }
    const operation = checkOperation(request.operation, volume.filesDir, now());
    if (operation.op === 'mkdir' || operation.op === 'rename' || operation.op === 'touch') {
      space.requireForCatalog(operation.op === 'rename' ? operation.to : operation.path);
    }
    const seen = request.seen?.map((record) => checkRecord(record, volume.filesDir));
    const prepared = new Map<string, Prepared>();
    if (operation.op === 'put' && request.content !== undefined) {
      const wanted = { ...operation, mtime: operation.mtime };
      prepared.set(operation.sha256, await prepareContent(this.#context, wanted, request.content, true));
      failpoint('commit:fsynced');
    }
    let reply: CommitReply;
    try {
      const path = operation.op === 'rename' ? operation.to : operation.path;
      reply = await this.#queue.run({
        path,
        execute: (group) => this.#execute(request.id, operation, seen, prepared, group),
      });
    } finally {
      await dropUnused(this.#context, prepared.values());
    }
    // Still there when the very same content was at the path already.
    const staged = request.content?.staged;
    if (staged !== undefined && staging.holds(staged)) await staging.drop(staged);
    return reply;
  }

  async #execute(
    id: string,
    operation: CheckedOperation,
    seen: CommitRequest['seen'],
    prepared: ReadonlyMap<string, Prepared>,
    group: Group,
  ): Promise<CommitReply> {
    const { catalog, now, staging, space } = this.#context;
    if (operation.op !== 'delete' && operation.op !== 'rmdir') {
      space.requireBallast(operation.op === 'rename' ? operation.to : operation.path);
    }
    const { actor, lastSeq } = catalog.state;
    const plan = planCommit(catalog.table, operation, { actor, lastSeq, now: now() }, seen);
    for (const sha256 of plan.needs) {
      if (hasContent(this.#context, group, prepared, sha256)) continue;
      const own = operation.op === 'put' && operation.sha256 === sha256;
      if (seen !== undefined && !own)
        throw new Refusal('busy', 'this member has yet to fetch what was seen elsewhere');
      throw new Refusal('missing-content', 'this member does not hold the content');
    }
    if (operation.op === 'put' && isAccountPath(operation.path))
      requireRoomForAccount(catalog, operation.path);
    const effects = catalog.apply(plan.changes, now());
    await placeFiles(this.#context, group, effects, prepared, new Set(plan.needs));
    catalog.learn(plan.knowledge);
    catalog.learn({ [actor]: catalog.state.lastSeq });
    catalog.ledger.rememberOperation(id, JSON.stringify(plan.pushed), now());
    return await replyOf(plan.pushed, staging);
  }
}

/** All of them are in every gateway's memory. Throws Refusal no-space. */
function requireRoomForAccount({ table }: PublishContext['catalog'], path: string): void {
  const others = table.accounts().filter(({ record }) => record.kind === 'file' && record.path !== path);
  if (others.length >= MAX_ACCOUNTS) throw new Refusal('no-space', 'there are too many accounts');
}

type CheckedOperation =
  | Exclude<Operation, { op: 'put' }>
  | (Operation & { op: 'put'; readonly mtime: number });

/** Fills in the time of a put, so that the file can be dated before its record exists. */
function checkOperation(operation: Operation, filesDir: string, now: number): CheckedOperation {
  switch (operation.op) {
    case 'put': {
      const { size, sha256, path } = operation;
      if (!isAccountPath(path)) checkNewPath(path, filesDir);
      else if (size > ACCOUNT_LIMIT_BYTES) throw new Refusal('invalid', 'too much for an account', { path });
      if (!SHA256.test(sha256)) throw new Refusal('invalid', 'not a sha256', { path });
      if (!Number.isSafeInteger(size) || size < 0) throw new Refusal('invalid', 'not a size', { path });
      return { ...operation, mtime: checkTime(operation.mtime ?? Math.floor(now), path) };
    }
    case 'rename':
      checkPath(operation.from, filesDir);
      checkNewPath(operation.to, filesDir);
      return operation;
    case 'touch':
      checkPath(operation.path, filesDir);
      checkTime(operation.mtime, operation.path);
      return operation;
    case 'delete':
      checkFilePath(operation.path, filesDir);
      return operation;
    case 'mkdir':
      checkNewPath(operation.path, filesDir);
      return operation;
    case 'rmdir':
      checkPath(operation.path, filesDir);
      return operation;
    default:
      throw new Refusal('invalid', 'unknown operation');
  }
}

function checkTime(mtime: number, path: string): number {
  if (!Number.isSafeInteger(mtime)) throw new Refusal('invalid', 'not a time', { path });
  return mtime;
}

/** Long answers go into a staged file; it is made again when the same operation is asked for again. */
async function replyOf(pushed: readonly PushedRecord[], staging: Staging): Promise<CommitReply> {
  const lines = pushed.map((record) => JSON.stringify(record));
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  if (bytes <= INLINE_RECORDS_BYTES) return { pushed, count: pushed.length };
  const batch = await staging.writeBatch(Buffer.from(`${lines.join('\n')}\n`));
  return { batch, count: pushed.length };
}
