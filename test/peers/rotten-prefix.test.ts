/** What is added to a file rests on its old bytes: rot in them must not become a new version, nor a lost append. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type LabMember, withMembers } from './with-members.ts';

const TIME_MS = 1_700_000_000_000;

/** Same inode, size and modification time, another byte. */
function rot(member: LabMember, path: string): void {
  const diskPath = join(member.filesDir, path);
  const { mtimeNs } = statSync(diskPath, { bigint: true });
  const bytes = readFileSync(diskPath);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  writeFileSync(diskPath, bytes, { flag: 'r+' });
  utimesSync(diskPath, TIME_MS / 1000, TIME_MS / 1000);
  if (statSync(diskPath, { bigint: true }).mtimeNs !== mtimeNs) throw new Error('that looks like an edit');
}

async function addTo(member: LabMember, path: string, length: number): Promise<string> {
  const entry = await member.replicas.lookup(path);
  if (entry === null) throw new Error('not there');
  const upload = await member.replicas.startUpload(path, { prefix: { entry, length } });
  await upload.write(Buffer.from('tail'));
  return (await upload.finish()).sentence;
}

for (const [what, length] of [
  ['an upload that goes on in the middle', 200_000],
  ['an append', 300_000],
] as const) {
  test.serial(`${what} never carries rot of this disk into the new version`, async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      await lab.inStep();
      const start = randomBytes(300_000);
      await a.put('/f', start);
      await a.replicas.change({ op: 'touch', path: '/f', mtime: TIME_MS });
      rot(a, '/f');
      // The first may be refused; whatever is acknowledged is right.
      for (let tries = 0; tries < 2; tries += 1) {
        const said = await addTo(a, '/f', length).catch(() => null);
        if (said === null) continue;
        const want = Buffer.concat([start.subarray(0, length), Buffer.from('tail')]);
        for (const member of [a, b]) await member.sweep();
        for (const member of [a, b]) {
          t.true((await member.read('/f'))?.equals(want), `${member.name} after "${said}"`);
          t.true(readFileSync(join(member.filesDir, 'f')).equals(want), `${member.name} on disk`);
        }
        return;
      }
      t.true((await b.read('/f'))?.equals(start), 'refused twice: nothing has changed');
    });
  });
}

test.serial(
  'a file that was edited in place is not read from the middle as if it were the stored one',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const a = lab.member('a');
      await lab.inStep();
      const start = randomBytes(300_000);
      await a.put('/f', start);
      writeFileSync(join(a.filesDir, 'f'), Buffer.alloc(300_000), { flag: 'r+' });
      t.true((await a.read('/f', 50_000))?.equals(start.subarray(50_000)));
    });
  },
);
