/** Who may log in on the first boards of a network, while the others are not there yet. */
import test from 'ava';
import { RawClient } from '../proxy/raw-client.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

async function guestAt(member: Member): Promise<number> {
  const client = await RawClient.connect(member.port, { host: member.host });
  await client.command('USER guest');
  const { code } = await client.command('PASS guest');
  client.destroy();
  return code;
}

test('a member that began alone lets guests in although a peer that was listed later is not there, also after a restart', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const member = network.member('a');
    t.is(await guestAt(member), 230);
    member.writePeers(['127.0.0.250:1']);
    await waitUntil('it has seen the new list', async () => {
      const { proxy } = await member.status();
      return proxy?.members.length === 2 ? null : JSON.stringify(proxy?.members);
    });
    t.is(await guestAt(member), 230);
    await member.stop();
    await member.start();
    t.is(await guestAt(member), 230);
  });
});

test('a new member whose peers were never met lets nobody in, and says why', async (t) => {
  await withNetwork(t, { members: 2, idle: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    await a.start();
    const client = await RawClient.connect(a.port, { host: a.host });
    await client.command('USER guest');
    t.regex(
      (await client.command('PASS guest')).text,
      /^421 Nobody can log in at the moment: this member has not heard/,
    );
    client.destroy();
    await b.start();
    await waitUntil('both let guests in', async () => {
      const codes = [await guestAt(a), await guestAt(b)];
      return codes.every((code) => code === 230) ? null : codes.join();
    });
    await b.stop();
    await a.stop();
    await a.start();
    t.is(await guestAt(a), 230, 'they have met');
  });
});
