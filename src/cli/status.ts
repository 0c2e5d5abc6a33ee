/** `cloudroid status [--json]`: how the running member and its peers are. */
import { type ExitStatus, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';
import { askStatus } from './running-member.ts';
import { statusPage } from './status-page.ts';

export async function status({ settings, switches }: CommandInput): Promise<ExitStatus> {
  const reply = await askStatus(settings);
  process.stdout.write(
    switches.has('json') ? `${JSON.stringify(reply, null, 2)}\n` : statusPage(reply, Date.now()),
  );
  return exitStatus.done;
}
