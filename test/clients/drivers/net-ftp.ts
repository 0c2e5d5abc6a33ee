/** Perl's Net::FTP, through a small script; TLS where Perl has IO::Socket::SSL. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf, type Security } from './ftp-program.ts';

async function netFtp(t: ExecutionContext, door: Door, ...words: readonly string[]): Promise<Buffer> {
  const script = join(import.meta.dirname, 'perl-session.pl');
  const args = [script, door.security, door.host, String(door.port), door.user, door.password, ...words];
  return (await succeed(t, 'perl', args)).stdout;
}

const canTls = spawnSync('perl', ['-MNet::FTP', '-e', 'exit !Net::FTP->can_ssl']).status === 0;
const secures: readonly Security[] = canTls ? ['explicit', 'implicit'] : [];

export const netFtpProgram: FtpProgram = {
  title: "Perl's Net::FTP",
  needs: ['perl'],
  secures,
  async upload(t, door, local, remote) {
    await netFtp(t, door, 'put', remote, local);
  },
  async download(t, door, remote, local) {
    await netFtp(t, door, 'get', remote, local);
  },
  async makeFolder(t, door, folder) {
    await netFtp(t, door, 'mkdir', folder);
  },
  async list(t, door, folder) {
    return linesOf(await netFtp(t, door, 'list', folder));
  },
  async rename(t, door, from, to) {
    await netFtp(t, door, 'rename', from, to);
  },
  async remove(t, door, remote) {
    await netFtp(t, door, 'delete', remote);
  },
  async removeFolder(t, door, folder) {
    await netFtp(t, door, 'rmdir', folder);
  },
  async append(t, door, local, remote) {
    await netFtp(t, door, 'append', remote, local);
  },
  async resumeUpload(t, door, local, remote, offset) {
    await netFtp(t, door, 'resume-put', remote, local, String(offset));
  },
  async resumeDownload(t, door, remote, local, offset) {
    await netFtp(t, door, 'resume-get', remote, local, String(offset));
  },
  async sendFolder(t, door, local, remote) {
    await netFtp(t, door, 'put-all', remote, local);
  },
  async fetchFolder(t, door, remote, local) {
    await netFtp(t, door, 'get-all', remote, local);
  },
};
