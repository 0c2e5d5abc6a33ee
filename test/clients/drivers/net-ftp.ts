/** Perl's Net::FTP, through a small script; TLS where Perl has IO::Socket::SSL. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

async function netFtp(t: ExecutionContext, door: Door, ...words: readonly string[]): Promise<Buffer> {
  const script = join(import.meta.dirname, 'perl-session.pl');
  const args = [script, door.security, door.host, String(door.port), door.user, door.password, ...words];
  return (await succeed(t, 'perl', args)).stdout;
}

const perlSays = (program: string): boolean => spawnSync('perl', ['-MNet::FTP', '-e', program]).status === 0;

export const netFtpProgram: FtpProgram = {
  title: "Perl's Net::FTP",
  // Debian's perl-base has no Net::FTP; a name that is no program makes the test say what is missing.
  needs: ['perl', ...(perlSays('exit 0') ? [] : ['Net::FTP'])],
  secures: ['explicit', 'implicit'],
  secureNeeds: perlSays('exit !Net::FTP->can_ssl') ? [] : ['IO::Socket::SSL'],
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
