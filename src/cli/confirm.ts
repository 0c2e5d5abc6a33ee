/** Asks before what cannot be undone. */
import { createInterface } from 'node:readline/promises';
import { CommandError, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';

/** False: the person said no. Throws CommandError where nobody can answer and `--yes` was not given. */
export async function confirmed({ switches }: CommandInput, question: string): Promise<boolean> {
  if (switches.has('yes')) return true;
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    throw new CommandError(
      exitStatus.usage,
      'Nobody can be asked here whether that is meant: repeat it with --yes.',
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
