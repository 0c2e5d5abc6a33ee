/** Whether a package may be installed here. */
import type { DebianPackage } from './debian-package.ts';
import { PACKAGE } from './debian-package.ts';

export interface UpdateQuestion {
  readonly offered: DebianPackage;
  readonly installed: DebianPackage | null;
  readonly architecture: string;
  /** Offered against installed. */
  readonly isNewer: boolean;
  readonly freeKib: number;
  readonly force: boolean;
}

/** Unpacked beside the old one, and the old one as a package. */
const COPIES = 2.5;

/** Why not; null: go on. */
export function objection({
  offered,
  installed,
  architecture,
  isNewer,
  freeKib,
  force,
}: UpdateQuestion): string | null {
  if (offered.name !== PACKAGE) return `This is a package of ${offered.name}, not of Cloudroid.`;
  if (offered.architecture !== architecture) {
    return `This package is for ${offered.architecture}, this machine is ${architecture}.`;
  }
  if (installed === null) {
    return 'Cloudroid is not installed as a package here: apt install ./FILE.deb installs it; a checkout is updated by git pull.';
  }
  if (!isNewer && !force) {
    const same = offered.version === installed.version;
    return same
      ? `Version ${installed.version} is installed already (--force installs it again).`
      : `Version ${offered.version} is older than ${installed.version}, which is installed (--force installs it all the same).`;
  }
  const needed = Math.ceil(offered.installedKib * COPIES);
  if (freeKib < needed)
    return `Too little room: ${Math.ceil(needed / 1024)} MiB are needed, ${Math.floor(freeKib / 1024)} MiB are free.`;
  return null;
}
