/**
 * `cloudroid setup`: at each start of a board, as root, before the services. `cloudroid setup --accounts`: afterwards, as
 * the services' user, what needs the running member.
 */
import { realMachine, stillMachine } from '../appliance/machine.ts';
import { setUp } from '../appliance/setup.ts';
import { acceptDisk } from '../storage/rebuild/state-marks.ts';
import { CommandError, type ExitStatus, exitStatus } from '../system/exit-status.ts';
import { escapeControls } from '../system/log-line.ts';
import type { CommandInput } from './command.ts';
import { carryOutGuestWish } from './guest-wish.ts';

export async function setup(input: CommandInput): Promise<ExitStatus> {
  const { switches, values } = input;
  const root = values.get('root') ?? '/';
  const bootFolder = values.get('boot-folder') ?? '/boot/cloudroid';
  if (switches.has('accounts')) {
    if (values.size > 0) {
      throw new CommandError(exitStatus.usage, '--accounts takes neither --root nor --boot-folder.');
    }
    process.stdout.write(await carryOutGuestWish(input.settings));
    return exitStatus.done;
  }
  const running = root === '/';
  if (running && process.getuid?.() !== 0) {
    throw new CommandError(
      exitStatus.noPermission,
      'cloudroid setup sets up the whole board: only root may.',
    );
  }
  const machine = running ? realMachine : stillMachine;
  const { taken, problems } = await setUp({ root, bootFolder, machine, acceptDisk });
  for (const { line, text, expected } of problems) {
    const where = line === null ? '' : `, line ${line}`;
    process.stderr.write(`cloudroid.txt${where}: ${escapeControls(text)}: expected ${expected}.\n`);
  }
  process.stdout.write(
    taken.length === 0
      ? 'Nothing new in cloudroid.txt.\n'
      : `Taken over from cloudroid.txt: ${taken.join(', ')}.\n`,
  );
  // The board starts in any case.
  return exitStatus.done;
}
