/** Processes killed and stopped. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Member, type Role, roles } from '../../../test/network/member.ts';
import { waitUntil } from '../../../test/network/wait-until.ts';
import type { Fault, Scene } from '../fault.ts';

/** Every process of `cloudroid run`: the supervisor last. */
export function processesOf(member: Member): readonly number[] {
  if (!member.runs('run')) return [];
  const supervisor = member.process('run').pid;
  const children = readdirSync(`/proc/${supervisor}/task`).flatMap((task) =>
    readFileSync(`/proc/${supervisor}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean),
  );
  return [...children.map(Number), supervisor];
}

export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

/** All at once, as a power cut does to them. */
export async function killMember(member: Member): Promise<void> {
  const pids = processesOf(member);
  // Stopped first, so that none sees another one die and does something about it.
  signal(pids, 'SIGSTOP');
  signal(pids, 'SIGKILL');
  await member.process('run').ended;
}

async function killAgainAndAgain(scene: Scene, role: Role): Promise<void> {
  for (let round = 0; round < Math.max(3, scene.scale.longSeconds / 3); round += 1) {
    const member = scene.random.pick(scene.network.members);
    let pid = 0;
    await waitUntil(`${role} of ${member.name} runs`, () => {
      pid = member.childPid(role);
      return null;
    });
    signal([pid], 'SIGKILL');
    await waitUntil(`${role} of ${member.name} is back`, () =>
      member.childPid(role) === pid ? 'the old one' : null,
    );
    await pause(300 + scene.random.below(1500));
  }
}

const killed: readonly Fault[] = roles.map((role) => ({
  name: `kill-${{ ftp: 'storage', proxy: 'proxy', sweep: 'sweep' }[role]}`,
  what: `kill -9 of the ${{ ftp: 'storage server', proxy: 'proxy', sweep: 'sweep' }[role]}, again and again, on any member`,
  strike: (scene) => killAgainAndAgain(scene, role),
}));

export const processFaults: readonly Fault[] = [
  ...killed,
  {
    name: 'kill-member',
    what: 'kill -9 of all processes of a member at once, then of the next',
    async strike(scene) {
      for (const member of scene.random.shuffle(scene.network.members)) {
        await killMember(member);
        await scene.load(scene.scale.seconds / 2);
        await member.start();
        await pause(scene.random.below(2000));
      }
    },
  },
  {
    name: 'kill-all',
    what: 'kill -9 of all processes of all members at once',
    async strike(scene) {
      await Promise.all(scene.network.members.map(killMember));
      await Promise.all(scene.network.members.map((member) => member.start()));
    },
  },
  {
    name: 'stopped-processes',
    what: 'SIGSTOP of a whole member, then of single processes, for longer than any time limit',
    async strike(scene) {
      const [one, other] = scene.random.shuffle(scene.network.members);
      if (one === undefined || other === undefined) throw new Error('no members');
      for (const pids of [processesOf(one), [other.childPid('ftp')], [one.childPid('proxy')]]) {
        signal(pids, 'SIGSTOP');
        try {
          await scene.load(scene.scale.longSeconds);
        } finally {
          signal(pids, 'SIGCONT');
        }
        await scene.load(scene.scale.seconds / 2);
      }
    },
  },
];
