import type { LocalFile } from '../catalog/record-row.ts';
import type { Effects } from '../catalog/record-writer.ts';
import type { Group } from '../group.ts';
import { checkWritable, directorySteps, noteCollisions, placeOf } from './placement.ts';
import type { PublishContext } from './publish-context.ts';
import { type Item, Steps } from './publish-steps.ts';
import type { Prepared } from './staging.ts';

/**
 * `adopted`: by path, files that somebody else has put in their place already.
 *
 * Throws Refusal missing-content when bytes of a hash in `needs` are not at hand; GroupConflict; disk errors.
 */
export async function placeFiles(
  context: PublishContext,
  group: Group,
  effects: Effects,
  prepared: ReadonlyMap<string, Prepared>,
  needs: ReadonlySet<string>,
  adopted: ReadonlyMap<string, LocalFile> = new Map(),
): Promise<void> {
  const { catalog, volume } = context;
  noteCollisions(catalog, effects);
  const items: Item[] = [];
  for (const [path, before] of effects.files) {
    const after = catalog.table.stored(path);
    items.push({
      path,
      before,
      after,
      place: after === undefined ? undefined : placeOf(catalog, after.record),
    });
  }
  const steps = new Steps(context, group, items, prepared, adopted);
  for (const item of items) await steps.settle(item, needs);
  steps.discard();
  const from = group.intents.length;
  const folders = directorySteps(catalog, effects);
  const intents = [
    ...steps.removals(),
    ...folders.gone,
    ...folders.made,
    ...steps.publishes,
    ...steps.touches,
  ];
  checkWritable(volume, intents);
  group.addIntents(intents);
  group.closePlaces(from);
}
