/** As write-until-cut.ts, on a disk that forgets: `node write-until-forgotten.ts <root> <hands> <steps>`, then it dies. */
import { join } from 'node:path';
import { forgetBelow } from './forgetful-disk.ts';

const [root = '', hands = '1', steps = '1'] = process.argv.slice(2);
const dirs = { filesDir: join(root, 'files'), stateDir: join(root, 'state') };
forgetBelow(dirs.filesDir, join(root, 'attic'));
const { writeSteps } = await import('./write-until-cut.ts');
await writeSteps(dirs, Number(hands), Number(steps));
process.kill(process.pid, 'SIGKILL');
