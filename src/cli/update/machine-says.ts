/** A program of this machine, for what it says. */
import { realMachine } from '../../appliance/machine.ts';

/** Rejects with what it wrote when it fails. */
export async function machineSays(
  program: string,
  args: readonly string[],
  timeoutMs?: number,
): Promise<string> {
  const { ok, output } = await realMachine.run(program, args, timeoutMs);
  if (!ok) throw new Error(`${program} ${args.slice(0, 3).join(' ')}: ${output === '' ? 'failed' : output}`);
  return output;
}
