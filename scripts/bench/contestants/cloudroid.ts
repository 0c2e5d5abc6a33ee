/** Cloudroid: `run` for each member, compiled, as the package starts it. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup } from '../measure/process-group.ts';
import { answers, type Contestant, freePort, greets, until } from './contestant.ts';

const START_LIMIT_MS = 90_000;

export interface Place {
  readonly host: string;
  /** A program that enters the member's network namespace; empty on loopback. */
  readonly prefix: readonly string[];
}

export interface CloudroidOptions {
  /** The program's main file. */
  readonly main: string;
  readonly places: readonly Place[];
  readonly folder: string;
  readonly clientPrefix?: readonly string[];
}

interface Member extends Place {
  readonly args: readonly string[];
  readonly group: ProcessGroup;
  readonly port: number;
  readonly filesDir: string;
}

async function statusOf(main: string, { prefix, args }: Member): Promise<string> {
  const [command = '', ...more] = [...prefix, process.execPath, main, 'status', '--json', ...args];
  const child = spawn(command, more, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return text;
}

/** Every other member is in step, so that an upload goes to all of them. */
async function inStep(main: string, member: Member, others: number): Promise<boolean> {
  const text = await statusOf(main, member);
  return [...text.matchAll(/"state": "in step"/g)].length >= others;
}

/** Members in the given places that know each other; clients talk to the first. */
export async function cloudroid(options: CloudroidOptions): Promise<Contestant> {
  const { main, places, folder, clientPrefix = [] } = options;
  const inNamespaces = clientPrefix.length > 0;
  const ports = await Promise.all(
    places.map(async ({ host }) =>
      inNamespaces
        ? { ftp: 6000, storage: 6001 }
        : { ftp: await freePort(host), storage: await freePort(host) },
    ),
  );
  mkdirSync(folder, { recursive: true });
  const members = places.map((place, index): Member => {
    const name = `member-${index + 1}`;
    const own = join(folder, name);
    mkdirSync(own, { recursive: true });
    const peers = join(own, 'PEERS.txt');
    const lines = places.map(({ host }, other) =>
      other === index ? '' : `${host}:${ports[other]?.storage}\n`,
    );
    writeFileSync(peers, lines.join(''));
    const { ftp = 0, storage = 0 } = ports[index] ?? {};
    const from = inNamespaces ? 20_000 : 20_000 + index * 800;
    const args = [
      ...['--data', join(own, 'data'), '--name', name, '--peers', peers],
      ...['--network-key', join(folder, 'network.key')],
      ...['--listen', `${place.host}:${ftp}`, '--storage-listen', `${place.host}:${storage}`],
      ...[
        '--passive-ports',
        `${from}-${from + 499}`,
        '--storage-passive-ports',
        `${from + 500}-${from + 699}`,
      ],
      // One machine plays many clients here.
      ...['--logins-per-minute', '100000', '--log-level', 'error'],
    ];
    return { ...place, args, port: ftp, group: new ProcessGroup(name), filesDir: join(own, 'data', 'files') };
  });
  const [first] = members;
  if (first === undefined) throw new Error('at least one member');
  const count = members.length;
  const server = { host: first.host, port: first.port, login: 'guest:guest' };
  const launch = async (member: Member): Promise<void> => {
    const flags = ['--max-semi-space-size=1'];
    member.group.spawn([...member.prefix, process.execPath, ...flags, main, 'run', ...member.args]);
    const { host, port } = member;
    if (!inNamespaces)
      await until(`${member.group.name} greets`, START_LIMIT_MS, () => greets({ ...server, host, port }), 2);
  };
  return {
    name: `cloudroid-${count}`,
    target: { ftp: server },
    root: '/',
    clientPrefix,
    parts: members.map(({ group }) => group),
    copies: members.map(({ filesDir }) => filesDir),
    copiesAre: 'files',
    async start() {
      // The first makes the network key before the others look for it.
      for (const member of members) await launch(member);
      if (inNamespaces)
        await until('the first member answers', START_LIMIT_MS, () => answers(server, clientPrefix));
      for (const member of count > 1 ? members : [])
        await until(
          `${member.group.name} in step`,
          START_LIMIT_MS,
          () => inStep(main, member, count - 1),
          200,
        );
    },
    async stop() {
      await Promise.all(members.map(({ group }) => group.stop()));
    },
  };
}
