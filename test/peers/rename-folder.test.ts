import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { type LabMember, withMembers } from './with-members.ts';

const FILES = 10_000;
const CONTENT = 'the same bytes in every file';

/** A folder of many files, as a member gets it from a peer: one transaction. */
async function fill(member: LabMember, dir: string): Promise<void> {
  const sha256 = createHash('sha256').update(CONTENT).digest('hex');
  const size = CONTENT.length;
  const records = Array.from({ length: FILES }, (_, n): { record: ReplicaRecord; base: null } => ({
    base: null,
    record: {
      path: `${dir}/file ${n}`,
      kind: 'file',
      size,
      sha256,
      mtime: 1_760_000_000_000,
      dot: ['elsewhere.1', n + 1],
      stamp: 1_760_000_000_000 + n,
      context: { 'elsewhere.1': n + 1 },
      kept: [],
    },
  }));
  const content = { [sha256]: { inline: Buffer.from(CONTENT).toString('base64') } };
  const { need } = await member.client.merge({ mode: 'complete', records, content });
  if (need.length > 0) throw new Error('the content did not come along');
}

async function countIn(member: LabMember, dir: string): Promise<number> {
  let entries = 0;
  try {
    for await (const _entry of await member.client.list(dir)) entries += 1;
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'not-found') throw error;
  }
  return entries;
}

test.serial(
  'a folder of 10,000 files is renamed on all members without its bytes, and nobody sees half of it',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const [a, b] = [lab.member('a'), lab.member('b')];
      for (const member of [a, b]) await fill(member, '/old');
      await lab.inStep();
      let done = false;
      const seen = { [a.name]: new Set<string>(), [b.name]: new Set<string>() };
      const watch = async (member: LabMember): Promise<void> => {
        while (!done) {
          // The new name first: what is missing there and then gone from the old one was in neither.
          const counts = [await countIn(member, '/new'), await countIn(member, '/old')];
          seen[member.name]?.add(counts.join(' '));
        }
      };
      const watching = [watch(a), watch(b)];
      const outcome = await a.replicas.change({ op: 'rename', from: '/old', to: '/new' });
      done = true;
      await Promise.all(watching);
      t.regex(outcome.sentence, /^Renamed on [12] of 2 members/);
      // On a busy machine the peer may not answer in time; it has the request all the same, or pulls.
      await lab.inStep();
      for (const { name } of [a, b]) {
        for (const counts of seen[name] ?? []) {
          // Between the two looks the whole folder may have moved, but never a part of it.
          t.true(['0 10000', '10000 0', '0 0'].includes(counts), `${name} showed ${counts}`);
        }
      }
      for (const member of [a, b]) {
        t.is(await countIn(member, '/new'), FILES);
        t.is(await countIn(member, '/old'), 0);
        t.is(readdirSync(join(member.filesDir, 'new')).length, FILES);
        t.false(existsSync(join(member.filesDir, 'old')));
        t.deepEqual(readdirSync(join(member.filesDir, '.cloudroid/staging')), []);
      }
      t.is((await b.sweep())?.pulledBytes, 0);
      t.is((await a.client.hello()).tree, (await b.client.hello()).tree);
    });
  },
);
