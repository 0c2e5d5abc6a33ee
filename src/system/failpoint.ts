/**
 * Named places where a test can make this process die, as a power cut would: CLOUDROID_FAILPOINT=name kills it
 * there with SIGKILL, `name:3` at the third passing. Costs a comparison when unset.
 */
const [, wantedName, wantedPass] = /^(.*?)(?::(\d+))?$/.exec(process.env['CLOUDROID_FAILPOINT'] ?? '') ?? [];
const passesLeft = { [wantedName ?? '']: Number(wantedPass ?? 1) };

export function failpoint(name: string): void {
  if (wantedName !== name) return;
  const left = (passesLeft[name] ?? 1) - 1;
  passesLeft[name] = left;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}
