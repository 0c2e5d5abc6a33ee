/** The planners under test, and mistakes planted in them: each must be caught, or the simulation proves nothing. */
import type { CommitPlan, MergePlan } from '../../src/replication/plan.ts';
import { planCommit } from '../../src/replication/plan-commit.ts';
import { planMerge } from '../../src/replication/plan-merge.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { isCollectable, massDeletionLimit, TOMBSTONE_KEEP_MS } from '../../src/replication/tombstones.ts';

export interface Rules {
  readonly planCommit: typeof planCommit;
  readonly planMerge: typeof planMerge;
  /** What a pushed commit may teach the receiver beside its own plan. */
  readonly learnFromPush: (sender: VersionVector) => VersionVector;
  /** The cursor is kept although a pull was broken off. */
  readonly cursorBeforeEnd: boolean;
  /** Every start takes a new incarnation. */
  readonly newIncarnation: boolean;
  /** An exchange that began with one disk does not end on another (a backup put in place meanwhile). */
  readonly exchangeEndsWithDisk: boolean;
  /** Answers say "stored" before the disk does. */
  readonly answerBeforeFlush: boolean;
  readonly isCollectable: typeof isCollectable;
  /** All members that were ever met and not retired are asked what they know. */
  readonly everybodyIsAsked: boolean;
  /** What a peer lacks is judged by what it knew before it showed that, and only if it stood still. */
  readonly judgedAtStandstill: boolean;
  /** The buckets that a peer shows have its tombstones in them. */
  readonly tombstonesAreShown: boolean;
  readonly massDeletionLimit: typeof massDeletionLimit;
  /** A retired member that comes back is turned away. */
  readonly retiredAreRefused: boolean;
  /** Files that a lost catalog left behind are looked at. */
  readonly leftoversAreKept: boolean;
}

/** The 30 days are over after so many milliseconds. */
export function isOver(rules: Rules, keepMs: number): typeof isCollectable {
  return (record, storedAt, now, knowledge) =>
    rules.isCollectable(record, storedAt, now - keepMs + TOMBSTONE_KEEP_MS, knowledge);
}

export const RULES: Rules = {
  planCommit,
  planMerge,
  learnFromPush: () => ({}),
  cursorBeforeEnd: false,
  newIncarnation: true,
  exchangeEndsWithDisk: true,
  answerBeforeFlush: false,
  isCollectable,
  everybodyIsAsked: true,
  judgedAtStandstill: true,
  tombstonesAreShown: true,
  massDeletionLimit,
  retiredAreRefused: true,
  leftoversAreKept: true,
};

export const MISTAKES = [
  'last writer wins',
  'knowledge after one push',
  'delete beats write',
  'no kept',
  'cursor before the end',
  'an incarnation used twice',
  'answer before flush',
  'an exchange outlives the disk',
  'early collection',
  'collection without contexts',
  'rule 6 without standstill',
  'trees without tombstones',
  'retired members are let in',
  'a rebuilt catalog ignores files',
] as const;
export type PlantedMistake = (typeof MISTAKES)[number];

export function withMistake(mistake: PlantedMistake): Rules {
  switch (mistake) {
    case 'last writer wins':
      return { ...RULES, planMerge: (...args) => withoutCopies(planMerge(...args)) };
    case 'knowledge after one push':
      return { ...RULES, learnFromPush: (sender) => sender };
    case 'delete beats write':
      return { ...RULES, planCommit: (...args) => withRecords(planCommit(...args), lateTombstone) };
    case 'no kept':
      return {
        ...RULES,
        planCommit: (...args) => withRecords(planCommit(...args), withoutKept),
        planMerge: (...args) => withChanged(planMerge(...args), withoutKept),
      };
    case 'cursor before the end':
      return { ...RULES, cursorBeforeEnd: true };
    case 'an incarnation used twice':
      return { ...RULES, newIncarnation: false };
    case 'answer before flush':
      return { ...RULES, answerBeforeFlush: true };
    case 'an exchange outlives the disk':
      return { ...RULES, exchangeEndsWithDisk: false };
    case 'early collection':
      return { ...RULES, everybodyIsAsked: false };
    case 'collection without contexts':
      return { ...RULES, isCollectable: (record, ...rest) => isCollectable(withoutContext(record), ...rest) };
    case 'rule 6 without standstill':
      return { ...RULES, judgedAtStandstill: false };
    case 'trees without tombstones':
      return { ...RULES, tombstonesAreShown: false };
    case 'retired members are let in':
      return { ...RULES, retiredAreRefused: false };
    case 'a rebuilt catalog ignores files':
      return { ...RULES, leftoversAreKept: false };
  }
}

function withoutCopies(plan: MergePlan): MergePlan {
  return { ...plan, changes: plan.changes.filter(({ after }) => !after.dot[0].startsWith('*')) };
}

function lateTombstone(record: ReplicaRecord): ReplicaRecord {
  return record.kind === 'tombstone' ? { ...record, stamp: record.stamp + 1_000_000 } : record;
}

function withoutContext(record: ReplicaRecord): ReplicaRecord {
  return { ...record, context: {} };
}

function withoutKept(record: ReplicaRecord): ReplicaRecord {
  return { ...record, kept: [] };
}

function withChanged<P extends CommitPlan | MergePlan>(
  plan: P,
  edit: (record: ReplicaRecord) => ReplicaRecord,
): P {
  return { ...plan, changes: plan.changes.map(({ before, after }) => ({ before, after: edit(after) })) };
}

function withRecords(plan: CommitPlan, edit: (record: ReplicaRecord) => ReplicaRecord): CommitPlan {
  const pushed = plan.pushed.map(({ record, base }) => ({ record: edit(record), base }));
  return { ...withChanged(plan, edit), pushed };
}
