import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Lab, type LabMember, until, withMembers } from '../peers/with-members.ts';

/** Everybody pulls until nobody gets anything new. */
async function settle(lab: Lab): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    let applied = 0;
    for (const member of lab.members) {
      const report = await member.sweep();
      if (report === null || report.failures.length > 0)
        throw new Error(`${member.name}: ${report?.failures}`);
      applied += report.applied;
    }
    if (applied === 0) return;
  }
  throw new Error('there is always something new');
}

async function state(member: LabMember) {
  const { knowledge } = await member.client.hello();
  return { records: await member.records(), knowledge };
}

function find(lab: Lab) {
  return [lab.member('a'), lab.member('b'), lab.member('c')] as const;
}

test.serial(
  'a member that was off gets what is new, changed, renamed and deleted, and nothing deleted comes back',
  async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const [a, b, c] = find(lab);
      await a.replicas.change({ op: 'mkdir', path: '/old' });
      for (const name of ['kept', 'changed', 'gone']) await a.put(`/old/${name}`, `${name} before`);
      await a.put('/old/big', randomBytes(1_000_000));
      await settle(lab);
      await c.stopStorage();
      await b.put('/old/changed', 'after');
      await b.replicas.change({ op: 'delete', path: '/old/gone' });
      await b.replicas.change({ op: 'rename', from: '/old', to: '/new' });
      await a.replicas.change({ op: 'mkdir', path: '/empty' });
      await a.put('/new/none', '');
      const fresh = randomBytes(3_000_000);
      await a.put('/new/fresh', fresh);
      await c.startStorage();
      const report = await c.sweep();
      t.deepEqual(report?.failures, []);
      t.is(report?.conflicts, 0);
      // What was only renamed travels no more.
      t.is(report?.pulledBytes, 3_000_000 + 'after'.length);
      t.is(await c.replicas.lookup('/old'), null);
      t.false(existsSync(join(c.filesDir, 'old')));
      t.true(readFileSync(join(c.filesDir, 'new/fresh')).equals(fresh));
      t.is(readFileSync(join(c.filesDir, 'new/changed'), 'utf8'), 'after');
      t.true(existsSync(join(c.filesDir, 'empty')));
      await settle(lab);
      for (const other of [a, b]) t.deepEqual(await state(other), await state(c));
      t.deepEqual(await readdir(join(c.filesDir, '.cloudroid/staging')), []);

      const before = (await c.client.hello()).changes;
      const again = await c.sweep();
      t.deepEqual([again?.applied, again?.pulledFiles], [0, 0]);
      t.is((await c.client.hello()).changes, before, 'nothing new, nothing written');
    });
  },
);

test.serial(
  'one name written on three members that do not reach each other has one winner and the same copies on all',
  async (t) => {
    await withMembers(t, { members: 3, wires: true }, async (lab) => {
      const all = find(lab);
      await lab.member('a').put('/shared', 'base');
      await lab.inStep();
      for (const { wire } of all) wire?.set('refused');
      await until(() =>
        all.every(({ replicas }) => replicas.members().filter(({ state: is }) => is === 'away').length === 2),
      );
      for (const member of all) {
        await member.put('/shared', `by ${member.name}`);
        await member.put(`/only-${member.name}`, member.name);
      }
      await lab.member('b').replicas.change({ op: 'mkdir', path: '/dir' });
      await lab.member('c').put('/dir', 'a file here');
      for (const { wire } of all) wire?.set('open');
      await settle(lab);
      const [first, ...rest] = all;
      for (const other of rest) t.deepEqual(await state(other), await state(first));
      const contents: string[] = [];
      for (const name of await readdir(first.filesDir))
        if (name.startsWith('shared')) contents.push(readFileSync(join(first.filesDir, name), 'utf8'));
      t.deepEqual(contents.sort(), ['by a', 'by b', 'by c'], 'nobody lost anything');
      for (const member of all) {
        const names = (await readdir(member.filesDir)).sort();
        t.deepEqual(names, (await readdir(first.filesDir)).sort());
        t.is((await member.read('/only-b'))?.toString(), 'b');
      }
      for (const member of all)
        t.is((await member.read('/shared'))?.toString(), (await first.read('/shared'))?.toString());
    });
  },
);

test.serial(
  'a round that is broken off goes on with the byte where it was, and has claimed nothing',
  async (t) => {
    await withMembers(t, { members: 2, wires: true }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await lab.inStep();
      await b.stopStorage();
      await a.put('/deleted', 'x');
      await a.replicas.change({ op: 'delete', path: '/deleted' });
      const bytes = randomBytes(8_000_000);
      await a.put('/big', bytes);
      await b.startStorage();
      const knew = (await b.client.hello()).knowledge;
      a.wire?.limit(3_000_000);
      const broken = b.sweep();
      await until(() => (a.wire?.passed ?? 0) >= 0 && stagedBytes(b) > 2_000_000);
      a.wire?.set('refused');
      t.is((await broken)?.failures.length, 1);
      t.deepEqual((await b.client.hello()).knowledge, knew);
      t.is(await b.read('/big').catch(() => null), null);
      const had = stagedBytes(b);
      a.wire?.limit(Number.POSITIVE_INFINITY);
      a.wire?.set('open');
      const report = await b.sweep();
      t.deepEqual(report?.failures, []);
      t.is(report?.pulledBytes, bytes.length - had);
      t.true(readFileSync(join(b.filesDir, 'big')).equals(bytes));
      t.deepEqual(await state(b), await state(a));
    });
  },
);

function stagedBytes(member: LabMember): number {
  const dir = join(member.filesDir, '.cloudroid/staging');
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}

test.serial('what one peer lacks comes from another; a peer that is not there hinders nobody', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = find(lab);
    await lab.inStep();
    await c.stopStorage();
    const bytes = randomBytes(500_000);
    await a.put('/file', bytes);
    await a.stopStorage();
    await c.startStorage();
    const report = await c.sweep();
    t.is(report?.failures.length, 1);
    t.regex(report?.failures[0] ?? '', /ECONNREFUSED/);
    t.true(readFileSync(join(c.filesDir, 'file')).equals(bytes));
    t.deepEqual(await c.records(), await b.records());
  });
});

test.serial('a member with a new, empty disk gets everything', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await a.replicas.change({ op: 'mkdir', path: '/folder' });
    for (let n = 0; n < 30; n += 1) await a.put(`/folder/${n}`, `content ${n}`);
    await a.replicas.change({ op: 'delete', path: '/folder/7' });
    await b.stopStorage();
    await rm(b.folder, { recursive: true });
    await b.startStorage();
    const report = await b.sweep();
    t.deepEqual(report?.failures, []);
    t.is(report?.pulledFiles, 29);
    t.deepEqual(await state(b), await state(a));
    t.is((await b.read('/folder/29'))?.toString(), 'content 29');
    t.is(await b.replicas.lookup('/folder/7'), null);
  });
});

test.serial('only one round at a time, whoever starts it', async (t) => {
  await withMembers(t, { members: 2, wires: true }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await lab.inStep();
    await b.stopStorage();
    await a.put('/big', randomBytes(4_000_000));
    await b.startStorage();
    a.wire?.limit(2_000_000);
    const running = b.sweep();
    await until(() => stagedBytes(b) > 0);
    t.is(await b.sweep(), null);
    const { sweep } = await b.client.status();
    t.is(sweep?.state, 'running');
    t.deepEqual((await running)?.failures, []);
    t.not(await b.sweep(), null, 'and the lock is given back');
    t.is((await b.client.status()).sweep?.state, 'idle');
  });
});
