/** What only a person at telnet does. */
import { join } from 'node:path';
import test from 'ava';
import { hasProgram, succeed } from '../network/program.ts';
import { withNetwork } from '../network/with-network.ts';

test('a person at telnet who presses the interrupt key in the middle of a line can go on', async (t) => {
  if (!hasProgram(t, 'expect') || !hasProgram(t, 'telnet')) return;
  await withNetwork(t, { members: 1 }, async (network) => {
    const { host, port } = network.member('a');
    const script = join(import.meta.dirname, 'drivers', 'telnet-interrupt.exp');
    const { stdout } = await succeed(t, 'expect', [script, host, String(port)]);
    t.regex(stdout.toString(), /^went on$/m);
  });
});
