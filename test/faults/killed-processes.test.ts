/** kill -9 of whole processes at moments nobody chose. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { assertIdentical, becomeIdentical, diskPicture } from '../network/compare.ts';
import { waitUntil } from '../network/wait-until.ts';
import { withNetwork } from '../network/with-network.ts';
import type { RawClient } from '../proxy/raw-client.ts';

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

test('a proxy killed in the middle of an upload leaves the old file on every member', async (t) => {
  await withNetwork(t, { members: 3, apart: true }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    t.is((await client.upload('STOR /file', 'the old one')).code, 226);
    await becomeIdentical(network.members);
    const data = await client.dataConnection();
    client.send('STOR /file\r\n');
    t.is((await client.reply()).code, 150);
    data.write(randomBytes(3_000_000));
    await pause(200);
    await a.process('proxy').kill9();
    for (const member of network.members) {
      t.deepEqual(await diskPicture(member.filesDir), [`/file file ${sha256('the old one')}`], member.name);
    }
    await a.startRole('proxy');
    await network.allInStep();
    const again = await a.login();
    t.is((await again.upload('STOR /file', 'the new one')).code, 226);
    await becomeIdentical(network.members);
    t.deepEqual(await diskPicture(a.filesDir), [`/file file ${sha256('the new one')}`]);
    again.destroy();
  });
});

test('a proxy killed while it commits leaves the old or the new file, the same on every member', async (t) => {
  await withNetwork(t, { members: 3, apart: true }, async (network) => {
    const a = network.member('a');
    let present = '';
    for (let round = 0; round < 6; round += 1) {
      const young = randomBytes(round % 2 === 0 ? 300_000 : 2_000);
      const client = await a.login();
      const sent = client.upload('STOR /file', young).then(
        ({ code }) => code === 226,
        () => false,
      );
      await pause(randomInt(5, 60));
      await a.process('proxy').kill9();
      const acknowledged = await sent;
      await a.startRole('proxy');
      await network.allInStep();
      await becomeIdentical(network.members);
      const [line = ''] = await diskPicture(a.filesDir);
      const possible = [`/file file ${sha256(young)}`, ...(acknowledged ? [] : [present])];
      t.true(possible.includes(line), `round ${round}: ${line}`);
      present = line;
    }
  });
});

/** Uploads file after file until told to stop; per path what may be there: the last acknowledged and what came after. */
async function keepUploading(
  open: () => Promise<RawClient>,
  prefix: string,
  stopped: AbortSignal,
): Promise<Map<string, string[]>> {
  const possible = new Map<string, string[]>();
  let client: RawClient | null = null;
  for (let count = 0; !stopped.aborted; count += 1) {
    const path = `/${prefix}-${count % 20}`;
    const bytes = randomBytes(count % 5 === 0 ? 150_000 : 300);
    const line = `${path} file ${sha256(bytes)}`;
    try {
      client ??= await open();
      const { code } = await client.upload(`STOR ${path}`, bytes);
      possible.set(path, code === 226 ? [line] : [...(possible.get(path) ?? ['']), line]);
    } catch {
      possible.set(path, [...(possible.get(path) ?? ['']), line]);
      client?.destroy();
      client = null;
      await pause(50);
    }
  }
  client?.destroy();
  return possible;
}

for (const role of ['ftp', 'proxy'] as const) {
  const what = role === 'ftp' ? 'the storage server' : 'the proxy';
  test(`no acknowledged file is lost when ${what} is killed again and again under load`, async (t) => {
    await withNetwork(t, { members: 2 }, async (network) => {
      const a = network.member('a');
      const stop = new AbortController();
      const sessions = ['w', 'x', 'y', 'z'].map((prefix) =>
        keepUploading(() => a.login(), prefix, stop.signal),
      );
      for (let kill = 0; kill < 5; kill += 1) {
        await pause(randomInt(300, 1200));
        let pid = 0;
        await waitUntil(`${role} runs`, () => {
          pid = a.childPid(role);
          return null;
        });
        process.kill(pid, 'SIGKILL');
        await waitUntil(`${role} is back`, () => (a.childPid(role) === pid ? 'the old one' : null));
      }
      await pause(1000);
      stop.abort();
      const possible = (await Promise.all(sessions)).flatMap((map) => [...map]);
      await network.allInStep();
      await becomeIdentical(network.members);
      const found = await diskPicture(a.filesDir);
      let acknowledged = 0;
      for (const [path, lines] of possible) {
        const line = found.find((each) => each.startsWith(`${path} `)) ?? '';
        t.true(lines.includes(line), `${path}: "${line}" is none of ${lines.join(', ')}`);
        if (lines.length === 1) acknowledged += 1;
      }
      t.log(`${possible.length} names, ${acknowledged} of them with one possible content`);
      t.true(acknowledged > 0);
      await assertIdentical(t, network.members);
    });
  });
}

test('a session goes on through the peers while its own storage server is dead, and all agree afterwards', async (t) => {
  await withNetwork(t, { members: 3, apart: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const client = await a.login();
    const old = randomBytes(200_000);
    t.is((await client.upload('STOR /old', old)).code, 226);
    t.is((await client.upload('STOR /doomed', 'x')).code, 226);
    await a.process('ftp').kill9();

    const read = await client.download('RETR /old');
    t.is(read.reply.code, 226, read.reply.text);
    t.true(read.bytes.equals(old));
    const young = randomBytes(150_000);
    const stored = await client.upload('STOR /young', young);
    t.is(stored.code, 226, stored.text);
    t.regex(stored.text, /Stored on 2 of 3 members, not on this one yet\./);
    t.is((await client.upload('STOR /small', 'inline')).code, 226);
    t.is((await client.upload('APPE /old', 'tail')).code, 226);
    t.is((await client.command('DELE /doomed')).code, 250);
    t.is((await client.command('MKD /folder')).code, 257);
    t.is((await client.command('RNFR /small')).code, 350);
    t.is((await client.command('RNTO /folder/small')).code, 250);
    const list = await client.download('NLST /');
    t.is(list.reply.code, 226);
    t.deepEqual(list.bytes.toString().split('\r\n').filter(Boolean).sort(), ['folder', 'old', 'young']);
    t.deepEqual((await client.download('RETR /young')).bytes, young);

    await a.startRole('ftp');
    await becomeIdentical(network.members);
    const full = await client.upload('STOR /young', 'back again');
    t.is(full.code, 226, full.text);
    t.is((await client.download('RETR /folder/small')).bytes.toString(), 'inline');
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
    t.true(
      (await diskPicture(b.filesDir)).includes(
        `/old file ${sha256(Buffer.concat([old, Buffer.from('tail')]))}`,
      ),
    );
    client.destroy();
  });
});
