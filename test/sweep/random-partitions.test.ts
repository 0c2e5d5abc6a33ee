/** Random changes on three members whose wires come and go and whose storage servers restart; the seed is told on failure. */
import { createHash, randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { NoReplicaError } from '../../src/peers/replica-set-api.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { type LabMember, until, withMembers } from '../peers/with-members.ts';

const STEPS = 90;

/** Mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

async function disk(dir: string, below = ''): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
    if (below === '' && entry.name === '.cloudroid') continue;
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) lines.push(path, ...(await disk(dir, path)));
    else
      lines.push(
        `${path} ${createHash('sha256')
          .update(await readFile(join(dir, path)))
          .digest('hex')}`,
      );
  }
  return lines.sort();
}

async function expectRefusals(action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (error instanceof Refusal || error instanceof NoReplicaError) return false;
    throw error;
  }
}

for (const seed of [1, 2, randomInt(1_000_000)]) {
  test.serial(
    `after random changes, cuts and restarts all members are the same and nothing stored is lost (seed ${seed})`,
    async (t) => {
      await withMembers(t, { members: 3, wires: true }, async (lab) => {
        const random = randomFrom(seed);
        const pick = <T>(from: readonly T[]): T => {
          const found = from[random(from.length)];
          if (found === undefined) throw new Error('nothing to pick from');
          return found;
        };
        const path = () => `/${pick(['x', 'y', 'd', 'd/x', 'd/y', 'd/e', 'd/e/x', 'z'])}`;
        const kept = new Map<string, string>();
        await lab.inStep();
        // An unlucky seed keeps nothing later: members that are stopped at the start take no more.
        const [first] = lab.members;
        if (first === undefined) throw new Error('no members');
        await first.put('/kept', `${seed}`);
        kept.set('/kept', `${seed}`);
        for (let step = 0; step < STEPS; step += 1) {
          const member = pick(lab.members);
          const { replicas } = member;
          const content = `${seed} ${step} ${'.'.repeat(random(3) === 0 ? 40_000 : 10)}`;
          switch (random(12)) {
            case 0:
              member.wire?.set(pick(['open', 'refused'] as const));
              break;
            case 1:
              if (member.isUp) await member.stopStorage();
              else await member.startStorage();
              break;
            case 2:
              await expectRefusals(replicas.change({ op: 'mkdir', path: path() }));
              break;
            case 3:
              await expectRefusals(replicas.change({ op: 'rmdir', path: path() }));
              break;
            case 4:
              await expectRefusals(replicas.change({ op: 'delete', path: path() }));
              break;
            case 5:
            case 6:
              await expectRefusals(replicas.change({ op: 'rename', from: path(), to: path() }));
              break;
            case 7:
              if (member.isUp) await member.sweep();
              break;
            case 8:
              if (await expectRefusals(member.put(`/kept-${step}`, content)))
                kept.set(`/kept-${step}`, content);
              break;
            default:
              await expectRefusals(member.put(path(), content));
          }
        }
        for (const { wire } of lab.members) wire?.set('open');
        for (const member of lab.members) if (!member.isUp) await member.startStorage();
        await until(() => settled(lab.members));
        const picture = await disk(first.filesDir);
        for (const other of lab.members.slice(1)) t.deepEqual(await disk(other.filesDir), picture);
        for (const [name, content] of kept) t.is((await first.read(name))?.toString(), content, name);
      });
    },
  );
}

async function settled(members: readonly LabMember[]): Promise<boolean> {
  for (const member of members) if ((await member.sweep())?.failures.length !== 0) return false;
  const [first, ...rest] = await Promise.all(
    members.map(async (member) => [await member.records(), (await member.client.hello()).knowledge]),
  );
  return rest.every((other) => isDeepStrictEqual(other, first));
}
