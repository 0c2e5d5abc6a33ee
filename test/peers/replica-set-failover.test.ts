import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { type LabMember, until, withMembers } from './with-members.ts';

async function sameEverywhere(members: readonly LabMember[]): Promise<boolean> {
  const [first, ...rest] = await Promise.all(
    members.map(async (member) => [await member.records(), (await member.client.hello()).knowledge]),
  );
  return rest.every((other) => isDeepStrictEqual(other, first));
}

test.serial(
  'with the own storage server down reading and writing go on through a peer, and it has all of it when it is back',
  async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const a = lab.member('a');
      await a.put('/kept', 'first');
      await a.put('/gone', 'first');
      await lab.inStep();
      await a.stopStorage();
      t.is((await a.read('/kept'))?.toString(), 'first');
      t.is(a.stateOf('a'), 'away');
      const big = randomBytes(2_000_000);
      t.is((await a.put('/big', big)).sentence, 'Stored on 2 of 3 members, not on this one yet.');
      t.is((await a.put('/kept', 'second')).stored, 2);
      t.is((await a.replicas.change({ op: 'delete', path: '/gone' })).stored, 2);
      t.is((await a.replicas.change({ op: 'rename', from: '/kept', to: '/renamed' })).stored, 2);
      t.is((await a.read('/renamed'))?.toString(), 'second');
      t.deepEqual(await a.read('/big', 1_999_990), big.subarray(1_999_990));
      const names: string[] = [];
      for await (const page of await a.replicas.list('/')) names.push(...page.map(({ path }) => path));
      t.deepEqual(names.sort(), ['/big', '/renamed']);

      await a.startStorage();
      await until(() => a.stateOf('a') === 'in step');
      t.deepEqual((await a.sweep())?.failures, []);
      t.true(await sameEverywhere(lab.members));
      t.true(readFileSync(join(a.filesDir, 'big')).equals(big));
      t.is((await a.put('/after', 'x')).sentence, 'Stored on 3 of 3 members.');
    });
  },
);

test.serial(
  'a peer that missed a change is read from, but never written to, in place of the own storage server',
  async (t) => {
    await withMembers(t, { members: 2, wires: true }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await a.put('/file', 'one');
      await lab.inStep();
      // b misses the deletion, and a's proxy takes it for in step none the less when a is gone at once.
      b.wire?.set('refused');
      const deleted = await a.replicas.change({ op: 'delete', path: '/file' });
      t.is(deleted.stored, 1, deleted.sentence);
      await a.stopStorage();
      b.wire?.set('open');
      await until(() => a.stateOf('b') === 'lagging');
      await t.throwsAsync(
        a.put('/file', 'two'),
        { instanceOf: NoReplicaError },
        'nobody in step to write to',
      );
      t.is((await a.read('/file'))?.toString(), 'one', 'but to read from');
      await a.startStorage();
      await until(() => a.stateOf('a') === 'in step');
      t.is(await a.read('/file'), null);
    });
  },
);

test.serial(
  'what was seen of a file goes with a fail-over, so that the new content replaces it and no copy is made',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await a.put('/file', 'one');
      await lab.inStep();
      // As when the proxy dies between the commit and the push: b never hears of it.
      const sha256 = createHash('sha256').update('two').digest('hex');
      await a.client.commit({
        id: randomBytes(9).toString('hex'),
        operation: { op: 'put', path: '/file', size: 3, sha256 },
        content: { inline: Buffer.from('two').toString('base64') },
      });
      t.is((await a.read('/file'))?.toString(), 'two');
      await a.stopStorage();
      t.true(b.isUp && a.stateOf('b') === 'in step', 'not known yet to lack something');
      t.is((await a.put('/file', 'three')).sentence, 'Stored on 1 of 2 members, not on this one yet.');
      await a.startStorage();
      await until(async () => (await a.sweep())?.failures.length === 0);
      await until(async () => (await b.sweep())?.failures.length === 0);
      t.true(await sameEverywhere(lab.members));
      t.is((await a.read('/file'))?.toString(), 'three');
      t.deepEqual((await readdir(a.filesDir)).sort(), ['.cloudroid', 'file']);
    });
  },
);

test.serial('a restart of the own storage server is waited for, without a peer too', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    await a.put('/file', 'x');
    const upload = await a.replicas.startUpload('/big');
    const big = randomBytes(500_000);
    await upload.write(big.subarray(0, 200_000));
    await a.stopStorage();
    await upload.write(big.subarray(200_000));
    const stored = upload.finish();
    const small = a.put('/small', 'y');
    const found = a.replicas.lookup('/file');
    await a.startStorage();
    t.is((await stored).sentence, 'Stored (1 of 1 members).');
    t.is((await small).stored, 1);
    t.is((await found)?.size, 1);
    t.true((await a.read('/big'))?.equals(big));
    await a.stopStorage();
    await t.throwsAsync(a.replicas.lookup('/file'), { instanceOf: NoReplicaError });
    t.is(a.stateOf('a'), 'away');
    await t.throwsAsync(a.put('/file', 'z'), { instanceOf: NoReplicaError });
    await t.throwsAsync(a.put('/file', big), { instanceOf: NoReplicaError });
  });
});

test.serial(
  'an own storage server that hangs is like one that is down: nobody waits for it again and again',
  async (t) => {
    await withMembers(t, { members: 2, wires: true, ownWires: true }, async (lab) => {
      const a = lab.member('a');
      await a.put('/file', 'x');
      await lab.inStep();
      a.wire?.set('cut');
      t.is((await a.read('/file'))?.toString(), 'x');
      t.is(a.stateOf('a'), 'away');
      t.is((await a.put('/file', 'y')).sentence, 'Stored on 1 of 2 members, not on this one yet.');
      const big = randomBytes(400_000);
      t.is((await a.put('/big', big)).stored, 1);
      t.true((await a.read('/big'))?.equals(big));
      a.wire?.set('open');
      await until(() => a.stateOf('a') === 'in step');
      await until(async () => (await a.sweep())?.failures.length === 0);
      t.true(await sameEverywhere(lab.members));
      t.is((await a.put('/after', 'z')).stored, 2);
    });
  },
);

test.serial(
  'alone in the network, uploads, changes and looks wait for a storage server that takes seconds to start',
  async (t) => {
    await withMembers(t, { members: 1 }, async (lab) => {
      const a = lab.member('a');
      await a.put('/before', 'x');
      await a.stopStorage();
      const waiting = [
        a.put('/small', 'small'),
        a.put('/big', randomBytes(300_000)),
        a.replicas.change({ op: 'mkdir', path: '/folder' }),
        a.replicas.lookup('/before'),
      ];
      await sleep(4_000);
      await a.startStorage();
      await Promise.all(waiting);
      t.deepEqual((await readdir(a.filesDir)).sort(), ['.cloudroid', 'before', 'big', 'folder', 'small']);
    });
  },
);

for (const members of [1, 2]) {
  test.serial(
    `restarts of the storage server under a stream of writes: with ${members} members none fails and none is lost`,
    async (t) => {
      await withMembers(t, { members }, async (lab) => {
        const a = lab.member('a');
        await lab.inStep();
        let restarting = true;
        const written = new Map<string, Buffer>();
        const write = async (worker: number) => {
          for (let n = 0; restarting; n += 1) {
            const bytes = randomBytes(n % 3 === 0 ? 90_000 : 50);
            const path = `/${worker}-${n % 10}`;
            await a.put(path, bytes);
            written.set(path, bytes);
          }
        };
        const restarts = async () => {
          for (let round = 0; round < 4; round += 1) {
            await sleep(150);
            await a.stopStorage();
            await sleep(50);
            await a.startStorage();
          }
          restarting = false;
        };
        await Promise.all([...[1, 2, 3].map(write), restarts()]);
        await until(async () => {
          for (const member of lab.members) if ((await member.sweep())?.failures.length !== 0) return false;
          return await sameEverywhere(lab.members);
        });
        for (const [path, bytes] of written) t.true((await a.read(path))?.equals(bytes), path);
        const names = (await readdir(a.filesDir)).filter((name) => name.includes('conflict'));
        t.deepEqual(names, []);
      });
    },
  );
}

test.serial('a file that this disk lacks or that rotted on it is read from a peer', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const a = lab.member('a');
    const bytes = randomBytes(1_500_000);
    await a.put('/file', bytes);
    await lab.inStep();
    // The same size, inode and length: only the hash can tell.
    const rotten = Buffer.from(bytes);
    rotten[1_400_000] = (bytes[1_400_000] ?? 0) ^ 1;
    writeFileSync(join(a.filesDir, 'file'), rotten, { flag: 'r+' });
    const entry = await a.replicas.lookup('/file');
    if (entry === null) throw new Error('no /file');
    // Noticed before a byte was sent (then a peer's bytes came), or never ended as if it were whole.
    const outcome = await bytesOf(a.replicas.read(entry, 0)).catch((error: unknown) => error);
    if (outcome instanceof Buffer) t.deepEqual(outcome, bytes);
    else t.true(outcome instanceof Refusal && outcome.kind === 'hash-mismatch', String(outcome));
    t.true((await a.read('/file'))?.equals(bytes), 'the next one gets the good bytes');
  });
});

test.serial('a read whose source breaks in the middle goes on with the next one', async (t) => {
  await withMembers(t, { members: 3, wires: true }, async (lab) => {
    const a = lab.member('a');
    const bytes = randomBytes(6_000_000);
    await a.put('/file', bytes);
    await lab.inStep();
    const entry = await a.replicas.lookup('/file');
    if (entry === null) throw new Error('no /file');
    await a.stopStorage();
    for (const name of ['b', 'c']) lab.member(name).wire?.limit(4_000_000);
    const pieces: Buffer[] = [];
    let broken = false;
    for await (const piece of await a.replicas.read(entry, 0)) {
      pieces.push(piece);
      if (broken) continue;
      broken = true;
      lab.member('b').wire?.set('refused');
    }
    t.true(Buffer.concat(pieces).equals(bytes));
    t.deepEqual(await a.read('/file', 5_000_000), bytes.subarray(5_000_000));
    await lab.member('c').stopStorage();
    await t.throwsAsync(a.replicas.read(entry, 0), { instanceOf: Refusal });
  });
});

test.serial('a reader that leaves early, or never begins, leaves nothing open', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    await a.put('/file', randomBytes(4_000_000));
    const entry = await a.replicas.lookup('/file');
    if (entry === null) throw new Error('no /file');
    for (let round = 0; round < 3; round += 1) {
      (await a.replicas.read(entry, 0)).destroy();
      const begun = await a.replicas.read(entry, 10);
      await begun[Symbol.asyncIterator]().next();
      begun.destroy();
    }
    await until(
      async () =>
        !(await openFiles()).some((name) => name.endsWith('/files/file') && name.startsWith(lab.folder)),
    );
    t.pass();
  });
});

async function bytesOf(opening: Promise<AsyncIterable<Buffer>>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of await opening) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function openFiles(): Promise<string[]> {
  const numbers = await readdir('/proc/self/fd');
  return await Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => '')));
}
