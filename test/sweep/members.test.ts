/** Who belongs to the network, as members tell each other of it in their sweeps; and what they forget together. */
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import { collectTombstones } from '../../src/sweep/tombstones.ts';
import { type Lab, type LabMember, until, withMembers } from '../peers/with-members.ts';

const DAY = 24 * 60 * 60 * 1000;

/** A round of `member` in which only these addresses are listed. */
async function sweepAt(lab: Lab, member: LabMember, listed: readonly Pick<LabMember, 'door'>[]) {
  const credentials = await credentialsFor(lab.key, member.id);
  const doors: ReplicaClient[] = listed.map(({ door }) => openReplica({ endpoint: door, credentials }));
  try {
    return await member.sweep(doors);
  } finally {
    for (const door of doors) door.close();
  }
}

async function withClientOf(
  lab: Lab,
  member: LabMember,
  peer: LabMember,
  body: (door: ReplicaClient) => Promise<void>,
): Promise<void> {
  const door = openReplica({
    endpoint: peer.door,
    credentials: await credentialsFor(lab.key, member.id),
  });
  try {
    await body(door);
  } finally {
    door.close();
  }
}

async function paths(member: LabMember): Promise<string[]> {
  return (await member.records()).map(({ path }) => path);
}

test('who was met and who was retired spreads from sweep to sweep, also to members that never meet', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    for (const member of lab.members) await member.replicas.setPeers([]);
    await sweepAt(lab, c, [b]);
    await a.client.members.join({ met: ['old-1'], retired: [] });
    await a.client.members.retire('old-1');
    await sweepAt(lab, b, [a]);
    await sweepAt(lab, c, [b]);
    await sweepAt(lab, a, [b]);
    for (const member of lab.members) {
      const { members, retired } = await member.client.hello();
      t.deepEqual(members, [a.id, b.id, c.id], member.name);
      t.deepEqual(retired, ['old-1'], member.name);
    }
  });
});

test('a deletion is forgotten when every address was reached and every member knows it; all stay alike', async (t) => {
  const clock = { ahead: 0 };
  await withMembers(t, { members: 3, now: () => Date.now() + clock.ahead }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    await a.put('/kept', 'x');
    await a.put('/gone', 'y');
    await a.replicas.change({ op: 'delete', path: '/gone' });
    for (const member of lab.members) await member.sweep();
    clock.ahead = 31 * DAY;
    await c.stopStorage();
    await a.sweep();
    t.deepEqual(await paths(a), ['/gone', '/kept'], 'an address that is not reached keeps all that is old');
    await sweepAt(lab, a, [b]);
    t.deepEqual(await paths(a), ['/gone', '/kept'], 'and so does a member that is not even listed');
    await c.startStorage();
    // Nobody ever answered there: who knows which member that is, and what it holds?
    const unknown = { door: { host: '127.0.0.1', port: 1 } };
    const report = await sweepAt(lab, a, [b, c, unknown]);
    t.is(report?.failures.length, 1);
    t.deepEqual(await paths(a), ['/gone', '/kept'], 'nor is it forgotten when an address is a stranger');
    await a.sweep();
    t.deepEqual(await paths(a), ['/kept']);
    // The others still have it, and tell of it.
    t.deepEqual(await paths(b), ['/gone', '/kept']);
    await a.sweep();
    t.deepEqual(await paths(a), ['/kept'], 'it does not come back from those that still know it');
    for (const member of lab.members) await member.sweep();
    for (const member of lab.members) {
      t.deepEqual(await paths(member), ['/kept']);
      t.is(await member.read('/gone'), null);
    }
    const trees = await Promise.all(lab.members.map(async ({ client }) => (await client.hello()).tree));
    t.is(new Set(trees).size, 1);
  });
});

test('a member that lacks a deletion keeps the others from forgetting it, and retiring that member does not', async (t) => {
  const clock = { ahead: 0 };
  await withMembers(t, { members: 3, now: () => Date.now() + clock.ahead }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    await a.put('/gone', 'y');
    for (const member of lab.members) await member.sweep();
    await c.stopStorage();
    await until(() => a.stateOf('c') === 'away');
    await a.replicas.change({ op: 'delete', path: '/gone' });
    await b.sweep([]);
    // It is back, and has not swept: it still has the file.
    for (const member of lab.members) member.replicas.setPeers([]);
    await c.startStorage();
    clock.ahead = 31 * DAY;
    await a.sweep();
    t.deepEqual(await paths(a), ['/gone'], 'the tombstone');
    t.is((await c.client.record({ path: '/gone' })).entry?.kind, 'file');
    await a.client.members.retire(c.id);
    await sweepAt(lab, a, [b]);
    t.deepEqual(await paths(a), []);
    // What the retired one still has, or stores before it hears of it, comes to nobody any more.
    await c.put('/unheard', 'x');
    await a.sweep();
    await b.sweep();
    t.deepEqual(await paths(a), []);
    t.is((await b.client.record({ path: '/gone' })).entry, null);
  });
});

test('a peer counts for what it knew before it was pulled from, and not at all when it was restarted since', async (t) => {
  const clock = { ahead: 0 };
  await withMembers(t, { members: 2, now: () => Date.now() + clock.ahead }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await lab.inStep();
    const { signal } = new AbortController();
    await a.put('/gone', 'x');
    const early = await b.client.hello();
    await a.replicas.change({ op: 'delete', path: '/gone' });
    for (const member of lab.members) await member.sweep([]);
    await sweepAt(lab, b, [a]);
    clock.ahead = 31 * DAY;
    const peer = b.client;
    await withClientOf(lab, a, b, async (door) => {
      await collectTombstones(a.client, [{ peer: door, hello: early }], signal);
      t.deepEqual(await paths(a), ['/gone'], 'what it wrote in between may not be here');
      const late = await peer.hello();
      await b.stopStorage();
      await b.startStorage();
      await collectTombstones(a.client, [{ peer: door, hello: late }], signal);
      t.deepEqual(await paths(a), ['/gone'], 'it may have gone back to a backup');
      await collectTombstones(a.client, [{ peer: door, hello: await peer.hello() }], signal);
      t.deepEqual(await paths(a), []);
    });
  });
});

test('a retired member is refused by all, also after restarts, takes no writes itself and says why', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    await a.client.members.retire(c.id);
    await until(() => a.stateOf('c') === 'refused');
    const here = a.replicas.members().find(({ name }) => name === 'c');
    t.regex(here?.reason ?? '', /was retired: take its address out of PEERS\.txt/);
    t.is((await a.put('/after', 'x')).sentence, 'Stored on 2 of 2 members.', 'it does not count');
    await b.sweep();
    t.deepEqual((await b.client.hello()).retired, [c.id]);
    for (const member of [a, b]) {
      await member.stopStorage();
      await member.startStorage();
    }
    const report = await c.sweep();
    t.regex(report?.failures.join() ?? '', /was retired from this network for ever/);
    const hello = await c.client.hello();
    t.regex(hello.readOnly ?? '', /was retired from its network/);
    await t.throwsAsync(c.put('/of-c', 'lost'));
    t.is(await a.read('/of-c'), null);
    t.is((await c.client.record({ path: '/after' })).record, null, 'and it was told nothing any more');
    const round = await a.sweep();
    t.deepEqual(round?.failures, [], 'its line in PEERS.txt is no failure of the others');
  });
});

test('through a member that joins every file of the others can be listed, read, renamed and deleted before it is there', async (t) => {
  await withMembers(t, { members: 3, later: 1 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    for (let n = 0; n < 20; n += 1) await a.put(`/dir/file${n}`, `content ${n}`);
    await a.put('/top', 'top');
    await c.startStorage();
    await c.openClients('reachable', c.at);
    c.replicas.setPeers([a.door, b.door]);
    t.true((await c.client.hello()).joining);
    const listed = async (dir: string) => {
      const seen: string[] = [];
      for await (const page of await c.replicas.list(dir)) seen.push(...page.map(({ path }) => path));
      return seen.sort();
    };
    t.deepEqual(await listed('/'), ['/dir', '/top']);
    t.is((await listed('/dir')).length, 20);
    t.is(String(await c.read('/dir/file7')), 'content 7');
    await c.put('/mine', 'of c');
    t.deepEqual(await listed('/'), ['/dir', '/mine', '/top']);
    await c.replicas.change({ op: 'delete', path: '/dir/file3' });
    await c.replicas.change({ op: 'rename', from: '/dir', to: '/folder' });
    t.deepEqual(await listed('/'), ['/folder', '/mine', '/top']);
    t.is((await listed('/folder')).length, 19);
    const report = await c.sweep();
    t.deepEqual(report?.failures, []);
    t.false((await c.client.hello()).joining);
    for (const member of lab.members) await member.sweep();
    t.deepEqual(await c.records(), await a.records());
    t.is((await listed('/folder')).length, 19);
    t.is(await c.read('/dir/file3'), null);
  });
});

test('a member that joins while the others write gets everything, and what it stored meanwhile is everywhere', async (t) => {
  await withMembers(t, { members: 3, later: 1 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    for (let n = 0; n < 30; n += 1) await a.put(`/before/${n}`, `before ${n}`);
    let writing = true;
    let written = 0;
    const load = (async () => {
      while (writing) {
        await (written % 2 === 0 ? a : b).put(`/during/${written}`, `during ${written}`);
        if (written % 5 === 4) await a.replicas.change({ op: 'delete', path: `/during/${written - 1}` });
        written += 1;
      }
    })();
    await c.startStorage();
    await c.openClients('reachable', c.at);
    c.replicas.setPeers([a.door, b.door]);
    for (const other of [a, b]) {
      other.replicas.setPeers(lab.members.filter((each) => each !== other).map(({ door }) => door));
    }
    await c.put('/of-c', 'of c');
    await c.sweep();
    await until(() => written > 10);
    writing = false;
    await load;
    for (const member of [...lab.members, ...lab.members]) await member.sweep();
    const wanted = await a.records();
    t.true(wanted.length > 40);
    t.deepEqual(await b.records(), wanted);
    t.deepEqual(await c.records(), wanted);
    t.is(String(await b.read('/of-c')), 'of c');
    t.is(String(await c.read('/before/29')), 'before 29');
    for (const member of lab.members) t.deepEqual((await member.client.hello()).members, [a.id, b.id, c.id]);
  });
});
