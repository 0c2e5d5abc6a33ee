/** A member that loses its catalog while the others go on: nothing on its disk is fetched, lost, or brought back. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RawClient } from '../proxy/raw-client.ts';
import { CloudroidProcess } from './child.ts';
import { assertIdentical, becomeIdentical, diskPicture } from './compare.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function put(client: RawClient, path: string, bytes: Uint8Array | string): Promise<void> {
  const reply = await client.upload(`STOR ${path}`, bytes);
  if (reply.code !== 226) throw new Error(`${path}: ${reply.text}`);
}

async function remove(client: RawClient, path: string): Promise<void> {
  const reply = await client.command(`DELE ${path}`);
  if (reply.code !== 250) throw new Error(`${path}: ${reply.text}`);
}

/** What its sweeps fetched since it was started last. */
function fetchedBytes(member: Member): number {
  const { output } = member.process('run');
  return [...output.matchAll(/swept\b.*\bbytes=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

async function takesWrites(member: Member): Promise<void> {
  await waitUntil(`${member.name} takes writes`, async () => (await member.status()).hello.readOnly, {
    withinMs: 60_000,
  });
}

test('a member that lost its catalog has it again, with all that only it had and nothing that was deleted', async (t) => {
  await withNetwork(t, { members: 3 }, async (network) => {
    const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
    const viaA = await a.login();
    const [large, changed, only] = [randomBytes(3_000_000), randomBytes(400_000), randomBytes(500_000)];
    await viaA.command('MKD /folder');
    await put(viaA, '/large', large);
    await put(viaA, '/folder/changed.bin', randomBytes(1_000_000));
    await put(viaA, '/deleted', randomBytes(600_000));
    await put(viaA, '/small', 'small');
    await becomeIdentical(network.members);
    await Promise.all([b.stop(), c.stop()]);
    await put(viaA, '/only-a-has-it', only);
    viaA.destroy();
    const old = (await a.status()).hello.store;
    await a.stop();

    await Promise.all([b.start(), c.start()]);
    await Promise.all([b.ready(2), c.ready(2)]);
    const viaB = await b.login();
    await remove(viaB, '/deleted');
    await put(viaB, '/folder/changed.bin', changed);
    for (const end of ['', '-wal', '-shm']) rmSync(join(a.stateDir, `catalog.sqlite${end}`), { force: true });
    await a.start();
    await takesWrites(a);
    await network.allInStep();
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);

    t.not((await a.status()).hello.store, old);
    t.is(fetchedBytes(a), changed.length, 'only what it lacked');
    t.true(readFileSync(join(c.filesDir, 'only-a-has-it')).equals(only));
    t.false(existsSync(join(b.filesDir, 'deleted')));
    t.true(readFileSync(join(b.filesDir, 'folder/changed.bin')).equals(changed));
    const tree = await diskPicture(a.filesDir);
    t.true(tree.includes(`/large file ${sha256(large)}`));
    t.is(tree.filter((line) => / file /.test(line)).length, 5, 'its old version is kept beside the new one');
    t.true(tree.some((line) => /^\/folder\/changed\.recovered-\d{8}T\d{6}\.\d{3}Z\.bin file /.test(line)));
    viaB.destroy();
  });
});

test('a member that is rebuilt alone waits until the operator says so', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    await put(client, '/file', 'content');
    await a.stop();
    client.destroy();
    rmSync(join(a.stateDir, 'catalog.sqlite'));
    await a.start();
    await waitUntil('it says what it waits for', async () => {
      const { readOnly } = (await a.status()).hello;
      return /cloudroid disk rebuild --alone/.test(readOnly ?? '') ? null : String(readOnly);
    });
    // The accounts were in the catalog: nobody is let in as a guest for want of it.
    await t.throwsAsync(a.login(), { message: /421 Nobody can log in at the moment/ });
    const command = new CloudroidProcess(['disk', 'rebuild', '--alone', ...a.args]);
    t.is((await command.ended).status, 0, command.output);
    await takesWrites(a);
    const again = await a.login();
    await put(again, '/other', 'x');
    const { bytes } = await again.download('RETR /file');
    t.is(bytes.toString(), 'content');
    again.destroy();
  });
});

test('a catalog that is damaged while its member runs is rebuilt by a new process', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const viaB = await b.login();
    await put(viaB, '/file', 'content');
    await becomeIdentical(network.members);
    const before = a.childPid('ftp');
    for (const end of ['', '-wal']) {
      const file = join(a.stateDir, `catalog.sqlite${end}`);
      writeFileSync(file, Buffer.alloc(statSync(file).size, 0x5a), { flag: 'r+' });
    }
    // What b misses it reads from the catalog.
    await (await network.member('a').login()).command('NOOP');
    const sweep = new CloudroidProcess(['sweep', '--once', ...b.args]);
    await sweep.ended;
    await waitUntil('a new process', () => (a.childPid('ftp') === before ? 'still the old one' : null));
    t.regex(a.log(), /ALARM: the catalog is damaged/);
    await takesWrites(a);
    await network.allInStep();
    await put(viaB, '/more', 'more');
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
    t.true(readdirSync(a.stateDir).some((name) => name.startsWith('catalog.sqlite.damaged-')));
    viaB.destroy();
  });
});

test('a new, empty disk is filled again when the operator says that it is one', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const viaB = await b.login();
    await put(viaB, '/file', 'content');
    await becomeIdentical(network.members);
    await a.stop();
    rmSync(a.filesDir, { recursive: true });
    const command = new CloudroidProcess(['disk', 'accept', ...a.args]);
    t.is((await command.ended).status, 0, command.output);
    t.regex(command.output, /At the next start if it is empty it becomes a new replica/);
    await a.start();
    await network.allInStep();
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
    t.is((await a.status()).hello.readOnly, null);
    t.is(readFileSync(join(a.filesDir, 'file'), 'utf8'), 'content');
    await put(viaB, '/more', 'more');
    viaB.destroy();
  });
});
