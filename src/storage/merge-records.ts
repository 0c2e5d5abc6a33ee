/** SITE MERGE: takes records decided elsewhere. */
import { createInterface } from 'node:readline';
import {
  type Content,
  type ExchangeEnd,
  INLINE_RECORDS_BYTES,
  type MergeReply,
  type MergeRequest,
} from '../peers/protocol.ts';
import { type PushedRecord, Refusal } from '../replication/operation.ts';
import type { MergeOutcome, MergePlan } from '../replication/plan.ts';
import { planMerge } from '../replication/plan-merge.ts';
import { failpoint } from '../system/failpoint.ts';
import { dropUnused, hasContent, prepareContent } from './disk/content.ts';
import { placeFiles } from './disk/publish.ts';
import type { PublishContext } from './disk/publish-context.ts';
import type { Prepared } from './disk/staging.ts';
import type { Group } from './group.ts';
import type { GroupCommit } from './group-commit.ts';
import { checkPushed, checkVector } from './record-check.ts';

/** Hashes asked for at most in one answer. */
const MAX_NEED = 500;
const CONCURRENT_PREPARES = 8;
/** The last moment that a Date can name. */
const LAST_DATE_MS = 8.64e15;

interface Merged {
  /** One identity lives twice. */
  readonly alarms?: readonly string[];
  readonly outcomes: readonly MergeOutcome[];
  readonly need: MergeReply['need'];
}

export class Merger {
  readonly #context: PublishContext;
  readonly #queue: GroupCommit;

  constructor(context: PublishContext, queue: GroupCommit) {
    this.#context = context;
    this.#queue = queue;
  }

  /** Throws Refusal; then nothing has changed. */
  async merge(request: MergeRequest): Promise<MergeReply> {
    const records = await this.#read(request);
    if (request.exchange !== undefined) checkExchange(request.exchange);
    const prepared = await this.#prepare(records, request.content ?? {});
    let merged: Merged;
    try {
      merged = await this.#queue.run({
        path: records.length === 1 ? records[0]?.record.path : undefined,
        execute: (group) => this.#execute(request, records, prepared, group),
      });
    } finally {
      await dropUnused(this.#context, prepared.values());
    }
    for (const alarm of merged.alarms ?? []) this.#context.alarm(alarm);
    await this.#dropMerged(records, merged, prepared);
    const over = !merged.outcomes.some((each) => each === 'send-content' || each === 'behind');
    if (request.batch !== undefined && over) await this.#context.staging.drop(request.batch);
    return await this.#reply(merged);
  }

  async #read(request: MergeRequest): Promise<readonly PushedRecord[]> {
    const { staging, volume } = this.#context;
    if (!['push', 'partial', 'complete'].includes(request.mode)) throw new Refusal('invalid', 'unknown mode');
    if (request.batch === undefined) {
      return (request.records ?? []).map((each) => checkPushed(each, volume.filesDir));
    }
    const handle = await staging.open(request.batch);
    const records: PushedRecord[] = [];
    try {
      for await (const line of createInterface({ input: handle.createReadStream({ autoClose: false }) })) {
        if (line !== '') records.push(checkPushed(parse(line), volume.filesDir));
      }
    } finally {
      await handle.close();
    }
    return records;
  }

  /** What the request brings or an earlier request has staged, by hash. */
  async #prepare(
    records: readonly PushedRecord[],
    contents: { readonly [sha256: string]: Content },
  ): Promise<Map<string, Prepared>> {
    const { staging, warn } = this.#context;
    const prepared = new Map<string, Prepared>();
    const wanted = new Map(
      records.filter(({ record }) => record.kind === 'file').map(({ record }) => [record.sha256, record]),
    );
    const left = [...wanted.values()];
    const prepareNext = async (): Promise<void> => {
      for (let record = left.pop(); record !== undefined; record = left.pop()) {
        const { sha256 } = record;
        const named = contents[sha256];
        if (named !== undefined) {
          prepared.set(sha256, await prepareContent(this.#context, record, named, false));
          continue;
        }
        const pulled = `sha-${sha256}`;
        const here = await staging.size(pulled);
        // Less than the whole: a pull was broken off and will go on behind it.
        if (here === null || here < record.size) continue;
        try {
          prepared.set(sha256, await prepareContent(this.#context, record, { staged: pulled }, false));
        } catch (error) {
          if (!(error instanceof Refusal) || error.kind !== 'hash-mismatch') throw error;
          warn('a pulled file is not what its name says; it is fetched again', {
            sha256,
            why: error.message,
          });
          await staging.drop(pulled);
        }
      }
    };
    const running = Array.from({ length: Math.min(CONCURRENT_PREPARES, left.length) }, prepareNext);
    const failed = (await Promise.allSettled(running)).find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      await dropUnused(this.#context, prepared.values());
      throw failed.reason;
    }
    if (prepared.size > 0) failpoint('commit:fsynced');
    return prepared;
  }

  async #execute(
    { mode, exchange, receiver }: MergeRequest,
    records: readonly PushedRecord[],
    prepared: ReadonlyMap<string, Prepared>,
    group: Group,
  ): Promise<Merged> {
    const { catalog, now, space } = this.#context;
    if (exchange !== undefined && receiver === undefined)
      throw new Refusal('invalid', 'an exchange names its receiver');
    if (receiver !== undefined && receiver !== catalog.committed.incarnation) {
      throw new Refusal('changed', 'this store was started anew since the exchange began');
    }
    let plan = planMerge(catalog.table, records, mode, exchange);
    const missing = new Set(
      plan.needs.filter((sha256) => !hasContent(this.#context, group, prepared, sha256)),
    );
    const need = sizesOf(missing, plan);
    let { outcomes } = plan;
    if (missing.size > 0) {
      const lacks = ({ record }: PushedRecord) => missing.has(record.sha256);
      if (mode !== 'partial') {
        // All or nothing: whatever would have changed something is asked for again.
        return { outcomes: outcomes.map((each) => (changes(each) ? 'send-content' : each)), need };
      }
      const whole = records.filter((each) => !lacks(each));
      plan = planMerge(catalog.table, whole, mode, exchange);
      const rest = plan.outcomes.values();
      outcomes = records.map((each) => (lacks(each) ? 'send-content' : (rest.next().value ?? 'deferred')));
      if (plan.needs.some((sha256) => !hasContent(this.#context, group, prepared, sha256))) {
        return { outcomes: outcomes.map((each) => (changes(each) ? 'send-content' : each)), need };
      }
    }
    if (outcomes.includes('behind')) return { outcomes, need };
    const living = plan.changes.find(({ after }) => after.kind !== 'tombstone');
    if (living !== undefined) space.requireBallast(living.after.path);
    const effects = catalog.apply(plan.changes, now());
    await placeFiles(this.#context, group, effects, prepared, new Set(plan.needs));
    catalog.learn(plan.knowledge, mode === 'push' ? records.map(({ record }) => record.dot) : []);
    if (mode === 'complete' && exchange !== undefined) {
      catalog.ledger.setCursor(exchange.store, exchange.incarnation, exchange.upTo);
      catalog.raiseCollectedStamp(exchange.collectedStamp);
      this.#context.exchanged(exchange);
    }
    return { outcomes, need, alarms: plan.alarms };
  }

  /** Staged contents of records that are settled now and were not needed after all. */
  async #dropMerged(
    records: readonly PushedRecord[],
    { outcomes }: Merged,
    prepared: ReadonlyMap<string, Prepared>,
  ): Promise<void> {
    for (const [index, { record }] of records.entries()) {
      const outcome = outcomes[index];
      const held = prepared.get(record.sha256);
      if (held === undefined || outcome === 'send-content' || outcome === 'behind' || outcome === 'deferred')
        continue;
      if (this.#context.staging.holds(held.staged)) await this.#context.staging.drop(held.staged);
    }
  }

  async #reply({ outcomes, need }: Merged): Promise<MergeReply> {
    const counts: { [outcome in MergeOutcome]?: number } = {};
    for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (outcomes.length * 16 <= INLINE_RECORDS_BYTES) return { outcomes, counts, need };
    const text = Buffer.from(`${outcomes.join('\n')}\n`);
    return { outcomesBatch: await this.#context.staging.writeBatch(text), counts, need };
  }
}

function checkExchange({ knowledge, collectedStamp }: ExchangeEnd): void {
  checkVector(knowledge);
  // Every write is later than that: one beyond all dates would leave no room for any.
  if (!Number.isSafeInteger(collectedStamp) || collectedStamp < 0 || collectedStamp > LAST_DATE_MS)
    throw new Refusal('invalid', 'not a stamp');
}

function changes(outcome: MergeOutcome): boolean {
  return outcome === 'applied' || outcome === 'conflict';
}

function sizesOf(missing: ReadonlySet<string>, plan: MergePlan): { sha256: string; size: number }[] {
  const sizes = new Map<string, number>();
  for (const { after } of plan.changes) {
    if (sizes.size < MAX_NEED && missing.has(after.sha256)) sizes.set(after.sha256, after.size);
  }
  return [...sizes].map(([sha256, size]) => ({ sha256, size }));
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Refusal('invalid', 'a line of the batch is no JSON', { cause: error });
  }
}
