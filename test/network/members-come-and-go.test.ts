/** Members that join and members that are retired while clients go on writing, as real processes. */
import test from 'ava';
import { runToEnd } from '../cli/member-process.ts';
import { assertIdentical, becomeIdentical } from './compare.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

/** A client that writes until it is told to stop, and how often it was told that a file is stored. */
function writer(member: Member, folder: string): { stop(): Promise<readonly string[]> } {
  let running = true;
  const work = (async () => {
    const client = await member.login();
    const stored: string[] = [];
    await client.command(`MKD /${folder}`);
    for (let n = 0; running; n += 1) {
      const { code, text } = await client.upload(`STOR /${folder}/${n}`, `${folder} ${n}`);
      if (code !== 226) throw new Error(text);
      stored.push(`/${folder}/${n}`);
    }
    client.destroy();
    return stored;
  })();
  // Looked at when it is stopped.
  work.catch(() => undefined);
  return {
    stop: async () => {
      running = false;
      return await work;
    },
  };
}

async function size(member: Member, path: string): Promise<number> {
  const client = await member.login();
  const { code } = await client.command(`SIZE ${path}`);
  client.destroy();
  return code;
}

test('a member joins under load with a full copy, is retired under load, and stays refused after a restart', async (t) => {
  await withNetwork(t, { members: 3, idle: true }, async (network) => {
    const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
    const before: Member[] = [a, b];
    a.writePeers([network.addressOf(b, a)]);
    b.writePeers([network.addressOf(a, b)]);
    for (const member of before) await member.start();
    for (const member of before) await member.ready(2);
    const first = writer(a, 'first');
    await c.start();
    a.writePeers([network.addressOf(b, a), network.addressOf(c, a)]);
    b.writePeers([network.addressOf(a, b), network.addressOf(c, b)]);
    for (const member of network.members) await member.ready(3);
    const stored = await first.stop();
    t.true(stored.length > 0);
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
    t.is(await size(c, stored.at(-1) ?? ''), 213);
    t.false((await c.status()).hello.joining);

    const id = (await c.status()).hello.member;
    const second = writer(b, 'second');
    const { status, stdout, stderr } = await runToEnd(['peers', 'retire', id, '--yes', ...a.args]);
    t.is(status, 0, stdout + stderr);
    for (const member of before) {
      await waitUntil(`${member.name} knows that c is retired`, async () => {
        const { hello } = await member.status();
        return hello.retired.includes(id) && !hello.members.includes(id) ? null : JSON.stringify(hello);
      });
    }
    await waitUntil('c knows it too, and says what to do', async () => {
      const { readOnly } = (await c.status()).hello;
      return /was retired from its network.*joins as a new member/.test(readOnly ?? '')
        ? null
        : `${readOnly}`;
    });
    const more = await second.stop();
    const client = await c.login();
    t.is((await client.upload('STOR /of-c', 'lost')).code, 451, 'it takes no writes');
    client.destroy();

    await c.stop();
    await c.start();
    await waitUntil('a shows it as refused, with the reason', async () => {
      const seen = (await a.status()).proxy?.members.find(({ member }) => member === id);
      return seen?.state === 'refused' && /was retired/.test(seen.reason ?? '') ? null : JSON.stringify(seen);
    });
    const viaA = await a.login();
    t.regex((await viaA.upload('STOR /last', 'x')).text, /Stored on 2 of 2 members\./);
    viaA.destroy();
    t.regex((await c.status()).hello.readOnly ?? '', /was retired/);
    t.not(await size(c, '/last'), 213, 'it is told nothing any more');
    await becomeIdentical(before);
    await assertIdentical(t, before);
    t.is(await size(a, more.at(-1) ?? ''), 213);
    t.is(await size(a, '/of-c'), 550);
  });
});
