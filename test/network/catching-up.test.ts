/** A member that was off catches up by itself, and nothing deleted comes back. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RawClient } from '../proxy/raw-client.ts';
import { assertIdentical, becomeIdentical, catalogPicture, diskPicture } from './compare.ts';
import { withNetwork } from './with-network.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends a line and wants that code. */
async function say(client: RawClient, line: string, code: number): Promise<string> {
  const reply = await client.command(line);
  if (reply.code !== code) throw new Error(`${line}: ${reply.text}`);
  return reply.text;
}

async function put(
  client: RawClient,
  path: string,
  bytes: Uint8Array | string,
  verb = 'STOR',
): Promise<string> {
  const reply = await client.upload(`${verb} ${path}`, bytes);
  if (reply.code !== 226) throw new Error(`${verb} ${path}: ${reply.text}`);
  return reply.text;
}

async function rename(client: RawClient, from: string, to: string): Promise<void> {
  await say(client, `RNFR ${from}`, 350);
  await say(client, `RNTO ${to}`, 250);
}

test('a member that was off during every kind of change is identical within 30 s of its return, for good', async (t) => {
  await withNetwork(t, { members: 3 }, async (network) => {
    const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
    const viaA = await a.login();
    for (const folder of ['/stays', '/goes', '/goes/deep', '/moves', '/moves/inner'])
      await say(viaA, `MKD ${folder}`, 257);
    const large = randomBytes(2_000_000);
    const kept = randomBytes(100_000);
    t.regex(await put(viaA, '/stays/kept', kept), /Stored on 3 of 3 members\./);
    await put(viaA, '/stays/overwritten', 'old');
    await put(viaA, '/stays/overwritten-large', large);
    await put(viaA, '/stays/appended', kept);
    await put(viaA, '/stays/deleted', 'to be deleted');
    await put(viaA, '/goes/deep/inside', 'also to be deleted');
    await put(viaA, '/moves/inner/file', large);
    await put(viaA, '/moves/other', 'renamed with its folder');
    await put(viaA, '/becomes-folder', 'a file first');
    await put(viaA, '/single', 'renamed alone');
    await assertIdentical(t, network.members);
    const before = await diskPicture(c.filesDir);

    await c.stop();
    const newLarge = randomBytes(3_000_000);
    t.regex(
      await put(viaA, '/new-large', newLarge),
      /Stored on 2 of 3 members \(c is (away|behind) and will catch up\)\./,
    );
    viaA.destroy();
    // Through both that are left, so that the third has to learn from both.
    const [nearA, nearB] = [await a.login(), await b.login()];
    await put(nearB, '/stays/overwritten', 'new');
    await put(nearA, '/stays/overwritten-large', randomBytes(1_500_000));
    await put(nearB, '/stays/appended', 'tail', 'APPE');
    await say(nearA, 'DELE /stays/deleted', 250);
    await say(nearB, 'DELE /goes/deep/inside', 250);
    await say(nearA, 'RMD /goes/deep', 250);
    await say(nearB, 'RMD /goes', 250);
    await rename(nearA, '/moves', '/moved');
    await rename(nearB, '/single', '/moved/single');
    await say(nearA, 'DELE /becomes-folder', 250);
    await say(nearB, 'MKD /becomes-folder', 257);
    await put(nearA, '/becomes-folder/inside', 'now a folder');
    await put(nearB, '/short-lived', 'gone before c returns');
    await say(nearA, 'DELE /short-lived', 250);
    await say(nearB, 'MKD /empty-folder', 257);
    await put(nearB, '/empty-file', '');
    for (let count = 0; count < 120; count += 1)
      await put(count % 2 === 0 ? nearA : nearB, `/stays/many-${count}`, `${count}`);
    t.deepEqual(await diskPicture(c.filesDir), before, 'nobody touches the disk of a member that is off');

    await c.start();
    await becomeIdentical(network.members, 30_000);
    await assertIdentical(t, network.members);
    const tree = await diskPicture(c.filesDir);
    t.true(tree.includes(`/moved/inner/file file ${sha256(large)}`));
    t.true(tree.includes(`/stays/appended file ${sha256(Buffer.concat([kept, Buffer.from('tail')]))}`));
    t.true(tree.includes(`/new-large file ${sha256(newLarge)}`));
    t.true(tree.includes('/becomes-folder directory'));
    t.true(tree.includes('/empty-folder directory'));
    t.deepEqual(
      tree.filter((line) => /^\/(goes|moves|single|short-lived|stays\/deleted)/.test(line)),
      [],
    );
    t.deepEqual(
      tree.filter((line) => line.includes('.conflict-')),
      [],
      'nothing here was concurrent',
    );

    await Promise.all(network.members.map((member) => member.stop()));
    await network.startAll();
    await becomeIdentical(network.members);
    t.deepEqual(await diskPicture(c.filesDir), tree, 'the same after a restart of everything');
    t.deepEqual(await diskPicture(a.filesDir), tree);
  });
});

test('a file deleted while its last writer was off does not come back with it', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const viaB = await b.login();
    await put(viaB, '/from-b', 'written by b');
    viaB.destroy();
    await becomeIdentical(network.members);
    await b.stop();
    const viaA = await a.login();
    await say(viaA, 'DELE /from-b', 250);
    viaA.destroy();
    await a.stop();
    // The one that never heard of the deletion is alone first.
    await b.start();
    t.true(existsSync(join(b.filesDir, 'from-b')));
    await a.start();
    await network.allInStep();
    await becomeIdentical(network.members);
    t.false(existsSync(join(a.filesDir, 'from-b')));
    t.false(existsSync(join(b.filesDir, 'from-b')));
    t.true(
      catalogPicture(b).some((line) => line.startsWith('/from-b kind 0 ')),
      'its tombstone is kept',
    );
  });
});

test('two members that were on one after the other, never together, agree when they meet', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    await b.stop();
    const viaA = await a.login();
    await put(viaA, '/a-only', randomBytes(200_000));
    await say(viaA, 'MKD /both', 257);
    await put(viaA, '/both/from-a', 'a');
    viaA.destroy();
    await a.stop();
    await b.start();
    const viaB = await b.login();
    await put(viaB, '/b-only', randomBytes(200_000));
    await say(viaB, 'MKD /both', 257);
    await put(viaB, '/both/from-b', 'b');
    viaB.destroy();
    await a.start();
    await becomeIdentical(network.members);
    const names = (await diskPicture(a.filesDir)).map((line) => line.split(' ')[0]);
    t.deepEqual(names, ['/a-only', '/b-only', '/both', '/both/from-a', '/both/from-b']);
  });
});
