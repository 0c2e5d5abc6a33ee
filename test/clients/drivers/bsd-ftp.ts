/**
 * The two descendants of BSD's `ftp` that Debian has: tnftp (EPSV) and inetutils-ftp (PORT: the server connects). Both take
 * commands on stdin and always end with 0, so their replies are read. No TLS. Called by their own names: `ftp` is either.
 */
import { readFile, rm } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { run } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

/** Inside their quotes nothing can be escaped; a backslash before each special character works. */
const quote = (word: string): string => word.replace(/[^\w./\u0080-\u{10ffff}-]/gu, '\\$&');

function bsdFtp(title: string, name: string): FtpProgram {
  async function session(t: ExecutionContext, door: Door, ...commands: readonly string[]): Promise<void> {
    const script = [`user ${door.user} ${door.password}`, 'binary', ...commands, 'quit', ''].join('\n');
    const options = { input: script };
    const { status, text } = await run(name, ['-n', '-v', '-i', door.host, String(door.port)], options);
    t.is(status, 0, text);
    // 500/502 may answer what it merely tries out after the login.
    const refused = text
      .split('\n')
      .filter((line) => /^(4\d\d|5[35]\d|50[134]) |^ftp: |^usage: |^\?/.test(line));
    t.deepEqual(refused, [], `${commands.join('\n')}\n${text}`);
  }
  return {
    title,
    needs: [name],
    upload: (t, door, local, remote) => session(t, door, `put ${quote(local)} ${quote(remote)}`),
    download: (t, door, remote, local) => session(t, door, `get ${quote(remote)} ${quote(local)}`),
    makeFolder: (t, door, folder) => session(t, door, `mkdir ${quote(folder)}`),
    async list(t, door, folder) {
      const file = `/tmp/${name}-list-${process.pid}-${Math.random()}`;
      try {
        await session(t, door, `cd ${quote(folder)}`, `nlist . ${file}`);
        return linesOf(await readFile(file)).map((line) => line.replace(/^\.\//, ''));
      } finally {
        await rm(file, { force: true });
      }
    },
    rename: (t, door, from, to) => session(t, door, `rename ${quote(from)} ${quote(to)}`),
    remove: (t, door, remote) => session(t, door, `delete ${quote(remote)}`),
    removeFolder: (t, door, folder) => session(t, door, `rmdir ${quote(folder)}`),
    append: (t, door, local, remote) => session(t, door, `append ${quote(local)} ${quote(remote)}`),
    resumeUpload: (t, door, local, remote, offset) =>
      session(t, door, `restart ${offset}`, `put ${quote(local)} ${quote(remote)}`),
    resumeDownload: (t, door, remote, local) => session(t, door, `reget ${quote(remote)} ${quote(local)}`),
    sendFolder: (t, door, local, remote) =>
      session(t, door, `lcd ${quote(local)}`, `cd ${quote(remote)}`, 'mput file-*'),
    fetchFolder: (t, door, remote, local) =>
      session(t, door, `lcd ${quote(local)}`, `cd ${quote(remote)}`, 'mget file-*'),
  };
}

export const tnftpProgram = bsdFtp('tnftp', 'tnftp');
export const inetutilsProgram = bsdFtp('inetutils-ftp in active mode', 'inetutils-ftp');
