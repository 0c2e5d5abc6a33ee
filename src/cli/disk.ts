/**
 * `cloudroid disk accept`: a new, empty disk takes the place of the old one. `cloudroid disk rebuild`: the files of the
 * disk that is there are taken in, whoever's they were; with `--alone`: a rebuild waits for no other member.
 */
import type { DiskReply, DiskRequest } from '../peers/protocol-disk.ts';
import { ReplicaUnreachable } from '../peers/replica-client-api.ts';
import { acceptDisk } from '../storage/rebuild/state-marks.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { openRunningMember } from './running-member.ts';

/** Null: this member is not running. */
async function tell({ settings }: CommandInput, request: DiskRequest): Promise<DiskReply | null> {
  const member = await openRunningMember(settings);
  if (member === null) return null;
  try {
    return await member.disk(request);
  } catch (error) {
    if (error instanceof ReplicaUnreachable) return null;
    throw error;
  } finally {
    member.close();
  }
}

async function accept(input: CommandInput, what: 'empty' | 'files'): Promise<ExitStatus> {
  const { stateDir, filesDir } = input.settings;
  const told = await tell(input, { accept: what });
  if (told === null) acceptDisk(stateDir, what);
  const then =
    what === 'empty'
      ? 'if it is empty it becomes a new replica, and everything is fetched from the other members'
      : 'its files are compared with what the other members have; what they do not know becomes new files';
  const when = told === null ? 'At the next start' : 'Restart this member; then';
  process.stdout.write(`Noted for ${filesDir}. ${when} ${then}.\n`);
  return exitStatus.done;
}

async function rebuildAlone(input: CommandInput): Promise<ExitStatus> {
  const told = await tell(input, { rebuild: 'alone' });
  if (told === null) {
    throw new CommandError(
      exitStatus.notRunning,
      'This member is not running: start it, then say this again.',
    );
  }
  if (!told.rebuilding) {
    throw new CommandError(
      exitStatus.failed,
      'No rebuild is under way: cloudroid status tells how the disk is.',
    );
  }
  process.stdout.write('The rebuild waits for nobody: every file found on the disk becomes a new one.\n');
  return exitStatus.done;
}

export async function disk(input: CommandInput): Promise<ExitStatus> {
  const [word] = input.words;
  const alone = input.switches.has('alone');
  if (word === 'accept' && !alone) return await accept(input, 'empty');
  if (word === 'rebuild') return alone ? await rebuildAlone(input) : await accept(input, 'files');
  throw new CommandError(
    exitStatus.usage,
    'Which? `disk accept` (a new, empty disk), `disk rebuild` (take the files of this disk in), or `disk rebuild --alone`.',
  );
}
