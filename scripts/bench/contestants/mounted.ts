/** What the file systems have in common: programs of Debian, FUSE, and a mount that only their own processes see. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Skipped } from './contestant.ts';

const FUSE = '/dev/fuse';

/** Throws Skipped with the reason when this machine cannot mount them. */
export function needFuse(packages: string, ...programs: readonly string[]): void {
  for (const program of programs)
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
      throw new Skipped(`${program} is not installed (apt install ${packages})`);
  if (process.getuid?.() !== 0) throw new Skipped('needs root');
  if (!existsSync(FUSE)) throw new Skipped(`no ${FUSE} here`);
  try {
    closeSync(openSync(FUSE, 'r+'));
  } catch (error) {
    throw new Skipped(`${FUSE} cannot be opened (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** A shell script in a mount namespace of its own: what it mounts goes with its last process. */
export function withOwnMounts(
  prefix: readonly string[],
  script: string,
  ...args: readonly string[]
): string[] {
  return [
    ...prefix,
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-e',
    '-c',
    script,
    'sh',
    ...args,
  ];
}

/** Enters the namespaces (mounts and network) of a running process. */
export function inside(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--mount', '--net'];
}

export function isMounted(pid: number, folder: string, type: string): boolean {
  const { stdout } = spawnSync('sh', ['-c', `grep -F " ${folder} ${type}" /proc/${pid}/mounts`], {
    encoding: 'utf8',
  });
  return stdout !== '';
}

export function runOrThrow(command: readonly string[], limitMs = 60_000): string {
  const [program = '', ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: limitMs });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${(stderr || stdout || 'no answer').trim()}`);
  return stdout;
}
