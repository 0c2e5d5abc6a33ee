/**
 * ncftpput, ncftpget, ncftpls for one thing each, and the shell ncftp for the rest, which ends with 0 whatever happened:
 * what it says is read. No TLS.
 */
import type { ExecutionContext } from 'ava';
import { run, succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

const login = ({ port, user, password }: Door): readonly string[] => [
  ...['-u', user, '-p', password],
  ...['-P', String(port)],
];

const quote = (word: string): string => word.replace(/[^\w./\u0080-\u{10ffff}-]/gu, '\\$&');

async function shell(t: ExecutionContext, door: Door, command: string): Promise<void> {
  const { status, text } = await run('ncftp', [...login(door), door.host], { input: `${command}\nquit\n` });
  t.is(status, 0, text);
  t.notRegex(text, /server said|Unbalanced|usage|no such|Could not|not found/i, `${command}\n${text}`);
}

export const ncftpProgram: FtpProgram = {
  title: 'ncftp, ncftpput, ncftpget and ncftpls',
  needs: ['ncftp', 'ncftpput', 'ncftpget', 'ncftpls'],
  async upload(t, door, local, remote) {
    await succeed(t, 'ncftpput', [...login(door), '-C', door.host, local, remote]);
  },
  async download(t, door, remote, local) {
    await succeed(t, 'ncftpget', [...login(door), '-C', door.host, remote, local]);
  },
  makeFolder: (t, door, folder) => shell(t, door, `mkdir ${quote(folder)}`),
  async list(t, door, folder) {
    const path = folder.split('/').map(encodeURIComponent).join('/');
    const url = `ftp://${door.host}${path}/`;
    return linesOf((await succeed(t, 'ncftpls', [...login(door), '-1', url])).stdout);
  },
  rename: (t, door, from, to) => shell(t, door, `rename ${quote(from)} ${quote(to)}`),
  remove: (t, door, remote) => shell(t, door, `rm ${quote(remote)}`),
  removeFolder: (t, door, folder) => shell(t, door, `rmdir ${quote(folder)}`),
  async append(t, door, local, remote) {
    await succeed(t, 'ncftpput', [...login(door), '-A', '-C', door.host, local, remote]);
  },
  async resumeUpload(t, door, local, remote) {
    // Without -s it sends REST and then, by sendfile(), the whole file from its beginning, to any server.
    await succeed(t, 'ncftpput', [...login(door), '-s', '-z', '-C', door.host, local, remote]);
  },
  async resumeDownload(t, door, remote, local) {
    await succeed(t, 'ncftpget', [...login(door), '-z', '-C', door.host, remote, local]);
  },
  async sendFolder(t, door, local, remote) {
    const names = ['-c', 'exec ncftpput "$@" "$0"/file-*', local];
    await succeed(t, 'sh', [...names, ...login(door), door.host, remote]);
  },
  async fetchFolder(t, door, remote, local) {
    await succeed(t, 'ncftpget', [...login(door), door.host, local, `${remote}/file-*`]);
  },
};
