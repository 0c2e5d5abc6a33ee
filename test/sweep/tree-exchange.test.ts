import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import type { TreeCalls } from '../../src/peers/protocol-tree.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import { bucketOf } from '../../src/replication/hash-tree.ts';
import { type Lab, type LabMember, withMembers } from '../peers/with-members.ts';

/** Makes a member believe that it has read everything of another one: what the feed can no longer mend. */
async function claimAll(member: LabMember, of: LabMember, withKnowledge = true): Promise<void> {
  const [own, theirs] = [await member.client.hello(), await of.client.hello()];
  const { store, incarnation, knowledge, changes } = theirs;
  await member.client.merge({
    mode: 'complete',
    records: [],
    exchange: {
      store,
      incarnation,
      knowledge: withKnowledge ? knowledge : {},
      collectedStamp: 0,
      upTo: changes,
    },
    receiver: own.incarnation,
  });
}

async function alone(lab: Lab, member: LabMember, what: () => Promise<unknown>): Promise<void> {
  const others = lab.members.filter((other) => other !== member);
  for (const other of others) await other.stopStorage();
  await what();
  for (const other of others) await other.startStorage();
}

test.serial(
  'what a feed has missed is found by the tree, with its bytes, and the next round finds nothing',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      for (let n = 0; n < 20; n += 1) await a.put(`/same/${n}`, `${n}`);
      await b.sweep();
      const big = randomBytes(200_000);
      await alone(lab, a, async () => {
        await a.put('/missed', big);
        await a.put('/same/3', 'changed');
        await a.replicas.change({ op: 'delete', path: '/same/4' });
        await a.replicas.change({ op: 'mkdir', path: '/empty' });
      });
      await claimAll(b, a, false);
      const report = await b.sweep();
      t.deepEqual(report?.failures, []);
      t.true((await b.read('/missed'))?.equals(big));
      t.is(String(await b.read('/same/3')), 'changed');
      t.is(await b.replicas.lookup('/same/4'), null);
      t.is((await b.replicas.lookup('/empty'))?.kind, 'directory');
      t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
      const again = await b.sweep();
      t.is(again?.applied, 0);
    });
  },
);

test.serial('a dry run says how much differs and changes nothing', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await a.put('/both', 'x');
    await b.sweep();
    await alone(lab, a, async () => {
      for (const name of ['/one', '/two', '/three']) await a.put(name, name);
    });
    const before = await b.records();
    const looked = await b.sweep(undefined, { dryRun: true });
    t.is(looked?.differences, 3);
    t.deepEqual(await b.records(), before);
    t.is((await b.sweep())?.differences, 0);
    t.is((await b.sweep(undefined, { dryRun: true }))?.differences, 0);
  });
});

test.serial(
  'a file that was deleted and forgotten elsewhere goes to the trash, one that was edited since stays',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await alone(lab, b, async () => {
        await b.put('/forgotten', 'old');
        await b.put('/edited', 'old');
      });
      // As if it had known both, deleted them and collected the tombstones.
      await claimAll(a, b);
      await alone(lab, b, () => b.put('/edited', 'new'));
      const report = await b.sweep();
      t.deepEqual(report?.failures, []);
      t.is(await b.replicas.lookup('/forgotten'), null);
      t.false(existsSync(join(b.filesDir, 'forgotten')));
      t.is((await b.client.status()).trashBytes, 'old'.length * 2);
      t.is(String(await b.read('/edited')), 'new');
      await a.sweep();
      t.is(String(await a.read('/edited')), 'new');
      t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
    });
  },
);

test.serial('many files forgotten elsewhere are kept until the operator agrees', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await alone(lab, b, async () => {
      for (let n = 0; n < 30; n += 1) await b.put(`/backup/${n}`, 'old');
    });
    await claimAll(a, b);
    const report = await b.sweep();
    t.is(report?.differences, 30);
    t.regex(String(report?.notices), /30 files here were deleted elsewhere .*--accept-deletions/);
    t.is(String(await b.read('/backup/7')), 'old');
    await b.sweep(undefined, { acceptDeletions: true });
    t.is(await b.replicas.lookup('/backup'), null);
    t.is((await b.client.status()).trashBytes, 30 * 'old'.length);
  });
});

test.serial(
  'a peer that leaves records out of its buckets is not believed that they were deleted',
  async (t) => {
    const seen = new Map<number, string>();
    let pair: readonly [string, string] | undefined;
    for (let n = 0; pair === undefined; n += 1) {
      const other = seen.get(bucketOf(`/f${n}`));
      if (other !== undefined) pair = [other, `/f${n}`];
      seen.set(bucketOf(`/f${n}`), `/f${n}`);
    }
    const [old, fresh] = pair;
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await lab.inStep();
      await a.put(old, 'acknowledged on both');
      a.replicas.setPeers([]);
      await a.put(fresh, 'missed by b, in the same bucket');
      const real = openReplica({ endpoint: b.door, credentials: await credentialsFor(lab.key, a.id) });
      const tree: TreeCalls = {
        nodes: () => real.tree.nodes(),
        bucketsBelow: (nodes) => real.tree.bucketsBelow(nodes),
        records: async (buckets) => {
          const { header, records } = await real.tree.records(buckets);
          for await (const _record of records);
          return { header: { ...header, count: 0 }, records: (async function* () {})() };
        },
      };
      const liar: ReplicaClient = new Proxy(real, {
        get(target, key) {
          if (key === 'tree') return tree;
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      const report = await a.sweep([liar]);
      real.close();
      t.regex(String(report?.failures), /not those of its digest/);
      await b.sweep();
      for (const member of [a, b]) t.is(String(await member.read(old)), 'acknowledged on both', member.name);
    });
  },
);
