/** curl: URLs with percent escapes; what is not a transfer goes as a quoted command. */
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

function url({ host, port, security }: Door, path: string): string {
  return `${security === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}${path.split('/').map(encodeURIComponent).join('/')}`;
}

async function curl(t: ExecutionContext, door: Door, args: readonly string[]) {
  const secure = door.security === 'none' ? [] : ['--ssl-reqd', '--insecure'];
  return await succeed(t, 'curl', ['-sS', ...secure, '-u', `${door.user}:${door.password}`, ...args]);
}

async function quoted(t: ExecutionContext, door: Door, ...commands: readonly string[]): Promise<void> {
  const asked = commands.flatMap((command) => ['-Q', command]);
  await curl(t, door, [...asked, '-o', '/dev/null', url(door, '/')]);
}

/** Several at once also hides that curl 7.88 now and then sleeps a second before it connects, with any server. */
const parallel = ['--parallel', '--parallel-max', '6'];

export const curlProgram: FtpProgram = {
  title: 'curl',
  needs: ['curl'],
  secures: ['explicit', 'implicit'],
  async upload(t, door, local, remote) {
    await curl(t, door, ['--globoff', '-T', local, url(door, remote)]);
  },
  async download(t, door, remote, local) {
    await curl(t, door, ['--globoff', '-o', local, url(door, remote)]);
  },
  makeFolder: (t, door, folder) => quoted(t, door, `MKD ${folder}`),
  async list(t, door, folder) {
    return linesOf((await curl(t, door, ['--globoff', '-l', url(door, `${folder}/`)])).stdout);
  },
  rename: (t, door, from, to) => quoted(t, door, `RNFR ${from}`, `RNTO ${to}`),
  remove: (t, door, remote) => quoted(t, door, `DELE ${remote}`),
  removeFolder: (t, door, folder) => quoted(t, door, `RMD ${folder}`),
  async append(t, door, local, remote) {
    await curl(t, door, ['--globoff', '--append', '-T', local, url(door, remote)]);
  },
  async resumeUpload(t, door, local, remote) {
    await curl(t, door, ['--globoff', '-C', '-', '-T', local, url(door, remote)]);
  },
  async resumeDownload(t, door, remote, local) {
    await curl(t, door, ['--globoff', '-C', '-', '-o', local, url(door, remote)]);
  },
  async sendFolder(t, door, local, remote) {
    await curl(t, door, [...parallel, '-T', `${local}/file-[001-300]`, url(door, `${remote}/`)]);
  },
  async fetchFolder(t, door, remote, local) {
    await curl(t, door, [...parallel, `${url(door, remote)}/file-[001-300]`, '-o', `${local}/file-#1`]);
  },
};
