/** A catalog that was put back from a backup, beside files that are newer. */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { withMembers } from '../peers/with-members.ts';

test.serial(
  'an old catalog loses no file that only this disk had, and brings no deleted one back',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await a.put('/changed', 'old');
      await b.sweep();
      await b.stopStorage();
      const [state, backup] = [join(b.folder, 'state'), join(lab.folder, 'backup')];
      cpSync(state, backup, { recursive: true });
      await b.startStorage();
      await lab.inStep();
      await a.put('/changed', 'new');
      for (const path of ['/deleted', '/renamed', '/kept']) await a.put(path, path);
      await b.sweep();
      // Only here, and told so.
      a.replicas.setPeers([]);
      await a.stopStorage();
      await b.put('/alone', 'only on b');
      await b.stopStorage();
      await a.startStorage();
      await a.replicas.change({ op: 'delete', path: '/deleted' });
      await a.replicas.change({ op: 'rename', from: '/renamed', to: '/moved' });
      rmSync(state, { recursive: true });
      cpSync(backup, state, { recursive: true });
      await b.startStorage();
      t.is((await b.client.upkeep.state()).distrust, 'catalog');
      const volume = { filesDir: b.filesDir, outsideDeletions: 'restore' as const };
      // Whoever is listed and away may know of deletions: nothing is judged without them.
      await a.stopStorage();
      t.is((await b.sweep(undefined, { volume, walk: true }))?.adopted, 0);
      t.is((await b.client.upkeep.state()).distrust, 'catalog');
      await a.startStorage();
      const report = await b.sweep(undefined, { volume });
      t.deepEqual(report?.failures, []);
      t.is((await b.client.upkeep.state()).distrust, null);
      await a.sweep();
      for (const member of [a, b]) {
        t.is(await member.replicas.lookup('/deleted'), null, member.name);
        t.is(await member.replicas.lookup('/renamed'), null, member.name);
        for (const [path, text] of [
          ['/changed', 'new'],
          ['/kept', '/kept'],
          ['/moved', '/renamed'],
          ['/alone', 'only on b'],
        ] as const) {
          t.is(String(await member.read(path)), text, member.name);
          t.is(readFileSync(join(member.filesDir, path), 'utf8'), text, member.name);
        }
        t.false(existsSync(join(member.filesDir, 'deleted')));
      }
      t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
    });
  },
);
