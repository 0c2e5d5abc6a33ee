/** wget: fetches only, a file or a tree; sends LIST -a and leaves without QUIT. */
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import type { Door, FtpProgram } from './ftp-program.ts';

const secured = {
  none: [],
  explicit: ['--no-check-certificate'],
  implicit: ['--no-check-certificate', '--ftps-implicit'],
} as const;

function url({ host, port, security }: Door, path: string): string {
  const scheme = security === 'none' ? 'ftp' : 'ftps';
  return `${scheme}://${host}:${port}${path.split('/').map(encodeURIComponent).join('/')}`;
}

export async function wget(t: ExecutionContext, door: Door, path: string, args: readonly string[]) {
  const login = [`--user=${door.user}`, `--password=${door.password}`];
  const tries = ['--no-config', '--tries=1', '--timeout=60', '--no-verbose'];
  return await succeed(t, 'wget', [...tries, ...secured[door.security], ...login, ...args, url(door, path)]);
}

export const wgetProgram: FtpProgram = {
  title: 'wget',
  needs: ['wget'],
  secures: ['explicit', 'implicit'],
  async download(t, door, remote, local) {
    await wget(t, door, remote, ['--no-glob', '-O', local]);
  },
  async resumeDownload(t, door, remote, local) {
    await wget(t, door, remote, ['-c', '-O', local]);
  },
  async fetchFolder(t, door, remote, local) {
    await wget(t, door, `${remote}/`, ['-r', '-nH', '-nd', '-P', local]);
  },
};
