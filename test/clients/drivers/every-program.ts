/** The FTP programs that the tests drive. */
import { basicFtpProgram } from './basic-ftp.ts';
import { inetutilsProgram, tnftpProgram } from './bsd-ftp.ts';
import { busyboxProgram } from './busybox.ts';
import { netcatProgram, telnetProgram } from './by-hand.ts';
import { curlProgram } from './curl.ts';
import type { FtpProgram } from './ftp-program.ts';
import { ftplibProgram } from './ftplib.ts';
import { lftpProgram } from './lftp.ts';
import { ncftpProgram } from './ncftp.ts';
import { netFtpProgram } from './net-ftp.ts';
import { rcloneProgram } from './rclone.ts';
import { wgetProgram } from './wget.ts';

export const everyProgram: readonly FtpProgram[] = [
  curlProgram,
  lftpProgram,
  tnftpProgram,
  inetutilsProgram,
  ncftpProgram,
  wgetProgram,
  rcloneProgram,
  ftplibProgram,
  busyboxProgram,
  telnetProgram,
  netcatProgram,
  basicFtpProgram,
  netFtpProgram,
];
