/** Whoever is measured: what to do with it, and the processes that pay for it. */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server, Target } from '../client/job.ts';
import { runClient } from '../client/run-client.ts';
import type { ProcessGroup } from '../measure/process-group.ts';

export interface Contestant {
  readonly name: string;
  readonly target: Target;
  /** Path under which it may write, with slashes at both ends. */
  readonly root: string;
  /** A program that enters its clients' place (a namespace); empty on loopback. */
  readonly clientPrefix: readonly string[];
  /** One for each member. */
  readonly parts: readonly ProcessGroup[];
  /** Folders on disk, one for each copy, where what is stored at `root` can be seen. */
  readonly copies: readonly string[];
  /** How to see that a copy is there: files by their names, or only what lies on the disk (chunks). */
  readonly copiesAre: 'files' | 'chunks';
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What a contestant cannot do on this machine; told, never an error. */
export class Skipped extends Error {
  override name = 'Skipped';
}

export function ftpOf(contestant: Contestant): Server {
  if (!('ftp' in contestant.target)) throw new Error(`${contestant.name} speaks no FTP`);
  return contestant.target.ftp;
}

/** A port that nobody listens on now. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function until(
  what: string,
  limitMs: number,
  condition: () => boolean | Promise<boolean>,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await sleep(everyMs);
  }
}

/** True as soon as the server greets with 220. */
export async function greets({ host, port }: Server): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const socket = connect(port, host);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (chunk) => end(chunk.toString().startsWith('220')));
    socket.once('error', () => end(false));
    socket.setTimeout(2000, () => end(false));
  });
}

/** The same from where the clients are. */
export async function answers(server: Server, clientPrefix: readonly string[]): Promise<boolean> {
  return await runClient({ do: 'noop', target: { ftp: server }, count: 1 }, clientPrefix).then(
    () => true,
    () => false,
  );
}
