/** Puts bytes back where the replica lacks them. The record is as it was: nothing new is told to anybody. */
import { constants, linkSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAccountPath } from '../../replication/account-path.ts';
import { Refusal } from '../../replication/operation.ts';
import { Effects } from '../catalog/record-writer.ts';
import { dropUnused, prepareContent } from '../disk/content.ts';
import { hashFile } from '../disk/content-proof.ts';
import { isForbidden } from '../disk/file-steps.ts';
import { placeFiles } from '../disk/publish.ts';
import type { PublishContext } from '../disk/publish-context.ts';
import type { Prepared } from '../disk/staging.ts';
import type { GroupCommit } from '../group-commit.ts';
import { SHA256 } from '../record-check.ts';
import { takeBackAccount } from './account-bytes.ts';

/** Files with one content that are repaired in one transaction. */
const AT_ONCE = 1000;

/**
 * From staging (`sha-<sha256>`, hashed here before it is believed), from another file of this replica that is as the
 * catalog left it, or from what was set aside. Resolves with how many files have their bytes again.
 *
 * @throws Refusal missing-content, hash-mismatch
 */
export async function repair(
  context: PublishContext,
  queue: GroupCommit,
  sha256: string,
  examined: Set<string>,
): Promise<number> {
  const { catalog, staging } = context;
  if (!SHA256.test(sha256)) throw new Refusal('invalid', 'not a sha256');
  const [first] = catalog.reader.missingWith(sha256, 1);
  if (first === undefined) return 0;
  const prepared = new Map<string, Prepared>();
  const staged = `sha-${sha256}`;
  await useQuarantined(context, sha256, staged, examined);
  if ((await staging.size(staged)) === first.record.size) {
    prepared.set(sha256, await prepareContent(context, first.record, { staged }, false));
  }
  let repaired: number;
  try {
    repaired = await queue.run({
      path: first.record.path,
      execute: async (group) => {
        const effects = new Effects();
        const missing = catalog.table.missingWith(sha256, AT_ONCE);
        for (const stored of missing) {
          const { record } = stored;
          if (isAccountPath(record.path) && takeBackAccount(context, record)) continue;
          effects.file(record.path, stored);
        }
        await placeFiles(context, group, effects, prepared, new Set([sha256]));
        if (missing.some(({ record }) => isAccountPath(record.path))) catalog.accountMoved();
        return missing.length;
      },
    });
  } finally {
    await dropUnused(context, prepared.values());
  }
  if (staging.holds(staged)) await staging.drop(staged);
  return repaired;
}

/**
 * What was set aside may be good: a cable or a driver failed, not the disk. Read once more, and if it is what it should be,
 * offered as if it had been fetched. `examined`: ids that need no other look.
 */
async function useQuarantined(
  { catalog, staging, volume }: PublishContext,
  sha256: string,
  staged: string,
  examined: Set<string>,
): Promise<void> {
  for (const { id } of catalog.ledger.damagedWith(sha256)) {
    if (examined.has(id) || (await staging.size(staged)) !== null) continue;
    examined.add(id);
    const path = join(volume.trashDir, id);
    const found = await hashFile(path).catch(() => '');
    if (found !== sha256) continue;
    try {
      linkSync(path, staging.path(staged));
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await copyFile(path, staging.path(staged), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    }
  }
}

/** A folder that the catalog knows and that was removed from outside. */
export async function remakeFolder(
  { catalog }: PublishContext,
  queue: GroupCommit,
  path: string,
): Promise<void> {
  await queue.run({
    path,
    execute: async (group) => {
      const isFolder = catalog.table.get(path)?.kind === 'directory' || catalog.table.hasLiveDescendant(path);
      if (!isFolder) return;
      group.checkUntouched(path);
      const from = group.intents.length;
      group.addIntents([{ action: 'mkdir', place: path }]);
      group.closePlaces(from);
    },
  });
}
