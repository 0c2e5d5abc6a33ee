/** tnftp (what `ftp` is on Debian and the BSDs): commands on stdin; it always ends with 0, so its replies are read. */
import { readFile, rm } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { run } from '../../network/program.ts';
import { type Door, type FtpProgram, linesOf } from './ftp-program.ts';

/** Inside its quotes nothing can be escaped; a backslash before each special character works. */
const quote = (word: string): string => word.replace(/[^\w./\u0080-\u{10ffff}-]/gu, '\\$&');

async function tnftp(t: ExecutionContext, door: Door, ...commands: readonly string[]): Promise<void> {
  const script = [`user ${door.user} ${door.password}`, 'binary', ...commands, 'quit', ''].join('\n');
  const { status, text } = await run('tnftp', ['-n', '-v', '-i', door.host, String(door.port)], {
    input: script,
  });
  t.is(status, 0, text);
  // 500/502 may answer what it merely tries out after the login.
  const refused = text
    .split('\n')
    .filter((line) => /^(4\d\d|5[35]\d|50[134]) |^ftp: |^usage: |^\?/.test(line));
  t.deepEqual(refused, [], `${commands.join('\n')}\n${text}`);
}

export const tnftpProgram: FtpProgram = {
  title: 'tnftp',
  needs: ['tnftp'],
  upload: (t, door, local, remote) => tnftp(t, door, `put ${quote(local)} ${quote(remote)}`),
  download: (t, door, remote, local) => tnftp(t, door, `get ${quote(remote)} ${quote(local)}`),
  makeFolder: (t, door, folder) => tnftp(t, door, `mkdir ${quote(folder)}`),
  async list(t, door, folder) {
    const file = `/tmp/tnftp-list-${process.pid}-${Math.random()}`;
    try {
      await tnftp(t, door, `cd ${quote(folder)}`, `nlist . ${file}`);
      return linesOf(await readFile(file)).map((name) => name.replace(/^\.\//, ''));
    } finally {
      await rm(file, { force: true });
    }
  },
  rename: (t, door, from, to) => tnftp(t, door, `rename ${quote(from)} ${quote(to)}`),
  remove: (t, door, remote) => tnftp(t, door, `delete ${quote(remote)}`),
  removeFolder: (t, door, folder) => tnftp(t, door, `rmdir ${quote(folder)}`),
  append: (t, door, local, remote) => tnftp(t, door, `append ${quote(local)} ${quote(remote)}`),
  resumeUpload: (t, door, local, remote, offset) =>
    tnftp(t, door, `restart ${offset}`, `put ${quote(local)} ${quote(remote)}`),
  resumeDownload: (t, door, remote, local) => tnftp(t, door, `reget ${quote(remote)} ${quote(local)}`),
};
