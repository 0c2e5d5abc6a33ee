/** Who runs in the benchmark: Cloudroid with 1 and 3 members, and vsftpd where Debian's package is installed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree } from './process-figures.ts';

export interface Contestant {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly login: string;
  /** Path under which it may write, with slashes at both ends. */
  readonly root: string;
  /** Pids of all its processes now. */
  pids(): number[];
  stop(): Promise<void>;
}

const repository = join(import.meta.dirname, '..', '..');

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilBanner(host: string, port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with status ${child.exitCode}`);
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, host);
      socket.once('data', (chunk) => resolve(chunk.toString().startsWith('220')));
      socket.once('error', () => resolve(false));
      socket.setTimeout(2000, () => resolve(false));
      socket.once('data', () => socket.destroy());
      socket.once('timeout', () => socket.destroy());
    });
    if (greeted) return;
    await sleep(100);
  }
  throw new Error(`nothing answered on ${host}:${port} within 60 s`);
}

async function stopByPid(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(timer);
    }),
  );
}

/** Starts `count` members on 127.0.0.1.. that know each other; clients talk to the first. */
export async function startCloudroid(count: number, folder: string): Promise<Contestant> {
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const places = await Promise.all(
    hosts.map(async (host) => ({ host, ftp: await freePort(host), storage: await freePort(host) })),
  );
  mkdirSync(folder, { recursive: true });
  const key = join(folder, 'network.key');
  const children: ChildProcess[] = [];
  for (const [index, place] of places.entries()) {
    const data = join(folder, String(index + 1));
    mkdirSync(data, { recursive: true });
    const peers = join(data, 'PEERS.txt');
    const others = places.filter((other) => other !== place);
    writeFileSync(peers, others.map((other) => `${other.host}:${other.storage}\n`).join(''));
    const from = 20_000 + index * 200;
    const child = spawn(
      process.execPath,
      [
        join(repository, 'dist', 'main.js'),
        'run',
        ...['--data', data, '--name', `bench-${index + 1}`, '--peers', peers, '--network-key', key],
        ...['--listen', `${place.host}:${place.ftp}`, '--storage-listen', `${place.host}:${place.storage}`],
        ...[
          '--passive-ports',
          `${from}-${from + 99}`,
          '--storage-passive-ports',
          `${from + 100}-${from + 199}`,
        ],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CLOUDROID_LOG_LEVEL: 'error' } },
    );
    children.push(child);
    await untilBanner(place.host, place.ftp, child);
  }
  const first = places[0];
  if (first === undefined) throw new Error('at least one member');
  // Members meet within a few seconds; a measurement with a peer still away would flatter us.
  if (count > 1) await sleep(6000);
  return {
    name: `cloudroid, ${count} ${count === 1 ? 'member' : 'members'}`,
    host: first.host,
    port: first.ftp,
    login: 'guest:guest',
    root: '/',
    pids: () => children.flatMap((child) => (child.pid === undefined ? [] : processTree(child.pid))),
    stop: () => stopByPid(children),
  };
}

/** vsftpd as Debian ships it, anonymous uploads allowed, on loopback; null where it is not installed or we are not root. */
export async function startVsftpd(folder: string): Promise<Contestant | null> {
  const program = '/usr/sbin/vsftpd';
  if (!existsSync(program) || process.getuid?.() !== 0) return null;
  const port = await freePort('127.0.0.1');
  const root = join(folder, 'root');
  mkdirSync(join(root, 'up'), { recursive: true });
  // Anonymous uploads are written by `ftp_username`, which must not be root.
  chmodSync(join(root, 'up'), 0o777);
  const configuration = join(folder, 'vsftpd.conf');
  writeFileSync(
    configuration,
    [
      'listen=YES',
      'listen_address=127.0.0.1',
      `listen_port=${port}`,
      'background=NO',
      'anonymous_enable=YES',
      `anon_root=${root}`,
      'write_enable=YES',
      'anon_upload_enable=YES',
      'anon_mkdir_write_enable=YES',
      'anon_other_write_enable=YES',
      'anon_umask=022',
      'ftp_username=ftp',
      'chown_uploads=NO',
      'allow_writeable_chroot=YES',
      'secure_chroot_dir=/var/run/vsftpd/empty',
      'seccomp_sandbox=NO',
      'no_anon_password=YES',
      '',
    ].join('\n'),
  );
  mkdirSync('/var/run/vsftpd/empty', { recursive: true });
  const child = spawn(program, [configuration], { stdio: ['ignore', 'inherit', 'inherit'] });
  await untilBanner('127.0.0.1', port, child);
  return {
    name: 'vsftpd',
    host: '127.0.0.1',
    port,
    login: 'anonymous:bench',
    root: '/up/',
    pids: () => (child.pid === undefined ? [] : processTree(child.pid)),
    stop: () => stopByPid([child]),
  };
}
