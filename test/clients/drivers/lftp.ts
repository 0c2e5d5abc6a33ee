/** lftp: a script on the command line; any failure ends it with a status. It has no append. */
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

const secured = {
  none: ['set ftp:ssl-allow no'],
  explicit: ['set ftp:ssl-force yes', 'set ftp:ssl-protect-data yes', 'set ssl:verify-certificate no'],
  implicit: ['set ftp:ssl-protect-data yes', 'set ssl:verify-certificate no'],
} as const;

const openAt = ({ host, port, user, password, security }: Door): string =>
  [
    ...secured[security],
    `open -u ${user},${password} ${security === 'implicit' ? 'ftps' : 'ftp'}://${host}:${port}`,
  ].join('; ');

const quote = (word: string): string => `"${word.replace(/["\\]/g, '\\$&')}"`;

export async function lftp(t: ExecutionContext, door: Door, command: string) {
  const settings = [
    'set cmd:fail-exit yes',
    'set net:max-retries 1',
    'set net:timeout 60',
    'set xfer:clobber yes',
  ];
  return await succeed(t, 'lftp', ['--norc', '-c', [...settings, openAt(door), command].join('; ')]);
}

export const lftpProgram: FtpProgram = {
  title: 'lftp',
  needs: ['lftp'],
  secures: ['explicit', 'implicit'],
  async upload(t, door, local, remote) {
    await lftp(t, door, `put ${quote(local)} -o ${quote(remote)}`);
  },
  async download(t, door, remote, local) {
    await lftp(t, door, `get ${quote(remote)} -o ${quote(local)}`);
  },
  async makeFolder(t, door, folder) {
    await lftp(t, door, `mkdir ${quote(folder)}`);
  },
  async list(t, door, folder) {
    return linesOf((await lftp(t, door, `cd ${quote(folder)}; nlist`)).stdout);
  },
  async rename(t, door, from, to) {
    await lftp(t, door, `mv ${quote(from)} ${quote(to)}`);
  },
  async remove(t, door, remote) {
    await lftp(t, door, `rm ${quote(remote)}`);
  },
  async removeFolder(t, door, folder) {
    await lftp(t, door, `rmdir ${quote(folder)}`);
  },
  async resumeUpload(t, door, local, remote) {
    await lftp(t, door, `put -c ${quote(local)} -o ${quote(remote)}`);
  },
  async resumeDownload(t, door, remote, local) {
    await lftp(t, door, `get -c ${quote(remote)} -o ${quote(local)}`);
  },
  async sendFolder(t, door, local, remote) {
    await lftp(t, door, `mirror --parallel=4 -R ${quote(local)} ${quote(remote)}`);
  },
  async fetchFolder(t, door, remote, local) {
    await lftp(t, door, `mirror --parallel=4 ${quote(remote)} ${quote(local)}`);
  },
};
