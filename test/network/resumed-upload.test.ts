/** An upload through one of three members that breaks off and goes on after the member was killed. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { RawClient } from '../proxy/raw-client.ts';
import { assertIdentical, becomeIdentical } from './compare.ts';
import { roles } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

/** Sends so much and breaks the line. */
async function breakOff(client: RawClient, line: string, bytes: Buffer): Promise<void> {
  const data = await client.dataConnection();
  const { code, text } = await client.command(line);
  if (code !== 150) throw new Error(text);
  data.write(bytes);
  await waitUntil('all that was sent has come', async () => {
    const status = await client.command('STAT');
    return status.text.includes(`${bytes.length} bytes so far`) ? null : status.text;
  });
  data.resetAndDestroy();
  await client.reply();
}

test('what was kept of an upload outlives kill -9 of all its member, and the file becomes the same on all members', async (t) => {
  await withNetwork(t, { members: 3, apart: true }, async (network) => {
    const a = network.member('a');
    const whole = randomBytes(5_000_000);
    const first = await a.login();
    await breakOff(first, 'STOR /film', whole.subarray(0, 2_000_000));
    t.is((await first.command('SIZE /film')).text, '213 1999999');
    first.destroy();
    for (const role of roles.toReversed()) await a.process(role).kill9();
    await a.startApart();
    await a.ready(3);
    const second = await a.login();
    t.is((await second.command('SIZE /film')).text, '213 1999999');
    await second.command('REST 1999999');
    await breakOff(second, 'STOR /film', whole.subarray(1_999_999, 3_000_000));
    // Killed while it goes on: nothing was kept of that, what was kept before is still good.
    const data = await second.dataConnection();
    t.is((await second.command('APPE /film')).code, 150);
    data.write(randomBytes(500_000));
    await waitUntil('it goes on', async () => {
      const { text } = await second.command('STAT');
      return text.includes('500000 bytes so far') ? null : text;
    });
    for (const role of ['ftp', 'proxy'] as const) await a.process(role).kill9();
    second.destroy();
    data.destroy();
    await a.startApart();
    await a.ready(3);
    const third = await a.login();
    const elsewhere = await network.member('b').login();
    t.is((await elsewhere.command('SIZE /film')).code, 550, 'the others know nothing of it');
    elsewhere.destroy();
    const size = Number((await third.command('SIZE /film')).text.slice(4));
    t.is(size, 2_999_999);
    t.is((await third.upload('APPE /film', whole.subarray(size))).code, 226);
    third.destroy();
    await becomeIdentical(network.members);
    for (const member of network.members) {
      t.true((await readFile(join(member.filesDir, 'film'))).equals(whole), member.name);
    }
    await assertIdentical(t, network.members);
  });
});
