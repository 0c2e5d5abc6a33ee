import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, truncateSync, utimesSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type LabMember, withMembers } from '../peers/with-members.ts';

/** As a dying disk does: the bytes change, nothing else. */
async function rot(diskPath: string, at: number): Promise<void> {
  const before = statSync(diskPath, { bigint: true });
  const file = await open(diskPath, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
  // Milliseconds are what the store sets.
  const seconds = Math.round(Number(before.mtimeNs) / 1e6) / 1000;
  utimesSync(diskPath, seconds, seconds);
  if (statSync(diskPath, { bigint: true }).mtimeNs !== before.mtimeNs)
    throw new Error('that looks like an edit');
}

function care(member: LabMember) {
  return {
    volume: { filesDir: member.filesDir, outsideDeletions: 'restore' as const, restMs: 0 },
    walk: true,
  };
}

async function isWhole(t: ExecutionContext, member: LabMember, path: string, content: Buffer): Promise<void> {
  t.true((await member.read(path))?.equals(content), `${member.name} reads ${path}`);
  t.true(readFileSync(join(member.filesDir, path)).equals(content), `${member.name} holds ${path}`);
}

test.serial('rot is found by the scrub, set aside and fetched from a peer, and never spreads', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    const content = randomBytes(300_000);
    await a.put('/video', content);
    await a.put('/other', 'fine');
    await b.sweep();
    const before = await a.records();
    await rot(join(b.filesDir, 'video'), 150_000);
    const report = await b.sweep(undefined, { ...care(b), walk: false, scrub: true });
    t.deepEqual(report?.failures, []);
    t.is(report?.repaired, 1);
    t.is(report?.scrubbedBytes, 300_004);
    await isWhole(t, b, '/video', content);
    t.deepEqual(await a.records(), before);
    t.deepEqual(await b.records(), before);
    const trash = await readdir(join(b.filesDir, '.cloudroid/trash'));
    t.is(trash.filter((name) => /-[0-9a-f]{64}$/.test(name)).length, 1);
    const again = await b.sweep(undefined, { ...care(b), scrub: true });
    t.deepEqual([again?.repaired, again?.adopted, again?.differences], [0, 0, 0]);
  });
});

test.serial('two names of one rotten file are both repaired, not one from the other', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    const content = randomBytes(100_000);
    await a.put('/one', content);
    await a.put('/two', content);
    const { mtime } = (await a.replicas.lookup('/one')) ?? { mtime: 0 };
    await a.replicas.change({ op: 'touch', path: '/two', mtime });
    await b.sweep();
    await rot(join(b.filesDir, 'one'), 5);
    const report = await b.sweep(undefined, { ...care(b), scrub: true });
    t.true((report?.repaired ?? 0) >= 1);
    for (const path of ['/one', '/two']) await isWhole(t, b, path, content);
  });
});

test.serial(
  'files that are gone, cut short or replaced by nothing are fetched again by a walk',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      const content = randomBytes(50_000);
      for (const path of ['/d/gone', '/d/cut', '/whole']) await a.put(path, content);
      await a.replicas.change({ op: 'mkdir', path: '/empty' });
      await b.sweep();
      const before = await b.records();
      const cut = join(b.filesDir, 'd/cut');
      const { atime, mtime } = statSync(cut);
      truncateSync(cut, 100);
      utimesSync(cut, atime, mtime);
      rmSync(join(b.filesDir, 'd/gone'));
      rmSync(join(b.filesDir, 'empty'), { recursive: true });
      const looked = await b.sweep(undefined, { ...care(b), dryRun: true });
      t.is(looked?.differences, 3);
      const report = await b.sweep(undefined, care(b));
      t.is(report?.repaired, 2);
      for (const path of ['/d/gone', '/d/cut', '/whole']) await isWhole(t, b, path, content);
      t.true(existsSync(join(b.filesDir, 'empty')));
      t.deepEqual(await b.records(), before);
      t.is((await b.sweep(undefined, { ...care(b), dryRun: true }))?.differences, 0);
    });
  },
);

test.serial(
  'a read that meets a damaged file is served by a peer, and the next round repairs it',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      const content = randomBytes(80_000);
      await a.put('/gone', content);
      await b.sweep();
      await lab.inStep();
      rmSync(join(b.filesDir, 'gone'));
      t.true((await b.read('/gone'))?.equals(content), 'from the peer, in the same read');
      const report = await b.sweep();
      t.is(report?.repaired, 1);
      await isWhole(t, b, '/gone', content);
    });
  },
);

test.serial(
  'a reader who meets rot gets the bytes of a peer in the same read, also from the middle',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      const contents = new Map([10, 100_000, 700_000].map((size) => [`/rotten ${size}`, randomBytes(size)]));
      for (const [path, content] of contents) await a.put(path, content);
      await b.sweep();
      await lab.inStep();
      for (const [path, content] of contents) {
        await rot(join(b.filesDir, path), content.length - 5);
        t.true((await b.read(path, 3))?.equals(content.subarray(3)), `${path} from the middle`);
        t.true((await b.read(path))?.equals(content), path);
      }
      t.is((await b.sweep())?.repaired, contents.size);
      for (const [path, content] of contents) await isWhole(t, b, path, content);
    });
  },
);

test.serial(
  'rot in a file too big to be checked before it is sent is never called whole, and repaired',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      const content = randomBytes(17 * 1024 * 1024);
      await a.put('/rotten', content);
      await b.sweep();
      await lab.inStep();
      await rot(join(b.filesDir, 'rotten'), 400_000);
      await t.throwsAsync(b.read('/rotten'));
      t.true((await b.read('/rotten'))?.equals(content), 'the second try comes from the peer');
      t.is((await b.sweep())?.repaired, 1);
      await isWhole(t, b, '/rotten', content);
    });
  },
);

test.serial('damage that nobody can heal is told, and healed when the one who can is back', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    const content = randomBytes(10_000);
    await a.put('/f', content);
    await b.sweep();
    await a.stopStorage();
    rmSync(join(b.filesDir, 'f'));
    const report = await b.sweep([], care(b));
    t.is(report?.differences, 1);
    t.regex(String(report?.notices), /with no reachable member/);
    t.is((await b.client.upkeep.state()).missing, 1);
    await a.startStorage();
    t.is((await b.sweep(undefined, care(b)))?.repaired, 1);
    await isWhole(t, b, '/f', content);
  });
});

test.serial(
  'good bytes that a failing cable made look damaged come back, and are never thrown away before',
  async (t) => {
    await withMembers(t, { members: 1 }, async (lab) => {
      const a = lab.member('a');
      const content = randomBytes(10_000);
      await a.put('/only', content);
      const { disk, entry } = await a.client.record({ path: '/only', local: true });
      const { ino, mtimeNs } = disk ?? { ino: '', mtimeNs: '' };
      const sha256 = entry?.sha256 ?? '';
      t.true(await a.client.upkeep.damaged({ path: '/only', sha256, ino, mtimeNs, why: 'unreadable' }));
      t.false(existsSync(join(a.filesDir, 'only')));
      t.is((await a.sweep(undefined, care(a)))?.repaired, 1);
      await isWhole(t, a, '/only', content);
    });
  },
);
