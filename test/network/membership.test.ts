/** Who belongs to the network, and what a stranger gets. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import test from 'ava';
import type { StatusReply } from '../../src/peers/protocol-reports.ts';
import { CloudroidProcess } from './child.ts';
import { assertIdentical, becomeIdentical, diskPicture } from './compare.ts';
import { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

test('a member added to PEERS.txt of running members joins without a restart and gets everything', async (t) => {
  await withNetwork(t, { members: 3, idle: true }, async (network) => {
    const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
    a.writePeers([network.addressOf(b, a)]);
    b.writePeers([network.addressOf(a, b)]);
    await a.start();
    await b.start();
    await Promise.all([a.ready(2), b.ready(2)]);
    const viaA = await a.login();
    t.regex((await viaA.upload('STOR /before', 'before c')).text, /Stored on 2 of 2 members\./);
    a.writePeers([
      'this is no address !',
      network.addressOf(b, a),
      network.addressOf(c, a),
      network.addressOf(a, a),
    ]);
    b.writePeers([network.addressOf(a, b), network.addressOf(c, b)]);
    await c.start();
    await network.allInStep();
    await becomeIdentical(network.members);
    t.regex((await viaA.upload('STOR /after', 'with c')).text, /Stored on 3 of 3 members\./);
    await assertIdentical(t, network.members);
    t.regex(a.log(), /a line of the list of peers is left out.*line=1\b/, 'the bad line is named');
    viaA.destroy();
  });
});

test('a member started again on its data keeps its name, its files and its place in the network', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const viaA = await a.login();
    t.is((await viaA.upload('STOR /file', 'content')).code, 226);
    viaA.destroy();
    const [before, tree] = [await a.status(), await diskPicture(a.filesDir)];
    const ended = await a.stop();
    t.is(ended[0]?.status, 0, 'SIGTERM is an orderly end');
    await a.start();
    await network.allInStep();
    const after = await a.status();
    t.is(after.hello.member, before.hello.member);
    t.is(after.hello.store, before.hello.store);
    t.not(after.hello.incarnation, before.hello.incarnation);
    t.deepEqual(await diskPicture(a.filesDir), tree);
    const viaB = await b.login();
    t.regex((await viaB.upload('STOR /file', 'again')).text, /Stored on 2 of 2 members\./);
    viaB.destroy();
    await assertIdentical(t, network.members);
  });
});

test('status --json tells of every member and its state', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const a = network.member('a');
    // The proxy tells its storage server every few seconds how it sees the others.
    await waitUntil('it tells of two members in step', async () => {
      const { status, output } = await new CloudroidProcess(['status', '--json', ...a.args]).ended;
      if (status !== 0) return output;
      const said = JSON.parse(output) as Pick<StatusReply, 'hello' | 'proxy'>;
      t.is(said.hello.name, 'a');
      const states = said.proxy?.members.map(({ state }) => state) ?? [];
      return states.join() === 'in step,in step' ? null : output;
    });
  });
});

test('a member with another network key is refused by both sides, and both say what to do', async (t) => {
  await withNetwork(t, { members: 2, idle: true }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const stranger = new Member({
      name: 'stranger',
      folder: join(network.folder, 'stranger'),
      host: b.host,
      firstPort: b.port,
      keyFile: join(network.folder, 'another.key'),
      options: [],
    });
    t.teardown(() => stranger.stop());
    // Each begins a network of its own: who never met the others lets nobody in.
    a.writePeers([]);
    await a.start();
    await stranger.start();
    const viaA = await a.login();
    const viaStranger = await stranger.login();
    a.writePeers([network.addressOf(b, a)]);
    stranger.writePeers([network.addressOf(a, b)]);
    t.is((await viaA.upload('STOR /of-a', 'secret')).code, 226);
    t.is((await viaStranger.upload('STOR /of-stranger', 'other')).code, 226);
    await waitUntil('a says that the key is another one', async () => {
      const { proxy } = await a.status();
      const seen = proxy?.members.find(({ address }) => address !== 'this member');
      return seen?.state === 'refused' && /key/i.test(seen.reason ?? '') ? null : JSON.stringify(seen);
    });
    await waitUntil('both logs name the network key', () =>
      /network key/i.test(a.log()) && /network key/i.test(stranger.log()) ? null : 'not yet',
    );
    t.is((await viaA.command('SIZE /of-stranger')).code, 550);
    t.is((await viaStranger.command('SIZE /of-a')).code, 550);
    viaA.destroy();
    viaStranger.destroy();
  });
});

test('a stranger without a key gets no further than the handshake of the storage port', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const a = network.member('a');
    const plain = await new Promise<string>((resolve) => {
      const socket = connect({ host: a.host, port: a.storagePort });
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.once('connect', () => socket.write('USER guest\r\nPASS guest\r\nSITE HELLO\r\n'));
      socket.once('close', () => resolve(heard));
    });
    t.false(/\d{3}[ -]/.test(plain), `no FTP in the clear: ${JSON.stringify(plain)}`);
    const shaken = await new Promise<string>((resolve) => {
      const socket = tlsConnect({ host: a.host, port: a.storagePort, rejectUnauthorized: false });
      let heard = '';
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      socket.on('error', () => undefined);
      socket.once('secureConnect', () => socket.write('USER x\r\nSITE HELLO\r\n'));
      socket.once('close', () => resolve(heard));
    });
    t.is(shaken, '', 'not a word to a TLS client without a certificate');
    t.is((await a.status()).hello.name, 'a', 'and the member lives on');
  });
});

test('PEERS.txt with only bad lines leaves a member alone but working', async (t) => {
  await withNetwork(t, { members: 1, idle: true }, async (network) => {
    const a = network.member('a');
    writeFileSync(a.peersFile, '# comment\n\n[::1\nhost:99999\n');
    await a.start();
    const client = await a.login();
    const stored = await client.upload('STOR /alone', 'x');
    t.is(stored.text, '226 Stored (1 of 1 members).');
    t.regex(a.log(), /line=3\b/);
    t.regex(a.log(), /line=4\b/);
    client.destroy();
  });
});
