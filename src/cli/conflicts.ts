/** `cloudroid conflicts [list | keep PATH]`: files that were changed in two places at once. */
import { randomUUID } from 'node:crypto';
import type { Entry } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { originalPath } from '../replication/conflict-name.ts';
import { type Operation, Refusal } from '../replication/operation.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import { allOf } from './all-of.ts';
import type { CommandInput } from './command.ts';
import { type ConflictGroup, conflictsPage, groupConflicts, planKeep } from './conflict-groups.ts';
import { withRunningMember } from './running-member.ts';
import { plural } from './status-page.ts';
import { tellMembers } from './tell-members.ts';
import { actionOf, sharedPath } from './words.ts';

async function groupsOf(replica: ReplicaClient): Promise<ConflictGroup[]> {
  return groupConflicts(await allOf(await replica.attic.conflicts()));
}

async function entriesAt(
  replica: ReplicaClient,
  paths: Iterable<string>,
): Promise<(path: string) => Entry | null> {
  const entries = new Map<string, Entry | null>();
  for (const path of paths) entries.set(path, (await replica.record({ path })).entry);
  return (path) => entries.get(path) ?? null;
}

/** One that somebody else has deleted meanwhile is as it should be. */
async function commit(replica: ReplicaClient, operation: Operation): Promise<void> {
  await replica.commit({ id: randomUUID(), operation }).catch((error: unknown) => {
    const gone = operation.op === 'delete' && error instanceof Refusal && error.kind === 'not-found';
    if (!gone) throw error;
  });
}

async function keep({ settings }: CommandInput, replica: ReplicaClient, path: string): Promise<ExitStatus> {
  const groups = await groupsOf(replica);
  const paths = [path, originalPath(path)?.path ?? path, ...groups.map(({ original }) => original)];
  const plan = planKeep(path, groups, await entriesAt(replica, new Set(paths)));
  const shown = escapeControls(path);
  switch (plan.kind) {
    case 'refused':
      throw new CommandError(exitStatus.failed, `${shown} cannot be kept: ${plan.why}.`);
    case 'settled':
      process.stdout.write(`Nothing to do: ${escapeControls(plan.original)} has no conflict copies.\n`);
      return exitStatus.done;
    case 'operations': {
      for (const operation of plan.operations) await commit(replica, operation);
      const deleted = plan.operations.filter(({ op }) => op === 'delete').length;
      const renamed = plan.operations.length > deleted;
      const gone = [
        ...(plan.replaces ? ['the file that had its name'] : []),
        ...(deleted > 0 ? [plural(deleted, 'other copy', 'other copies')] : []),
      ];
      const trashed = gone.length === 0 ? '' : ` In the trash now: ${gone.join(' and ')}.`;
      const as = renamed ? ` as ${escapeControls(plan.original)}` : '';
      process.stdout.write(`Kept ${shown}${as}.${trashed}\n`);
      process.stdout.write(await tellMembers(settings, replica, 'a conflict was settled'));
      return exitStatus.done;
    }
  }
}

export async function conflicts(input: CommandInput): Promise<ExitStatus> {
  const [action, word] = actionOf(input, 'conflicts', { list: null, keep: 'PATH' });
  return await withRunningMember(input.settings, async (replica) => {
    if (action === 'keep') return await keep(input, replica, sharedPath(word));
    const groups = await groupsOf(replica);
    const originals = new Set(groups.map(({ original }) => original));
    process.stdout.write(conflictsPage(groups, await entriesAt(replica, originals)));
    return exitStatus.done;
  });
}
