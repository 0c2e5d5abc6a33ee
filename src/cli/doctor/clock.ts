/** Boards without a battery start in 1970, or where they were switched off. */
import { execFile } from 'node:child_process';
import { type Finding, ok, problem, warning } from './finding.ts';

const CHECK = 'clock';
/** When this was written; no clock is right that is before it. */
const EARLIEST = Date.UTC(2026, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

export async function checkClock(now = Date.now(), synchronised = timedatectl): Promise<Finding[]> {
  const cure = 'Connect the board to the network; it gets the time there (timedatectl set-ntp true).';
  if (now < EARLIEST || now > LATEST) {
    return [problem(CHECK, `says ${new Date(now).toISOString().slice(0, 16)}, which cannot be`, cure)];
  }
  const time = `${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return (await synchronised()) === false
    ? [warning(CHECK, `${time}, not synchronised with the network`, cure)]
    : [ok(CHECK, time)];
}

/** Null: nobody can say. */
function timedatectl(): Promise<boolean | null> {
  return new Promise((resolve) => {
    execFile(
      'timedatectl',
      ['show', '--property=NTPSynchronized', '--value'],
      { timeout: 5000 },
      (error, stdout) => {
        const said = stdout.trim();
        resolve(error !== null || (said !== 'yes' && said !== 'no') ? null : said === 'yes');
      },
    );
  });
}
