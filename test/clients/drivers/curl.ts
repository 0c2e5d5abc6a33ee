/** curl: URLs with percent escapes; what is not a transfer goes as a quoted command. */
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

function url({ host, port }: Door, path: string): string {
  return `ftp://${host}:${port}${path.split('/').map(encodeURIComponent).join('/')}`;
}

async function curl(t: ExecutionContext, door: Door, args: readonly string[]) {
  return await succeed(t, 'curl', ['-sS', '--globoff', '-u', `${door.user}:${door.password}`, ...args]);
}

async function quoted(t: ExecutionContext, door: Door, ...commands: readonly string[]): Promise<void> {
  await curl(t, door, [...commands.flatMap((command) => ['-Q', command]), '-o', '/dev/null', url(door, '/')]);
}

export const curlProgram: FtpProgram = {
  title: 'curl',
  needs: ['curl'],
  async upload(t, door, local, remote) {
    await curl(t, door, ['-T', local, url(door, remote)]);
  },
  async download(t, door, remote, local) {
    await curl(t, door, ['-o', local, url(door, remote)]);
  },
  makeFolder: (t, door, folder) => quoted(t, door, `MKD ${folder}`),
  async list(t, door, folder) {
    return linesOf((await curl(t, door, ['-l', url(door, `${folder}/`)])).stdout);
  },
  rename: (t, door, from, to) => quoted(t, door, `RNFR ${from}`, `RNTO ${to}`),
  remove: (t, door, remote) => quoted(t, door, `DELE ${remote}`),
  removeFolder: (t, door, folder) => quoted(t, door, `RMD ${folder}`),
  async append(t, door, local, remote) {
    await curl(t, door, ['--append', '-T', local, url(door, remote)]);
  },
  async resumeUpload(t, door, local, remote) {
    await curl(t, door, ['-C', '-', '-T', local, url(door, remote)]);
  },
  async resumeDownload(t, door, remote, local) {
    await curl(t, door, ['-C', '-', '-o', local, url(door, remote)]);
  },
};
