/** Runs the client program, in a network namespace where one is asked for. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Done, Job } from './job.ts';

const program = join(import.meta.dirname, 'client.ts');
const LIMIT_MS = 300_000;

export interface Finished {
  readonly begin: bigint;
  readonly end: bigint;
  readonly seconds: number;
}

export async function runClient(job: Job, prefix: readonly string[] = []): Promise<Finished> {
  const [command = '', ...args] = [...prefix, process.execPath, program, JSON.stringify(job)];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT_MS });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone'));
  });
  if (status !== 0) {
    const why = /^\w*Error.*$/m.exec(err)?.[0] ?? err.trim().split('\n').at(-1) ?? '';
    throw new Error(`client, ${job.do}: status ${status}${why === '' ? '' : `, ${why}`}`);
  }
  const { begin, end } = JSON.parse(out) as Done;
  const [from, to] = [BigInt(begin), BigInt(end)];
  return { begin: from, end: to, seconds: Number(to - from) / 1e9 };
}
