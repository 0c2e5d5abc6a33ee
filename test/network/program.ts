/** Real programs, run to their end. */
import { spawn, spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';

export interface ProgramResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Both, for messages. */
  readonly text: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly environment?: { readonly [name: string]: string };
  /** Killed then, and the result says SIGKILL. */
  readonly withinMs?: number;
}

/** False when the machine lacks the program; the test then says so aloud and ends. */
export function hasProgram(t: ExecutionContext, name: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  if (!found) {
    t.log(`skipped: no ${name} here`);
    t.pass();
  }
  return found;
}

export async function run(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: options.cwd ?? '/nonexistent', ...options.environment },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), options.withinMs ?? 120_000);
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, name) => resolve([code, name]));
  });
  clearTimeout(timer);
  const stdout = Buffer.concat(out);
  const stderr = Buffer.concat(err).toString('utf8');
  return { status, signal, stdout, stderr, text: `${stdout.toString('utf8')}${stderr}` };
}

/** Fails the test with everything the program said unless it ended with 0. */
export async function succeed(
  t: ExecutionContext,
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  const result = await run(program, args, options);
  t.is(result.status, 0, `${program} ${args.join(' ')}\n${result.signal ?? ''}${result.text}`);
  return result;
}
