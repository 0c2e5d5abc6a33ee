/** The commands that look after a member, on members that run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Finished, runToEnd } from '../cli/member-process.ts';
import { assertIdentical, becomeIdentical } from './compare.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { type Network, withNetwork } from './with-network.ts';

async function cloudroid(member: Member, ...words: string[]): Promise<Finished> {
  return await runToEnd([...words, ...member.args]);
}

async function said(t: ExecutionContext, member: Member, ...words: string[]): Promise<string> {
  const { status, stdout, stderr } = await cloudroid(member, ...words);
  t.is(status, 0, `${words.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

async function upload(member: Member, path: string, text: string): Promise<void> {
  const client = await member.login();
  const reply = await client.upload(`STOR ${path}`, text);
  client.destroy();
  if (reply.code !== 226) throw new Error(reply.text);
}

function onDisk(member: Member, path: string): string | null {
  try {
    return readFileSync(join(member.filesDir, path), 'utf8');
  } catch {
    return null;
  }
}

async function comesTo(network: Network, path: string, text: string | null): Promise<void> {
  for (const member of network.members) {
    await waitUntil(`${path} on ${member.name}`, () => {
      const found = onDisk(member, path);
      return found === text ? null : `it is ${JSON.stringify(found)}`;
    });
  }
}

/** Two members that do not know of each other yet, each with a file of the same name. */
async function twoStrangers(t: ExecutionContext, body: (network: Network) => Promise<void>): Promise<void> {
  // No round comes by itself: what the commands change arrives because they ask for it.
  const options = { members: 2, idle: true, options: ['--sweep', '0 0 1 1 *'] };
  await withNetwork(t, options, async (network) => {
    for (const member of network.members) {
      member.writePeers([]);
      await member.start();
      await member.ready(1);
      await upload(member, '/f.txt', `of ${member.name}`);
    }
    await body(network);
  });
}

test('members that are added find each other; a conflict is listed, one side kept, and the other comes back', async (t) => {
  await twoStrangers(t, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const addressOfB = network.addressOf(b, a);
    t.regex(await said(t, a, 'peers', 'add', addressOfB), /is in .*PEERS\.txt now/);
    t.regex(await said(t, b, 'peers', 'add', network.addressOf(a, b)), /is in .*PEERS\.txt now/);
    const again = await cloudroid(a, 'peers', 'add', addressOfB);
    t.is(again.status, 1);
    t.regex(again.stderr, /stays as it is: .* is there already, in line 1\./);
    await network.allInStep();
    await becomeIdentical(network.members);

    const listed = await said(t, a, 'conflicts');
    t.regex(listed, /^\/f\.txt {2}\(4 bytes, changed /m);
    t.is(listed, await said(t, b, 'conflicts', 'list'));
    const [copy = ''] = /\/f\.conflict-\S+/.exec(listed) ?? [];
    const wanted = onDisk(a, copy);
    const other = onDisk(a, 'f.txt');
    t.deepEqual([wanted, other].sort(), ['of a', 'of b']);

    t.regex(
      await said(t, b, 'conflicts', 'keep', copy),
      /^Kept .* as \/f\.txt\. In the trash now: the file that had its name\.\n.*fetches it now/,
    );
    await comesTo(network, 'f.txt', wanted);
    await comesTo(network, copy, null);
    t.is(await said(t, a, 'conflicts'), 'No conflicts.\n');
    t.regex(await said(t, b, 'conflicts', 'keep', copy), /^Nothing to do: \/f\.txt has no conflict copies/);
    t.is((await cloudroid(b, 'conflicts', 'keep', '/nothing')).status, 1);

    const trash = await said(t, b, 'trash');
    const [, id = ''] = /^(\w+) .* replaced +\/f\.txt$/m.exec(trash) ?? [];
    const taken = await cloudroid(b, 'trash', 'restore', id);
    t.is(taken.status, 1);
    t.regex(taken.stderr, /There is a file \/f\.txt now\. --to PATH/);
    t.regex(
      await said(t, b, 'trash', 'restore', id, '--to', 'back/f.txt'),
      /^Restored \/back\/f\.txt \(4 bytes\)\.\nThe other member fetches it now\.\n$/,
    );
    await comesTo(network, 'back/f.txt', other);
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
  });
});

test('what a client deletes comes back from the trash of any member, until it is emptied', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    await upload(a, '/gone.txt', 'still wanted');
    const client = await a.login();
    t.is((await client.command('DELE /gone.txt')).code, 250);
    client.destroy();
    await comesTo(network, 'gone.txt', null);
    const [, id = ''] = /^(\w+) .* deleted +\/gone\.txt$/m.exec(await said(t, b, 'trash', 'list')) ?? [];
    t.regex(await said(t, b, 'trash', 'restore', id), /^Restored \/gone\.txt/);
    await comesTo(network, 'gone.txt', 'still wanted');
    t.is(await said(t, b, 'trash'), 'The trash is empty.\n');
    t.regex(await said(t, a, 'trash'), /deleted +\/gone\.txt$/m, 'each member has a trash of its own');

    const unsure = await cloudroid(a, 'trash', 'empty');
    t.is(unsure.status, 64, 'nobody was there to be asked');
    t.regex(await said(t, a, 'trash', 'empty', '--yes'), /^Removed 1 file, 12 bytes\.$/m);
    t.is(await said(t, a, 'trash'), 'The trash is empty.\n');
    await assertIdentical(t, network.members);
  });
});

test('a member taken out of PEERS.txt is told as met before', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    t.regex(await said(t, a, 'peers', 'remove', network.addressOf(b, a)), /is no longer in/);
    t.is(readFileSync(a.peersFile, 'utf8'), '');
    const { hello } = await b.status();
    t.regex(await said(t, a, 'peers'), new RegExp(`Met before, but .*\\n {2}${hello.member}\\n`));
    const own = await cloudroid(b, 'peers', 'retire', hello.member, '--yes');
    t.is(own.status, 64);
    t.regex(own.stderr, /is this very member/);
  });
});

test('a dry run tells what is missing here and changes nothing; a sweep by hand then fetches it', async (t) => {
  await withNetwork(t, { members: 2, idle: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    for (const member of [a, b]) {
      member.writePeers([]);
      await member.start();
      await member.ready(1);
    }
    await upload(a, '/only-at-a.txt', 'not at b');
    // Only the command knows of a: b itself does not fetch anything by itself.
    const list = join(network.folder, 'list-of-the-command.txt');
    writeFileSync(list, `${network.addressOf(a, b)}\n`);
    const byHand = (...switches: string[]) =>
      runToEnd(['sweep', '--once', ...switches, ...b.args, '--peers', list]);
    const dry = await byHand('--dry-run');
    t.is(dry.status, 1, dry.stdout + dry.stderr);
    t.regex(dry.stdout, /^Dry run, nothing was changed: .*1 difference LEFT/m);
    t.is(onDisk(b, 'only-at-a.txt'), null);
    const real = await byHand('--scrub');
    t.is(real.status, 0, real.stdout + real.stderr);
    t.regex(real.stdout, /^Sweep: .*1 file fetched \(8 bytes\)/m);
    t.false(real.stdout.includes('\u001b'), 'no control characters where no terminal is');
    t.is(onDisk(b, 'only-at-a.txt'), 'not at b');
    t.is((await byHand('--dry-run')).status, 0);
  });
});
