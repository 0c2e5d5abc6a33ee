/** `cloudroid trash [list | restore ID | empty]`: what was deleted or replaced on this member, and how it comes back. */
import type { TrashEntry } from '../peers/protocol-attic.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { Refusal } from '../replication/operation.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import { allOf } from './all-of.ts';
import type { CommandInput } from './command.ts';
import { confirmed } from './confirm.ts';
import { withRunningMember } from './running-member.ts';
import { formatBytes, plural } from './status-page.ts';
import { tellMembers } from './tell-members.ts';
import { shortIdLength, trashPage } from './trash-page.ts';
import { actionOf, sharedPath } from './words.ts';

async function entriesOf(replica: ReplicaClient): Promise<TrashEntry[]> {
  return await allOf(await replica.attic.trash());
}

/** The one entry whose id begins like that. Throws CommandError. */
export function entryFor(entries: readonly TrashEntry[], beginning: string): TrashEntry {
  const [only, ...more] = entries.filter(({ id }) => id.startsWith(beginning));
  if (only === undefined) {
    throw new CommandError(
      exitStatus.failed,
      `Nothing in the trash has the id ${beginning}: cloudroid trash list`,
    );
  }
  if (more.length > 0 && only.id !== beginning) {
    const length = shortIdLength(entries.map(({ id }) => id));
    const meant = [only, ...more]
      .slice(0, 5)
      .map(({ id, path }) => `${id.slice(0, length)} (${escapeControls(path)})`);
    throw new CommandError(
      exitStatus.failed,
      `${1 + more.length} ids begin with ${beginning}: ${meant.join(', ')}${more.length > 4 ? ', ...' : ''}`,
    );
  }
  return only;
}

async function restore(input: CommandInput, replica: ReplicaClient, beginning: string): Promise<ExitStatus> {
  const { settings, switches, values } = input;
  const { id } = entryFor(await entriesOf(replica), beginning);
  const to = values.get('to');
  const request = {
    restore: id,
    ...(to !== undefined && { to: sharedPath(to) }),
    replace: switches.has('replace'),
  };
  const restored = await replica.attic.restore(request).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.kind !== 'exists') throw error;
    const path = escapeControls(error.path ?? '');
    throw new CommandError(
      exitStatus.failed,
      `There is a file ${path} now. --to PATH puts the old one beside it, --replace in its place (that one goes to the trash).`,
      { cause: error },
    );
  });
  process.stdout.write(`Restored ${escapeControls(restored.path)} (${formatBytes(restored.size)}).\n`);
  process.stdout.write(await tellMembers(settings, replica, 'something was restored from the trash'));
  return exitStatus.done;
}

async function empty(input: CommandInput, replica: ReplicaClient): Promise<ExitStatus> {
  const entries = await entriesOf(replica);
  const [newest] = entries;
  if (newest === undefined) {
    process.stdout.write(trashPage(entries));
    return exitStatus.done;
  }
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const what = `${plural(entries.length, 'file')} (${formatBytes(bytes)}) in the trash of this member`;
  if (!(await confirmed(input, `Remove ${what} for ever?`))) return exitStatus.failed;
  // Not what has come since the person was asked.
  const gone = await replica.attic.emptyTrash(newest.at + 1);
  process.stdout.write(`Removed ${plural(gone.files, 'file')}, ${formatBytes(gone.bytes)}.\n`);
  return exitStatus.done;
}

export async function trash(input: CommandInput): Promise<ExitStatus> {
  const [action, word] = actionOf(input, 'trash', { list: null, restore: 'ID', empty: null });
  return await withRunningMember(input.settings, async (replica) => {
    switch (action) {
      case 'list':
        process.stdout.write(trashPage(await entriesOf(replica)));
        return exitStatus.done;
      case 'restore':
        return await restore(input, replica, word);
      case 'empty':
        return await empty(input, replica);
    }
  });
}
