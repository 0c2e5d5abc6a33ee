/** The command from a checkout: `scripts/cloudroid status`. */
import { exitWith, runCloudroid } from './toolchain.mjs';

exitWith(runCloudroid(process.argv.slice(2)));
