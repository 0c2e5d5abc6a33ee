/** Ends what was deleted on the other members, and forgotten there, while this replica was away. */
import type { Forgotten } from '../../peers/protocol-upkeep.ts';
import { planForgotten } from '../../replication/plan-forgotten.ts';
import { placeFiles } from '../disk/publish.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import type { GroupCommit } from '../group-commit.ts';

const BATCH = 500;

/**
 * A deletion of our own, written on just these records: whoever wrote something on them meanwhile wins. The files go to the
 * trash. Resolves with how many there were.
 */
export async function endForgotten(
  context: PublishContext,
  queue: GroupCommit,
  forgotten: readonly Forgotten[],
): Promise<number> {
  let ended = 0;
  for (let from = 0; from < forgotten.length; from += BATCH) {
    const batch = forgotten.slice(from, from + BATCH);
    ended += await queue.run({ path: undefined, execute: (group) => endBatch(context, group, batch) });
  }
  return ended;
}

async function endBatch(
  context: PublishContext,
  group: Parameters<typeof placeFiles>[1],
  batch: readonly Forgotten[],
): Promise<number> {
  const { catalog, now } = context;
  const { actor, lastSeq } = catalog.state;
  const { changes, knowledge } = planForgotten(catalog.table, batch, { actor, lastSeq, now: now() });
  const effects = catalog.apply(changes, now());
  await placeFiles(context, group, effects, new Map(), new Set());
  catalog.learn(knowledge);
  return changes.length;
}
