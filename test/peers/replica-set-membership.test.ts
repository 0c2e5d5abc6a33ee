import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import { openReplicaSet } from '../../src/peers/replica-set.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import { startStorageServer } from '../../src/storage/server/storage-server.ts';
import { openStore } from '../../src/storage/store.ts';
import { Loopback } from '../network/loopback.ts';
import { listeningLogger } from '../storage/with-storage-server.ts';
import { until, withMembers } from './with-members.ts';

test('a line that names this member itself, and a second line for one peer, count for nothing', async (t) => {
  const listed = (_lab: unknown, member: { at: { host: string; port: number } }) => [member.at];
  await withMembers(t, { members: 2, wires: true, listed }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    a.replicas.setPeers([a.at, b.door, b.at, b.at]);
    t.is((await a.put('/file', 'x')).sentence, 'Stored on 2 of 2 members.');
    t.deepEqual(
      a.replicas.members().map(({ name, state }) => `${name} ${state}`),
      ['a in step', 'b in step'],
    );
    // Of two ways to b one is cut: it is there none the less.
    b.wire?.set('refused');
    await until(async () => {
      await b.sweep();
      return (await a.put('/again', 'x')).stored === 2;
    });
    t.is(a.replicas.members().length, 2);
    // Down, it is still no other member.
    await b.stopStorage();
    await until(() => b.replicas.members().every(({ name }) => name !== 'b' || b.stateOf('b') === 'away'));
    const outcome = await b.put('/other', 'y');
    t.is(outcome.total, 2, outcome.sentence);
  });
});

test('a peer that is listed anew is found, one that is taken off the list is not counted any more', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    a.replicas.setPeers([b.at]);
    t.is((await a.put('/file', 'x')).sentence, 'Stored on 2 of 2 members.');
    a.replicas.setPeers([b.at, c.at]);
    await until(
      async () => (await a.put('/file', 'x')).stored === 3 || (await c.sweep())?.failures.length !== 0,
    );
    await until(async () => (await a.put('/file', 'x')).stored === 3);
    a.replicas.setPeers([]);
    t.is((await a.put('/file', 'y')).sentence, 'Stored (1 of 1 members).');
  });
});

test('a peer that was never there counts by its address', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    const nobody = { host: new Loopback().address(9), port: 6001 };
    a.replicas.setPeers([nobody]);
    t.is(
      (await a.put('/file', 'x')).sentence,
      'Stored on this member ONLY (no peer reachable); copies follow.',
    );
    const [, status] = a.replicas.members();
    t.is(status?.name, `${nobody.host}:6001`);
    t.is(status?.state, 'away');
    t.regex(status?.reason ?? '', /ECONNREFUSED/);
  });
});

test('a board with another network key is refused with the reason, and nothing is stored there', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const a = lab.member('a');
    const foreign = await credentialsFor(await loadOrMakeNetworkKey(join(lab.folder, 'other.key')), 'a-0000');
    const logger = listeningLogger([]);
    let changes = 0;
    const local = openReplica({ endpoint: a.at, credentials: await credentialsFor(lab.key, a.id) });
    const replicas = openReplicaSet({
      local,
      ack: 'reachable',
      credentials: foreign,
      identity: { member: a.id, name: 'a' },
      logger,
      onMembersChanged: () => {
        changes += 1;
      },
    });
    try {
      replicas.setPeers([lab.member('b').at]);
      await until(() => replicas.members()[1]?.state === 'refused');
      t.regex(replicas.members()[1]?.reason ?? '', /network keys differ/);
      t.true(changes > 0, 'and whoever wants to know is told');
      const outcome = await replicas.change({ op: 'mkdir', path: '/folder' });
      t.is(
        outcome.sentence,
        'Made on 1 of 2 members (' +
          `${lab.member('b').at.host}:${lab.member('b').at.port} is refused: see cloudroid status).`,
      );
      t.is(await lab.member('b').replicas.lookup('/folder'), null);
    } finally {
      await replicas.close();
      local.close();
    }
  });
});

test('a copied card is refused and gets no writes', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    await a.put('/file', 'x');
    await a.stopStorage();
    const copy = join(lab.folder, 'copy');
    await cp(a.folder, copy, { recursive: true });
    await a.startStorage();
    const store = await openStore({
      filesDir: join(copy, 'files'),
      stateDir: join(copy, 'state'),
      member: a.id,
      name: 'a',
      reserveBytes: 0,
      now: Date.now,
      log: () => undefined,
    });
    const server = await startStorageServer({
      store,
      listen: { host: new Loopback().address(7), port: a.at.port },
      passivePorts: { from: 0, to: 0 },
      credentials: await credentialsFor(lab.key, a.id),
      member: a.id,
      boot: 'the boot of the copy',
      version: '0.0.0',
      logger: listeningLogger([]),
    });
    try {
      a.replicas.setPeers([server.endpoint]);
      await until(() => a.replicas.members()[1]?.state === 'refused');
      t.regex(a.replicas.members()[1]?.reason ?? '', /identity/);
      const { stored, total } = await a.put('/new', 'y');
      t.deepEqual([stored, total], [1, 2]);
      t.is(store.record('/new').entry, null);
      const report = await a.sweep([
        openReplica({ endpoint: server.endpoint, credentials: await credentialsFor(lab.key, a.id) }),
      ]);
      t.regex(report?.failures.join() ?? '', /cloned card/);
    } finally {
      await server.close();
      await store.close();
    }
  });
});
