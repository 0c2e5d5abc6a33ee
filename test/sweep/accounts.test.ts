/** Accounts on several members: what is made, changed or removed on one is so on all; damage, guests, members that were away. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { Refusal } from '../../src/replication/operation.ts';
import type { RoundOptions } from '../../src/sweep/round.ts';
import { type Lab, type LabMember, until, withMembers } from '../peers/with-members.ts';
import { sha256Of } from '../storage/content-hash.ts';

const DIR = '.cloudroid/users';

function care(
  member: LabMember,
  outsideDeletions: 'restore' | 'propagate' = 'restore',
): Partial<RoundOptions> {
  return { volume: { filesDir: member.filesDir, outsideDeletions, restMs: 0 }, walk: true };
}

/** As its own storage server tells them. */
async function accountsOf(member: LabMember): Promise<{ readonly [name: string]: string }> {
  const { accounts } = await member.client.accounts.read('none yet');
  return Object.fromEntries((accounts ?? []).map(({ name, text }) => [name, text]));
}

function onDisk(member: LabMember, name: string): string {
  return readFileSync(join(member.filesDir, DIR, name), 'utf8');
}

function trashOf(member: LabMember): string[] {
  return readdirSync(join(member.filesDir, '.cloudroid/trash'));
}

/** Nobody reaches anybody, until `join` is called; then all have swept. */
async function apart(lab: Lab): Promise<() => Promise<void>> {
  for (const { wire } of lab.members) wire?.set('refused');
  await until(() =>
    lab.members.every(({ replicas }) =>
      replicas
        .members()
        .slice(1)
        .every(({ state }) => state === 'away'),
    ),
  );
  return async () => {
    for (const { wire } of lab.members) wire?.set('open');
    for (let round = 0; round < 2; round += 1) {
      for (const member of lab.members)
        await until(async () => (await member.sweep())?.failures.length === 0);
    }
    await lab.inStep();
  };
}

/** Everybody has pulled from everybody. */
async function joined(lab: Lab): Promise<void> {
  await lab.inStep();
  for (const member of lab.members) await member.sweep();
  await lab.inStep();
}

async function areAlike(lab: Lab): Promise<boolean> {
  const trees = await Promise.all(lab.members.map(async ({ client }) => (await client.hello()).tree));
  return new Set(trees).size === 1;
}

test.serial(
  'an account that is made, changed and removed through one member is so on all at once',
  async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      await joined(lab);
      t.is((await a.replicas.setAccount('anna', 'first')).sentence, 'Stored on 3 of 3 members.');
      t.is((await b.replicas.setAccount('anna', 'second')).sentence, 'Stored on 3 of 3 members.');
      t.is((await b.replicas.setAccount('bert', 'b')).stored, 3);
      for (const member of lab.members) {
        t.deepEqual(await accountsOf(member), { anna: 'second', bert: 'b' });
        t.is(onDisk(member, 'anna'), 'second');
        t.is(statSync(join(member.filesDir, DIR, 'anna')).mode & 0o777, 0o600);
        t.is(statSync(join(member.filesDir, DIR)).mode & 0o777, 0o700);
      }
      t.is((await c.replicas.setAccount('anna', null)).sentence, 'Removed on 3 of 3 members.');
      for (const member of lab.members) {
        t.deepEqual(await accountsOf(member), { bert: 'b' });
        t.deepEqual(trashOf(member), []);
        t.is((await member.client.status()).files, 0);
      }
      const missing = await t.throwsAsync(c.replicas.setAccount('anna', null), { instanceOf: Refusal });
      t.is(missing?.kind, 'not-found');
      const digests = await Promise.all(lab.members.map(({ replicas }) => replicas.accounts('')));
      t.is(new Set(digests.map(({ digest }) => digest)).size, 1, 'whoever is asked, it is the same');
    });
  },
);

test.serial(
  'a member that was away has the accounts of now; one removed meanwhile does not come back',
  async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      await lab.inStep();
      await a.replicas.setAccount('stays', '1');
      await a.replicas.setAccount('goes', '1');
      await c.stopStorage();
      await a.replicas.setAccount('goes', null);
      await b.replicas.setAccount('stays', '2');
      await b.replicas.setAccount('new', '1');
      await c.startStorage();
      t.deepEqual(await accountsOf(c), { goes: '1', stays: '1' });
      await c.sweep();
      await a.sweep();
      for (const member of lab.members) {
        t.deepEqual(await accountsOf(member), { new: '1', stays: '2' }, member.name);
        t.deepEqual(trashOf(member), []);
        t.false(existsSync(join(member.filesDir, DIR, 'goes')));
      }
      t.true(await areAlike(lab));
    });
  },
);

test.serial(
  'of concurrent changes on members that are apart one stands on all, without any copy',
  async (t) => {
    await withMembers(t, { members: 3, wires: true }, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      await lab.inStep();
      await a.replicas.setAccount('both', '0');
      await a.replicas.setAccount('removed', '0');
      const join = await apart(lab);
      await a.replicas.setAccount('both', 'from a');
      await b.replicas.setAccount('both', 'from b');
      await c.replicas.setAccount('both', 'from c');
      await a.replicas.setAccount('removed', null);
      await b.replicas.setAccount('removed', 'changed by b');
      await a.replicas.setAccount('alone', 'only a');
      await join();
      for (const member of lab.members) {
        const { both, ...others } = await accountsOf(member);
        t.is(both, 'from c', 'the last of them');
        t.deepEqual(others, { alone: 'only a', removed: 'changed by b' }, 'a removal ends what it has seen');
        t.deepEqual(readdirSync(`${member.filesDir}/${DIR}`).sort(), ['alone', 'both', 'removed']);
        t.deepEqual(trashOf(member), []);
        const { conflicts, files } = await member.client.status();
        t.deepEqual([conflicts, files], [0, 0]);
      }
      t.true(await areAlike(lab));
    });
  },
);

test.serial(
  'a file of an account that is edited, touched or removed by hand is repaired, and nothing is taken over',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await lab.inStep();
      for (const name of ['edited', 'removed', 'touched']) await a.replicas.setAccount(name, name);
      const at = (name: string) => join(b.filesDir, DIR, name);
      writeFileSync(at('edited'), 'a password of my own');
      rmSync(at('removed'));
      utimesSync(at('touched'), 1, 1);
      writeFileSync(at('intruder'), 'a user of my own');
      mkdirSync(at('folder'));
      const report = await b.sweep(undefined, care(b, 'propagate'));
      t.deepEqual(report?.failures, []);
      t.is(report?.repaired, 2);
      t.is(report?.adopted, 0);
      t.regex(report?.notices.join() ?? '', /users: folder, intruder: no account/);
      for (const member of lab.members)
        t.deepEqual(await accountsOf(member), { edited: 'edited', removed: 'removed', touched: 'touched' });
      for (const name of ['edited', 'removed', 'touched']) t.is(onDisk(b, name), name);
      t.deepEqual(trashOf(b), []);
      t.is((await b.sweep(undefined, care(b, 'propagate')))?.repaired, 0);
      t.true(await areAlike(lab));
    });
  },
);

test.serial('alone, a file that was edited by hand is reported, and its user cannot log in', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    await a.replicas.setAccount('anna', 'right');
    await a.stopStorage();
    writeFileSync(join(a.filesDir, DIR, 'anna'), 'wrong');
    await a.startStorage();
    const report = await a.sweep(undefined, care(a));
    t.is((await a.client.upkeep.state()).missing, 1);
    t.regex(report?.notices.join() ?? '', /1 damaged or missing/);
    t.deepEqual((await a.replicas.accounts('')).accounts, [{ name: 'anna', text: '' }]);
    t.is((await a.replicas.setAccount('anna', 'anew')).stored, 1);
    t.deepEqual((await a.replicas.accounts('')).accounts, [{ name: 'anna', text: 'anew' }]);
    await a.sweep(undefined, care(a));
    t.is((await a.client.upkeep.state()).missing, 0);
  });
});

test.serial('who has lost the bytes of an account asks a member that has them', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await joined(lab);
    await a.replicas.setAccount('anna', 'right');
    await b.stopStorage();
    rmSync(join(b.filesDir, DIR, 'anna'));
    await b.startStorage();
    await lab.inStep();
    t.deepEqual(await accountsOf(b), { anna: '' });
    t.deepEqual((await b.replicas.accounts('')).accounts, [{ name: 'anna', text: 'right' }]);
  });
});

test.serial('a member that never had others says itself that nobody has an account', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    // One that is listed and was never reached may know better,
    a.replicas.setPeers([{ host: '127.0.0.1', port: 1 }]);
    await t.throwsAsync(a.replicas.accounts(''), { instanceOf: NoReplicaError });
    a.replicas.setPeers([]);
    t.deepEqual(await a.replicas.accounts(''), { digest: '', complete: true, accounts: null });
    // but not when it was listed after this one had begun the network.
    a.replicas.setPeers([{ host: '127.0.0.1', port: 1 }]);
    t.is((await a.replicas.accounts('')).digest, '');
  });
});

test.serial(
  'in a network that is new altogether nobody has an account, as soon as all have answered',
  async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      await lab.inStep();
      for (const { replicas, client } of lab.members) {
        t.true((await client.hello()).joining);
        t.is((await replicas.accounts('')).digest, '');
      }
      // They have met, and began the network together.
      await c.stopStorage();
      await until(() => a.stateOf('c') === 'away');
      t.is((await a.replicas.accounts('')).digest, '');
      await c.startStorage();
      await lab.inStep();
      t.is((await a.replicas.accounts('')).digest, '');
      await b.client.commit({
        id: 'an-operation',
        operation: { op: 'put', path: '/.cloudroid/users/anna', size: 1, sha256: sha256Of('x') },
        content: { inline: Buffer.from('x').toString('base64') },
      });
      await t.throwsAsync(a.replicas.accounts(''), { instanceOf: NoReplicaError });
      for (const member of lab.members) await member.sweep();
      t.deepEqual((await a.replicas.accounts('')).accounts, [{ name: 'anna', text: 'x' }]);
    });
  },
);

test.serial(
  'a fresh board lets nobody in on its own word, and takes that of a peer until it has joined',
  async (t) => {
    await withMembers(t, { members: 3, later: 1 }, async (lab) => {
      const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
      await until(() => a.stateOf('b') === 'in step' && b.stateOf('a') === 'in step');
      await a.sweep([b.client]);
      await b.sweep([a.client]);
      await a.replicas.setAccount('anna', 'x');
      await a.stopStorage();
      await b.stopStorage();
      await c.startStorage();
      await c.openClients('reachable', c.at);
      c.replicas.setPeers([a.door, b.door]);
      await t.throwsAsync(c.replicas.accounts(''), { instanceOf: NoReplicaError });
      t.deepEqual(await c.client.accounts.read(''), { digest: '', complete: false, accounts: null });
      await b.startStorage();
      await until(() => c.stateOf('b') === 'in step');
      t.deepEqual((await c.replicas.accounts('')).accounts, [{ name: 'anna', text: 'x' }]);
      t.deepEqual(await accountsOf(c), {});
      // What is changed through it is decided by the one who knows.
      t.true((await c.replicas.setAccount('anna', 'y')).sentence.startsWith('Stored on '));
      t.deepEqual(await accountsOf(b), { anna: 'y' });
      const changed = (await b.records()).find(({ path }) => path.endsWith('/anna'));
      t.true(changed?.dot[0].startsWith(b.id));
      await a.startStorage();
      await c.sweep();
      t.true((await c.client.accounts.read('')).complete);
      t.deepEqual((await c.replicas.accounts('')).accounts, [{ name: 'anna', text: 'y' }]);
    });
  },
);

test.serial('while the own storage server is down a peer is asked', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await lab.inStep();
    await a.put('/f', 'x');
    for (const member of lab.members) await member.sweep();
    for (const member of lab.members) await member.sweep();
    await a.replicas.setAccount('anna', 'x');
    await b.stopStorage();
    t.deepEqual((await b.replicas.accounts('')).accounts, [{ name: 'anna', text: 'x' }]);
    t.is((await b.replicas.setAccount('bert', 'y')).stored, 1);
    t.deepEqual(await accountsOf(a), { anna: 'x', bert: 'y' });
    t.deepEqual(await b.replicas.usage('/'), { bytes: 1, files: 1 });
  });
});

test.serial('many accounts are brought by one call', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    const names = Array.from({ length: 90 }, (_, n) => `user-${100 + n}`);
    for (const name of names) await a.replicas.setAccount(name, name.repeat(1400));
    const { digest, accounts } = await a.replicas.accounts('');
    t.deepEqual(
      accounts,
      names.map((name) => ({ name, text: name.repeat(1400) })),
    );
    t.is((await a.replicas.accounts(digest)).accounts, null);
  });
});

test.serial(
  'a lone member that has lost its catalog lets nobody in before its accounts are back',
  async (t) => {
    await withMembers(t, { members: 1 }, async (lab) => {
      const a = lab.member('a');
      await a.replicas.setAccount('anna', 'x');
      await a.stopStorage();
      for (const end of ['', '-wal', '-shm'])
        rmSync(join(a.folder, `state/catalog.sqlite${end}`), { force: true });
      await a.startStorage();
      await t.throwsAsync(a.replicas.accounts(''), { instanceOf: NoReplicaError });
      await until(async () => /compared with/.test((await a.client.hello()).readOnly ?? ''));
      await t.throwsAsync(a.replicas.accounts(''), { instanceOf: NoReplicaError });
      await a.client.disk({ rebuild: 'alone' });
      await until(async () => (await a.client.hello()).readOnly === null);
      t.deepEqual((await a.replicas.accounts('')).accounts, [{ name: 'anna', text: 'x' }]);
    });
  },
);
