/** The words after a command's name: `peers add 10.0.0.2`. */
import { nearest } from '../config/nearest.ts';
import { PathProblem, resolvePath } from '../ftp/virtual-path.ts';
import { CommandError, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';

/** Which action was asked for (`list` when none is named), and its word, '' when it takes none. Throws CommandError. */
export function actionOf<Action extends string>(
  { words }: CommandInput,
  command: string,
  actions: { readonly [action in Action | 'list']: string | null },
): readonly [Action | 'list', string] {
  const [wanted = 'list', word, surplus] = words;
  const known = Object.keys(actions) as (Action | 'list')[];
  const action = known.find((each) => each === wanted);
  if (action === undefined) {
    const hint = nearest(wanted, known);
    throw usage(
      `${command} knows ${known.join(', ')}, not "${wanted}".${hint === null ? '' : ` Did you mean "${hint}"?`}`,
    );
  }
  const takes = actions[action];
  if (takes !== null && (word === undefined || word === ''))
    throw usage(`Which one? cloudroid ${command} ${action} ${takes}`);
  const tooMany = takes === null ? word : surplus;
  if (tooMany !== undefined) throw usage(`"${tooMany}" after ${command} ${action} means nothing.`);
  return [action, word ?? ''];
}

function usage(message: string): CommandError {
  return new CommandError(exitStatus.usage, message);
}

/** A path of the shared files as a person types it, with or without the first slash. Throws CommandError. */
export function sharedPath(word: string): string {
  try {
    return resolvePath('/', word);
  } catch (error) {
    if (error instanceof PathProblem)
      throw new CommandError(exitStatus.usage, error.message, { cause: error });
    throw error;
  }
}
