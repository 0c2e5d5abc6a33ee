import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import { type Sweep, startSweep } from '../../src/sweep/schedule.ts';
import { type Lab, type LabMember, until, withMembers } from '../peers/with-members.ts';
import { listeningLogger } from '../storage/with-storage-server.ts';

const NEVER = '0 0 1 1 *';

async function sweepOf(lab: Lab, member: LabMember, schedule = NEVER): Promise<Sweep> {
  const credentials = await credentialsFor(lab.key, member.id);
  const sweep = startSweep({
    local: member.client,
    openPeer: (endpoint) => openReplica({ endpoint, credentials }),
    schedule,
    logger: listeningLogger(member.logged),
    now: Date.now,
  });
  return sweep;
}

/** b misses a file of a's. */
async function missedBy(lab: Lab, name: string): Promise<{ a: LabMember; b: LabMember }> {
  const [a, b] = [lab.member('a'), lab.member('b')];
  a.replicas.setPeers([]);
  await a.put(`/${name}`, name);
  return { a, b };
}

const has = (member: LabMember, name: string) => async () =>
  (await member.client.record({ path: `/${name}` })).entry !== null;

test.serial('a sweep looks at its start, when its peers change and when it is asked to', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const { a, b } = await missedBy(lab, 'one');
    b.replicas.setPeers([]);
    const sweep = await sweepOf(lab, b);
    try {
      sweep.setPeers([a.at]);
      await until(has(b, 'one'));
      await a.put('/two', 'two');
      await b.client.sweep({ why: 'a test' });
      await until(has(b, 'two'));
      t.is(readFileSync(join(b.filesDir, 'two'), 'utf8'), 'two');
      sweep.setPeers([]);
      await a.put('/three', 'three');
      sweep.setPeers([a.at]);
      await until(has(b, 'three'));
      t.pass();
    } finally {
      await sweep.close();
    }
  });
});

test.serial('a sweep looks on schedule', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const { a, b } = await missedBy(lab, 'one');
    b.replicas.setPeers([]);
    const sweep = await sweepOf(lab, b, '* * * * * *');
    try {
      sweep.setPeers([a.at]);
      await until(has(b, 'one'));
      await a.put('/two', 'two');
      await until(has(b, 'two'));
      t.pass();
    } finally {
      await sweep.close();
    }
  });
});

test.serial(
  'a restart of the own storage server makes a round, and a peer that returns brings what was missed on both sides',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await lab.inStep();
      const sweeps = [await sweepOf(lab, a), await sweepOf(lab, b)];
      try {
        sweeps[0]?.setPeers([b.at]);
        sweeps[1]?.setPeers([a.at]);
        await b.stopStorage();
        await a.put('/while-b-was-off', 'x');
        await b.startStorage();
        await until(has(b, 'while-b-was-off'));
        await a.stopStorage();
        t.is((await b.put('/while-a-was-off', 'y')).stored, 1);
        await a.startStorage();
        await until(has(a, 'while-a-was-off'));
        await lab.inStep();
        t.deepEqual(await a.records(), await b.records());
        t.is((await b.put('/now', 'z')).stored, 2);
      } finally {
        for (const sweep of sweeps) await sweep.close();
      }
    });
  },
);

test.serial('a sweep that is stopped in the middle of a file ends at once', async (t) => {
  await withMembers(t, { members: 2, wires: true }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    a.replicas.setPeers([]);
    b.replicas.setPeers([]);
    await a.put('/big', Buffer.alloc(5_000_000, 7));
    a.wire?.limit(200_000);
    const sweep = await sweepOf(lab, b);
    sweep.setPeers([a.door]);
    await until(async () => (await b.client.status()).sweep?.state === 'running');
    await until(() => (a.wire?.passed ?? 0) > 0);
    await sweep.close();
    t.is(await has(b, 'big')(), false);
    a.wire?.limit(Number.POSITIVE_INFINITY);
    await until(async () => (await b.sweep()) !== null);
    t.true((await b.read('/big'))?.equals(Buffer.alloc(5_000_000, 7)));
  });
});
