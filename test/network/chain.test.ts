/** A big upload goes from member to member; one in the middle is killed with the bytes in its hands. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { assertIdentical, becomeIdentical } from './compare.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

function nextOf(member: Member): string | null {
  const line = member
    .log()
    .split('\n')
    .findLast((each) => each.includes('an upload is passed on'));
  return line === undefined
    ? null
    : (/\b([a-d])-[a-z0-9]{4}/.exec(line.slice(line.indexOf('passed on')))?.[1] ?? null);
}

test('kill -9 of a storage server in the middle of a chain: those behind it hold the file when it is confirmed, and it catches up', async (t) => {
  await withNetwork(t, { members: 4, apart: true, options: ['--log-level', 'debug'] }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    await waitUntil('members know whom they can pass uploads on to', async () => {
      t.is((await client.upload('STOR /probe', randomBytes(400_000))).code, 226);
      return nextOf(a) === null ? 'no chain yet' : null;
    });
    const bytes = randomBytes(48_000_000);
    const data = await client.dataConnection();
    t.is((await client.command('STOR /film')).code, 150);
    const half = bytes.length / 2;
    await new Promise((resolve) => data.write(bytes.subarray(0, half), resolve));
    await waitUntil('half of it has come', async () => {
      const { text } = await client.command('STAT');
      return text.includes(`${half} bytes so far`) ? null : text;
    });
    const killed = network.member(nextOf(network.member(nextOf(a) ?? '')) ?? '');
    t.not(killed, a);
    await killed.process('ftp').kill9();
    data.end(bytes.subarray(half));
    const { code, text } = await client.reply();
    t.is(code, 226);
    t.true(text.includes('Stored on 3 of 4 members') && text.includes(`${killed.name} `), text);
    for (const member of network.members.filter((each) => each !== killed)) {
      t.true((await readFile(join(member.filesDir, 'film'))).equals(bytes), member.name);
    }
    client.destroy();
    await killed.startRole('ftp');
    await becomeIdentical(network.members);
    t.true((await readFile(join(killed.filesDir, 'film'))).equals(bytes));
    await assertIdentical(t, network.members);
  });
});
