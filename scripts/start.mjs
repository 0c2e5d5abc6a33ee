/** `npm start`: one member in the foreground. `npm start -- --listen 0.0.0.0:6010` gives options on. */
import { exitWith, runCloudroid } from './toolchain.mjs';

exitWith(runCloudroid(['run', ...process.argv.slice(2)]));
