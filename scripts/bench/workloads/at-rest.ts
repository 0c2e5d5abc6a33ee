/** Logins, single commands, sessions that only stand there, a start, and doing nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpSession } from '../client/session.ts';
import { type Contestant, ftpOf } from '../contestants/contestant.ts';
import { sharedOutMegabytes } from '../measure/process-figures.ts';
import { clientOf, type Sizes, type Workload } from './workload.ts';

const SETTLE_MS = 1000;

export function restWorkloads(sizes: Sizes): Workload[] {
  const held = (contestant: Contestant) =>
    sharedOutMegabytes(contestant.parts.flatMap((part) => part.pids()));
  const cpu = (contestant: Contestant) => contestant.parts.reduce((sum, part) => sum + part.cpuSeconds(), 0);
  return [
    {
      name: 'login',
      title: 'login + PWD + QUIT',
      unit: 'ms',
      better: 'lower',
      run: async (contestant) =>
        ((await clientOf(contestant, { do: 'log in', count: sizes.logins })).seconds * 1000) / sizes.logins,
    },
    {
      name: 'noop',
      title: 'NOOP, there and back',
      unit: 'ms',
      better: 'lower',
      run: async (contestant) =>
        ((await clientOf(contestant, { do: 'noop', count: sizes.noops })).seconds * 1000) / sizes.noops,
    },
    {
      name: 'idle-sessions',
      title: `memory that ${sizes.idleSessions} idle sessions take on top`,
      unit: 'MB',
      better: 'lower',
      async run(contestant) {
        await sleep(SETTLE_MS);
        const before = held(contestant);
        const { host, port, login } = ftpOf(contestant);
        const sessions: FtpSession[] = [];
        try {
          while (sessions.length < sizes.idleSessions)
            sessions.push(await FtpSession.open(host, port, login));
          await sleep(SETTLE_MS);
          return held(contestant) - before;
        } finally {
          await Promise.all(sessions.map((session) => session.close()));
        }
      },
    },
    {
      name: 'idle-cpu',
      title: 'CPU while nothing happens',
      unit: '% of a core',
      better: 'lower',
      onlyRuns: 1,
      async run(contestant) {
        await sleep(SETTLE_MS);
        const [before, begin] = [cpu(contestant), performance.now()];
        await sleep(sizes.idleSeconds * 1000);
        return ((cpu(contestant) - before) / ((performance.now() - begin) / 1000)) * 100;
      },
    },
    {
      name: 'start',
      title: 'start to 220',
      unit: 'ms',
      better: 'lower',
      only: ['vsftpd', 'pyftpdlib', 'cloudroid-1'],
      prepare: async (contestant) => await contestant.stop(),
      async run(contestant) {
        const begin = performance.now();
        await contestant.start();
        return performance.now() - begin;
      },
    },
  ];
}
