/** Python's ftplib, through a small script: TYPE A listings, PASV; it has no implicit TLS. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

/** Debian's where there is one: what else is called python3 may be a slow script around it. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

async function ftplib(t: ExecutionContext, door: Door, ...words: readonly string[]): Promise<Buffer> {
  const script = join(import.meta.dirname, 'python-session.py');
  const args = [script, door.security, door.host, String(door.port), door.user, door.password, ...words];
  return (await succeed(t, python, args)).stdout;
}

export const ftplibProgram: FtpProgram = {
  title: 'Python ftplib',
  needs: ['python3'],
  secures: ['explicit'],
  async upload(t, door, local, remote) {
    await ftplib(t, door, 'put', remote, local);
  },
  async download(t, door, remote, local) {
    await ftplib(t, door, 'get', remote, local);
  },
  async makeFolder(t, door, folder) {
    await ftplib(t, door, 'mkdir', folder);
  },
  async list(t, door, folder) {
    return linesOf(await ftplib(t, door, 'list', folder));
  },
  async rename(t, door, from, to) {
    await ftplib(t, door, 'rename', from, to);
  },
  async remove(t, door, remote) {
    await ftplib(t, door, 'delete', remote);
  },
  async removeFolder(t, door, folder) {
    await ftplib(t, door, 'rmdir', folder);
  },
  async append(t, door, local, remote) {
    await ftplib(t, door, 'append', remote, local);
  },
  async resumeUpload(t, door, local, remote, offset) {
    await ftplib(t, door, 'resume-put', remote, local, String(offset));
  },
  async resumeDownload(t, door, remote, local, offset) {
    await ftplib(t, door, 'resume-get', remote, local, String(offset));
  },
  async sendFolder(t, door, local, remote) {
    await ftplib(t, door, 'put-all', remote, local);
  },
  async fetchFolder(t, door, remote, local) {
    await ftplib(t, door, 'get-all', remote, local);
  },
};
