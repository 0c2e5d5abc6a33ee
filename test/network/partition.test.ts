/** Members that cannot reach each other for a while. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { assertIdentical, becomeIdentical } from './compare.ts';
import { waitUntil } from './wait-until.ts';
import { type Network, withNetwork } from './with-network.ts';

async function separate(
  network: Network,
  wire: 'cut' | 'refused',
  ...names: readonly string[]
): Promise<void> {
  for (const name of names) for (const relay of network.wiresOf(name)) relay.set(wire);
}

async function heal(network: Network): Promise<void> {
  for (const member of network.members) for (const relay of network.wiresOf(member.name)) relay.set('open');
  await network.allInStep();
}

for (const wire of ['refused', 'cut'] as const) {
  const how = wire === 'cut' ? 'hear nothing of each other' : 'refuse each other';
  test(`a name written through two members that ${how} ends as one winner and one conflict copy on all three`, async (t) => {
    await withNetwork(t, { members: 3, wires: true }, async (network) => {
      const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
      const viaA = await a.login();
      t.is((await viaA.upload('STOR /report.txt', 'the base')).code, 226);
      await becomeIdentical(network.members);
      await separate(network, wire, 'a', 'b', 'c');
      const viaB = await b.login();
      const [fromA, fromB] = [randomBytes(50_000), randomBytes(60_000)];
      const [sentA, sentB] = await Promise.all([
        viaA.upload('STOR /report.txt', fromA),
        viaB.upload('STOR /report.txt', fromB),
      ]);
      t.is(sentA.code, 226, sentA.text);
      t.is(sentB.code, 226, sentB.text);
      // The same bytes under a new name on both sides.
      t.is((await viaA.upload('STOR /both-new.txt', 'from a')).code, 226);
      t.is((await viaB.upload('STOR /both-new.txt', 'from a')).code, 226);
      viaA.destroy();
      viaB.destroy();
      await heal(network);
      await becomeIdentical(network.members);
      const names = readdirSync(c.filesDir).filter((name) => name !== '.cloudroid');
      const copies = names.filter((name) => /^report\.conflict-.*\.txt$/.test(name));
      t.is(copies.length, 1, names.join('\n'));
      t.deepEqual(
        names.sort(),
        ['both-new.txt', copies[0] ?? '', 'report.txt'].sort(),
        'equal bytes make no copy',
      );
      const contents = ['report.txt', copies[0] ?? ''].map((name) => readFileSync(join(c.filesDir, name)));
      const winner = contents[0]?.equals(fromA) === true ? fromA : fromB;
      t.true(contents[0]?.equals(winner));
      t.true(
        contents[1]?.equals(winner === fromA ? fromB : fromA),
        'the copy holds what the other side wrote',
      );
      await assertIdentical(t, network.members);
      // The copy is a file like any other.
      const client = await c.login();
      t.is((await client.command(`DELE /${copies[0]}`)).code, 250);
      client.destroy();
      await becomeIdentical(network.members);
      t.deepEqual(
        readdirSync(a.filesDir)
          .filter((name) => name !== '.cloudroid')
          .sort(),
        ['both-new.txt', 'report.txt'],
      );
    });
  });
}

test('a file deleted on one side of a cut and rewritten on the other survives with the new content', async (t) => {
  await withNetwork(t, { members: 2, wires: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const [viaA, viaB] = [await a.login(), await b.login()];
    for (const name of ['one', 'two']) t.is((await viaA.upload(`STOR /${name}`, 'base')).code, 226);
    t.is((await viaA.command('MKD /folder')).code, 257);
    t.is((await viaA.upload('STOR /folder/old', 'base')).code, 226);
    await becomeIdentical(network.members);
    await separate(network, 'refused', 'a', 'b');
    t.is((await viaA.command('DELE /one')).code, 250);
    t.is((await viaB.upload('STOR /one', 'rewritten by b')).code, 226);
    t.is((await viaB.command('DELE /two')).code, 250);
    t.is((await viaA.upload('STOR /two', 'rewritten by a')).code, 226);
    // A folder renamed on one side while something new is put into it on the other: nothing inside is lost.
    t.is((await viaA.command('RNFR /folder')).code, 350);
    t.is((await viaA.command('RNTO /renamed')).code, 250);
    t.is((await viaB.upload('STOR /folder/new', 'new in the old folder')).code, 226);
    await heal(network);
    await becomeIdentical(network.members);
    const read = (path: string): string => readFileSync(join(b.filesDir, path), 'utf8');
    t.is(read('one'), 'rewritten by b');
    t.is(read('two'), 'rewritten by a');
    t.is(read('renamed/old'), 'base');
    t.is(read('folder/new'), 'new in the old folder');
    t.deepEqual(readdirSync(join(b.filesDir, 'folder')), ['new']);
    viaA.destroy();
    viaB.destroy();
  });
});

test('an upload while a wire is cut in its middle is stored by the others and caught up after', async (t) => {
  await withNetwork(t, { members: 3, wires: true }, async (network) => {
    const a = network.member('a');
    const bytes = randomBytes(6_000_000);
    const viaA = await a.login();
    const data = await viaA.dataConnection();
    viaA.send('STOR /half-way\r\n');
    t.is((await viaA.reply()).code, 150);
    const before = ['b', 'c'].map((name) => ({ name, passed: network.wire('a', name).passed }));
    data.write(bytes.subarray(0, 3_000_000));
    // The chain begins with either of them; the other one is fed by that one, until the cut.
    let first = '';
    await waitUntil('one of them has got something of it', () => {
      first =
        before.find(({ name, passed }) => network.wire('a', name).passed > passed + 500_000)?.name ?? '';
      return first === '' ? 'not yet' : null;
    });
    const cut = network.member(first);
    network.wire('a', first).set('cut');
    data.end(bytes.subarray(3_000_000));
    const stored = await viaA.reply();
    t.is(stored.code, 226, stored.text);
    t.regex(stored.text, /Stored on 2 of 3 members/);
    // The one cut off may have pulled it from the third by now: then whole.
    for (const name of readdirSync(cut.filesDir).filter((each) => each !== '.cloudroid')) {
      t.true(
        readFileSync(join(cut.filesDir, name)).equals(bytes),
        `no half file on the one cut off: ${name}`,
      );
    }
    network.wire('a', first).set('open');
    await becomeIdentical(network.members);
    t.true(readFileSync(join(cut.filesDir, 'half-way')).equals(bytes));
    viaA.destroy();
  });
});
