/** The real command as a child process, for the tests of cli/. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it wrote so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves once the text was written to either; rejects when the process ends without. */
  until(text: string | RegExp): Promise<void>;
  readonly finished: Promise<Finished>;
}

/** Variables of the tests' own environment must not reach the command. */
function cleanEnvironment(extra: { readonly [name: string]: string }): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(CLOUDROID_|JOURNAL_STREAM|NOTIFY_SOCKET|NODE_CHANNEL)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

export function start(
  args: readonly string[],
  environment: { readonly [name: string]: string } = {},
  cwd = tmpdir(),
): Running {
  const child = spawn(process.execPath, ['--no-warnings=ExperimentalWarning', main, ...args], {
    cwd,
    // With a channel it ends when the tests do, however they end.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: cleanEnvironment(environment),
  });
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const finished = new Promise<Finished>((resolve) =>
    child.once('close', (status, signal) => resolve({ status, signal, ...written })),
  );
  const holds = (text: string | RegExp): boolean => {
    const all = `${written.stdout}${written.stderr}`;
    return typeof text === 'string' ? all.includes(text) : text.test(all);
  };
  return {
    child,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    finished,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!holds(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        finished.then(() => {
          if (!holds(text)) reject(new Error(`ended without ${text}:\n${written.stdout}${written.stderr}`));
        }, reject);
      }),
  };
}

export async function runToEnd(
  args: readonly string[],
  environment?: { readonly [name: string]: string },
  cwd?: string,
): Promise<Finished> {
  return start(args, environment, cwd).finished;
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export interface Place {
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly storagePort: number;
  /** The options of a member that lives here. */
  readonly options: readonly string[];
}

/** A folder, an address of the test's own and free ports on it; the folder is removed after the test. */
export async function placeFor(t: ExecutionContext, host: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [port, storagePort] = [await freePort(host), await freePort(host)];
  const options = [
    ...['--data', join(folder, 'data'), '--peers', join(folder, 'PEERS.txt'), '--name', 'tested'],
    ...['--listen', `${host}:${port}`, '--storage-listen', `${host}:${storagePort}`],
  ];
  return { folder, host, port, storagePort, options };
}
