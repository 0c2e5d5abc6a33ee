/**
 * For a power cut in the middle: at the next start the version that was there before is put back, by a script that needs
 * nothing of what is being replaced. Removed when the update has ended, either way.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineSays } from './machine-says.ts';

const UNIT = 'cloudroid-update-undo.service';
const unitFile = join('/etc/systemd/system', UNIT);

const script = (folder: string, stateDir: string): string => `#!/bin/sh
# An update of Cloudroid was cut off: back to the version that was there.
set -e
# The services wait for this script: the package's own scripts must not wait for them.
export CLOUDROID_NO_START=1
dpkg --force-confdef --force-confold -i '${folder}/previous.deb'
if [ -d '${folder}/catalog' ]; then
  rm -rf '${stateDir}/'catalog.sqlite* && cp -a '${folder}/catalog/.' '${stateDir}/'
  chown -R cloudroid:cloudroid '${stateDir}'
  chmod 700 '${stateDir}'
fi
rm -f '${unitFile}' /etc/systemd/system/multi-user.target.wants/${UNIT}
systemctl daemon-reload
rm -rf '${folder}'
`;

const unit = (file: string): string => `[Unit]
Description=Puts back the version of Cloudroid that an update cut off by a power cut was to replace
Before=cloudroid-ftp.service cloudroid-proxy.service cloudroid-sweep.service
[Service]
Type=oneshot
ExecStart=${file}
TimeoutStartSec=15min
[Install]
WantedBy=multi-user.target
`;

export async function armUndo(folder: string, stateDir: string): Promise<void> {
  const file = join(folder, 'undo');
  writeFileSync(file, script(folder, stateDir), { mode: 0o755 });
  writeFileSync(unitFile, unit(file));
  await machineSays('systemctl', ['enable', UNIT]);
  await machineSays('sync', []);
}

export async function disarmUndo(): Promise<void> {
  await machineSays('systemctl', ['disable', UNIT]).catch(() => undefined);
  rmSync(unitFile, { force: true });
  await machineSays('systemctl', ['daemon-reload']).catch(() => undefined);
}
