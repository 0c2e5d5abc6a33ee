/** What is wrong before a member can work: each time a message that names the thing and what to do, and nothing lost. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CloudroidProcess } from '../network/child.ts';
import { assertIdentical, becomeIdentical, diskPicture } from '../network/compare.ts';
import type { Member } from '../network/member.ts';
import { hasProgram } from '../network/program.ts';
import { waitUntil } from '../network/wait-until.ts';
import { type Network, withNetwork } from '../network/with-network.ts';

async function withTwoFiles(network: Network): Promise<void> {
  const client = await network.member('a').login();
  for (const name of ['one', 'two']) {
    const reply = await client.upload(`STOR /${name}`, `content of ${name}`);
    if (reply.code !== 226) throw new Error(reply.text);
  }
  client.destroy();
}

/** Starts `run`; it may end by itself or go on without writing. */
async function startAnyhow(member: Member): Promise<void> {
  await Promise.race([member.start().catch(() => undefined), member.process('run').ended]);
}

test.serial(
  'a damaged catalog is told and moved aside, and its member rebuilds it by itself without fetching a byte',
  async (t) => {
    await withNetwork(t, { members: 2 }, async (network) => {
      const [a, b] = [network.member('a'), network.member('b')];
      await withTwoFiles(network);
      await becomeIdentical(network.members);
      await a.stop();
      const tree = await diskPicture(b.filesDir);
      const catalog = join(a.stateDir, 'catalog.sqlite');
      const bytes = readFileSync(catalog);
      const damaged = Buffer.concat([
        Buffer.alloc(bytes.length / 2, 'garbage'),
        bytes.subarray(bytes.length / 2),
      ]);
      writeFileSync(catalog, damaged);
      await a.start();
      await waitUntil('the damage is told', () =>
        a.log().includes(`${catalog} is damaged`) && /moved aside/.test(a.log()) ? null : a.log(),
      );
      await network.allInStep();
      await becomeIdentical(network.members);
      await waitUntil('it takes writes again', async () => (await a.status()).hello.readOnly);
      t.deepEqual(await diskPicture(a.filesDir), tree);
      const aside = readdirSync(a.stateDir).find((name) => /\.damaged-[\dTZ]+$/.test(name)) ?? '';
      t.true(readFileSync(join(a.stateDir, aside)).equals(damaged));
      await assertIdentical(t, network.members);
    });
  },
);

test.serial(
  'a member whose volume is not mounted says so, takes no writes, and deletes nothing anywhere',
  async (t) => {
    await withNetwork(t, { members: 2 }, async (network) => {
      const [a, b] = [network.member('a'), network.member('b')];
      await withTwoFiles(network);
      await becomeIdentical(network.members);
      await a.stop();
      const tree = await diskPicture(b.filesDir);
      const away = join(network.folder, 'unmounted');
      renameSync(a.filesDir, away);
      mkdirSync(a.filesDir);
      await startAnyhow(a);
      await waitUntil('it names the volume and what to do', () =>
        a.log().includes(a.filesDir) && /not mounted/.test(a.log()) && /mount it/.test(a.log())
          ? null
          : a.log(),
      );
      if (a.runs('run')) {
        const client = await a.login();
        // From the peer, as soon as the proxy has found it.
        await waitUntil('the file is read from the peer', async () => {
          const { reply: said, bytes } = await client.download('RETR /one');
          return bytes.toString() === 'content of one' && said.code === 226 ? null : said.text;
        });
        const reply = await client.upload('STOR /three', 'x'.repeat(100_000));
        // The peer may take it; this disk must not.
        t.true(reply.code === 226 ? /not on this one/.test(reply.text) : reply.code === 451, reply.text);
        client.destroy();
      }
      t.deepEqual(
        (await diskPicture(a.filesDir)).filter((line) => !line.startsWith('/.cloudroid')),
        [],
      );
      await a.stop();
      t.deepEqual(
        (await diskPicture(b.filesDir)).filter((line) => !line.startsWith('/three')),
        tree,
      );
      rmSync(a.filesDir, { recursive: true });
      renameSync(away, a.filesDir);
      await a.start();
      await network.allInStep();
      await becomeIdentical(network.members);
      await assertIdentical(t, network.members);
      t.is(readFileSync(join(a.filesDir, 'two'), 'utf8'), 'content of two');
    });
  },
);

test.serial('a busy port ends the start with one line that names the port and the option', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const a = network.member('a');
    for (const [option, port] of [
      ['--listen', a.port],
      ['--storage-listen', a.storagePort],
    ] as const) {
      const args = ['run', ...a.args, '--data', join(network.folder, 'second'), option, `${a.host}:${port}`];
      const other = option === '--listen' ? '--storage-listen' : '--listen';
      const second = new CloudroidProcess([...args, other, `${a.host}:${port + 5000}`]);
      const { status, output } = await second.ended;
      t.is(status, 69, output);
      t.true(output.includes(String(port)) && output.includes(option), output);
      t.is(output.trim().split('\n').length, 1, output);
    }
    const again = new CloudroidProcess([
      'ftp',
      ...a.args,
      '--storage-listen',
      `${a.host}:${a.storagePort + 5000}`,
    ]);
    const { status, output } = await again.ended;
    t.not(status, 0);
    t.regex(output, /[Aa]nother|already|in use/, 'two storage servers on one catalog');
    await withTwoFiles(network);
  });
});

test.serial('a data folder without permission is named with what to do', async (t) => {
  if (process.getuid?.() !== 0 || !hasProgram(t, 'setpriv')) {
    if (process.getuid?.() !== 0) {
      t.log('skipped: only root can become somebody else');
      t.pass();
    }
    return;
  }
  await withNetwork(t, { members: 1, idle: true }, async (network) => {
    const a = network.member('a');
    chmodSync(network.folder, 0o755);
    chmodSync(a.folder, 0o755);
    a.writePeers([]);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const { status, output } = await new CloudroidProcess(['run', ...a.args], {}, nobody).ended;
    t.is(status, 77, output);
    t.true(output.includes(join(a.folder, 'data')), output);
    t.regex(output, /permission|EACCES/i);
    t.regex(output, /--data|rights/);
    // The same in a running member: somebody took the folder's rights away.
    mkdirSync(join(a.folder, 'data'));
    for (const path of [network.folder, a.folder, join(a.folder, 'data')]) chownSync(path, 65_534, 65_534);
    await a.startRole('ftp', {}, nobody);
    await a.startRole('proxy', {}, nobody);
    await a.ready(1);
    const client = await a.login();
    t.is((await client.upload('STOR /file', 'old')).code, 226);
    chownSync(a.filesDir, 0, 0);
    chmodSync(a.filesDir, 0o755);
    const refused = await client.upload('STOR /other', 'new');
    t.true(refused.code >= 400, refused.text);
    t.is((await client.download('RETR /file')).bytes.toString(), 'old');
    t.false(existsSync(join(a.filesDir, 'other')));
    chownSync(a.filesDir, 65_534, 65_534);
    await a.process('ftp').stop();
    await a.startRole('ftp', {}, nobody);
    await a.ready(1);
    t.is((await client.upload('STOR /file', 'new')).code, 226);
    t.is((await client.download('RETR /file')).bytes.toString(), 'new');
    client.destroy();
  });
});
