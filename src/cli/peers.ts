/** `cloudroid peers [list | add ADDRESS | remove ADDRESS | retire MEMBER]`: who else belongs to the network. */
import { editPeersFile, PeersEditRefused, withoutPeer, withPeer } from '../config/peers-edit.ts';
import { CommandError, type ExitStatus, exitStatus, exitStatusOf } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { listPeers } from './peers-list.ts';
import { retire } from './peers-retire.ts';
import { actionOf } from './words.ts';

function edit({ settings: { peersFile } }: CommandInput, how: (text: string) => string): void {
  try {
    editPeersFile(peersFile, how);
  } catch (error) {
    if (error instanceof PeersEditRefused) {
      throw new CommandError(exitStatus.failed, `${peersFile} stays as it is: ${error.message}.`, {
        cause: error,
      });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitStatusOf(error), `${peersFile} cannot be changed: ${why}`, { cause: error });
  }
}

export async function peers(input: CommandInput): Promise<ExitStatus> {
  const [action, word] = actionOf(input, 'peers', {
    list: null,
    add: 'ADDRESS',
    remove: 'ADDRESS',
    retire: 'MEMBER',
  });
  const file = input.settings.peersFile;
  switch (action) {
    case 'list':
      return await listPeers(input);
    case 'add':
      edit(input, (text) => withPeer(text, word));
      process.stdout.write(
        `${word} is in ${file} now; a running member notices by itself.\nAdd the address of this board there in the same way: each member lists the others.\n`,
      );
      return exitStatus.done;
    case 'remove':
      edit(input, (text) => withoutPeer(text, word));
      process.stdout.write(
        `${word} is no longer in ${file}; a running member notices by itself.\nIf that board never comes back, retire it as well: cloudroid peers retire MEMBER\n`,
      );
      return exitStatus.done;
    case 'retire':
      return await retire(input, word);
  }
}
