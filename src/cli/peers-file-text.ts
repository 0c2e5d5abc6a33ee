/** PEERS.txt as commands read it. */
import { readFileSync } from 'node:fs';
import { CommandError, exitStatus, systemCodeOf } from '../system/exit-status.ts';

/** '' when there is none. */
export function peersFileText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return '';
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitStatus.noPermission, `${file} cannot be read: ${why}`, { cause: error });
  }
}
