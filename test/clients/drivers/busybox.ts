/** busybox ftpput and ftpget, what small devices have: whole files only, one a call; -c goes on with a download. No TLS. */
import { succeed } from '../../network/program.ts';
import type { Door, FtpProgram } from './ftp-program.ts';

const login = ({ port, user, password }: Door): readonly string[] => [
  ...['-P', String(port)],
  ...['-u', user, '-p', password],
];

export const busyboxProgram: FtpProgram = {
  title: 'busybox ftpput and ftpget',
  needs: ['busybox'],
  async upload(t, door, local, remote) {
    await succeed(t, 'busybox', ['ftpput', ...login(door), door.host, remote, local]);
  },
  async download(t, door, remote, local) {
    await succeed(t, 'busybox', ['ftpget', ...login(door), door.host, local, remote]);
  },
  async resumeDownload(t, door, remote, local) {
    await succeed(t, 'busybox', ['ftpget', '-c', ...login(door), door.host, local, remote]);
  },
};
