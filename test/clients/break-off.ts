/** A real program, killed in the middle of an upload. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Member } from '../network/member.ts';
import { waitUntil } from '../network/wait-until.ts';

/** Bytes of the file that is sent, and how many of them must be there before the program is killed. */
export const FILE_BYTES = 12_000_000;
const ENOUGH_BYTES = 1_000_000;

/** Bytes of the largest upload under way. */
function largestStaged(member: Member): number {
  const staging = join(member.filesDir, '.cloudroid', 'staging');
  const sizes = readdirSync(staging).map(
    (name) => statSync(join(staging, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return Math.max(0, ...sizes);
}

export interface LocalFile {
  readonly path: string;
  readonly bytes: Buffer;
}

export async function localFile(t: ExecutionContext): Promise<LocalFile> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-resume-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'local');
  const bytes = Buffer.from(Array.from({ length: FILE_BYTES }, (_, index) => (index * 2_654_435_761) >>> 13));
  await writeFile(path, bytes);
  return { path, bytes };
}

/** How each program uploads about three megabytes a second. */
export const slowUploads: {
  readonly [program: string]: (member: Member, local: string, name: string) => readonly string[];
} = {
  curl: ({ url }, local, name) => ['-sS', '--limit-rate', '3M', '-T', local, `${url}/${name}`],
  lftp: ({ host, port }, local, name) => [
    '--norc',
    '-c',
    `set net:limit-rate 0:3000000; set ftp:ssl-allow no; open -u guest,guest -p ${port} ${host}; put ${local} -o /${name}`,
  ],
};

/** Starts the program, kills it when a megabyte has arrived, and waits until the member has done with what came. */
export async function breakOff(member: Member, program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  const ended = once(child, 'exit');
  const staged = (enough: (bytes: number) => boolean) => () => {
    const bytes = largestStaged(member);
    return enough(bytes) ? null : `${bytes} bytes are`;
  };
  try {
    await waitUntil(
      'a megabyte has arrived',
      staged((bytes) => bytes >= ENOUGH_BYTES),
    );
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  await waitUntil(
    'nothing is under way',
    staged((bytes) => bytes === 0),
  );
}
