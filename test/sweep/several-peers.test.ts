import { randomBytes } from 'node:crypto';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { credentialsFor } from '../../src/peers/trust.ts';
import { withMembers } from '../peers/with-members.ts';

test.serial('many files are fetched from all peers that have them, at once', async (t) => {
  await withMembers(t, { members: 3 }, async (lab) => {
    const [a, b, c] = [lab.member('a'), lab.member('b'), lab.member('c')];
    await lab.inStep();
    await c.stopStorage();
    const contents = new Map(Array.from({ length: 40 }, (_, n) => [`/f${n}`, randomBytes(50_000 + n)]));
    for (const [path, content] of contents) await a.put(path, content);
    await c.startStorage();
    const asked = new Map<string, number>();
    const credentials = await credentialsFor(lab.key, c.id);
    const doors = [a, b].map((member): ReplicaClient => {
      const real = openReplica({ endpoint: member.door, credentials });
      return new Proxy(real, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (key === 'readObject') asked.set(member.name, (asked.get(member.name) ?? 0) + 1);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    });
    const report = await c.sweep(doors);
    for (const door of doors) door.close();
    t.deepEqual(report?.failures, []);
    t.is(report?.pulledFiles, contents.size);
    t.true((asked.get('a') ?? 0) >= 5, `a was asked ${asked.get('a')} times`);
    t.true((asked.get('b') ?? 0) >= 5, `b was asked ${asked.get('b')} times`);
    for (const [path, content] of contents) t.true((await c.read(path))?.equals(content), path);
  });
});
