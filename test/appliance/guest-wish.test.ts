/** guest = ... in cloudroid.txt, carried out by a real member. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Member } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';
import { withNetwork } from '../network/with-network.ts';
import { RawClient } from '../proxy/raw-client.ts';

async function guestMay(member: Member): Promise<'nothing' | 'read' | 'write'> {
  let client: RawClient;
  try {
    client = await RawClient.loggedIn(member.port, { host: member.host, user: 'guest', password: 'guest' });
  } catch {
    return 'nothing';
  }
  const { code } = await client.command(`MKD d${Date.now()}`);
  client.destroy();
  return code === 257 ? 'write' : 'read';
}

async function wish(member: Member, text: string): Promise<string> {
  writeFileSync(join(member.stateDir, 'guest-wish'), `${text}\n`);
  return (await member.command(['setup', '--accounts'])).output;
}

test('guest is closed, opened for reading, and opened again, on all members, each once', async (t) => {
  t.timeout(240_000);
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const becomes = async (member: Member, wanted: string): Promise<void> =>
      await waitUntil(
        `guest: ${wanted}`,
        async () => ((await guestMay(member)) === wanted ? null : 'not yet'),
        {
          withinMs: 60_000,
        },
      );
    // New members refuse until they have met, as cloudroid-accounts.service tries again until then.
    for (const member of [a, b]) {
      await waitUntil(
        'it knows the accounts',
        async () => {
          const said = await wish(member, 'on');
          if (said === 'guest is on already.\n') return null;
          t.is(
            said,
            'cloudroid: guest = on waits until this member has fetched the accounts of the others.\n',
          );
          return said;
        },
        { withinMs: 60_000 },
      );
    }
    t.is(await wish(a, 'off'), 'guest is off now, on all members.\n');
    await becomes(a, 'nothing');
    await becomes(b, 'nothing');
    t.is(await wish(b, 'off'), 'guest is off already.\n');
    t.is(await wish(b, 'read-only'), 'guest is read-only now, on all members.\n');
    await becomes(b, 'read');
    await becomes(a, 'read');
    t.is(await wish(a, 'on'), 'guest is on now, on all members.\n');
    await becomes(a, 'write');
    t.false(existsSync(join(a.stateDir, 'guest-wish')));
    t.is((await a.command(['setup', '--accounts'])).output, 'There is no wish for guest.\n');
  });
});

test('a wish of a member that does not run is kept for later', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const a = network.member('a');
    await a.stop();
    t.regex(await wish(a, 'off'), /not running/);
    t.true(existsSync(join(a.stateDir, 'guest-wish')));
  });
});
