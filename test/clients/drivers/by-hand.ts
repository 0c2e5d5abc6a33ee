/**
 * A person at telnet, and a script with nc: the control connection typed line by line, the data connection made with nc
 * to the port that EPSV named; no TLS, and no more than one file at a time. Both helpers take the same words: what to do, remote path, and local file or new name.
 */
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { succeed } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

type Typist = (t: ExecutionContext, door: Door, ...words: readonly string[]) => Promise<Buffer>;

function program(title: string, needs: readonly string[], type: Typist): FtpProgram {
  return {
    title,
    needs,
    async upload(t, door, local, remote) {
      await type(t, door, 'put', remote, local);
    },
    async download(t, door, remote, local) {
      await type(t, door, 'get', remote, local);
    },
    async makeFolder(t, door, folder) {
      await type(t, door, 'say', `MKD ${folder}`, '257');
    },
    async list(t, door, folder) {
      return linesOf(await type(t, door, 'list', folder));
    },
    async rename(t, door, from, to) {
      await type(t, door, 'say', `RNFR ${from}`, '350', `RNTO ${to}`, '250');
    },
    async remove(t, door, remote) {
      await type(t, door, 'say', `DELE ${remote}`, '250');
    },
    async removeFolder(t, door, folder) {
      await type(t, door, 'say', `RMD ${folder}`, '250');
    },
    async append(t, door, local, remote) {
      await type(t, door, 'append', remote, local);
    },
    async resumeUpload(t, door, local, remote, offset) {
      await type(t, door, 'resume-put', remote, local, String(offset));
    },
    async resumeDownload(t, door, remote, local, offset) {
      await type(t, door, 'resume-get', remote, local, String(offset));
    },
  };
}

function typist(command: string, script: string): Typist {
  return async (t, door, ...words) => {
    const args = [join(import.meta.dirname, script), door.host, String(door.port), door.user, door.password];
    return (await succeed(t, command, [...args, ...words])).stdout;
  };
}

export const telnetProgram: FtpProgram = {
  ...program('telnet driven by expect', ['expect', 'telnet', 'nc'], typist('expect', 'telnet.exp')),
  // Tcl 8.6 takes a character past U+FFFF apart.
  cannotSay: (name) => (/[\u{10000}-\u{10ffff}]/u.test(name) ? 'expect knows no such character' : null),
};
export const netcatProgram = program('nc with bare LF', ['bash', 'nc'], typist('bash', 'netcat.sh'));
